/*
 * cpu: its own exp and log(1 + x), as far as they can be seen: sigmoid scores and losses of a model
 * whose logit is a product of two numbers, against the C library in double, for every instruction
 * set of this processor.
 */
#include "base/mem.h"
#include "check.h"
#include "cpu/cpu.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ITEMS = 60001 };

/* User 0 is 1, item k is logit[k], item ITEMS is 0: score (0, k) is logit[k] or its sigmoid. With
   kernels NULL, the reference. */
static struct backend *make(const struct cpu_kernels *kernels, enum neumf_loss loss, bool sigmoid,
	const float *logit, const struct neumf_optimizer *o)
{
	static struct pool *pool;
	struct backend_config c = { .optimizer = o, .batch_size = 1 };
	struct neumf_layout l;

	if (pool == NULL)
		pool = pool_new(1);
	c.pool = pool;
	c.shape = (struct neumf_shape){ .model = MODEL_MF,
		.loss = loss,
		.sigmoid_output = sigmoid,
		.num_users = 1,
		.num_items = ITEMS + 1,
		.factors = 1 };
	neumf_layout(&c.shape, &l);
	c.params = xcalloc(l.num_params, sizeof(float));
	neumf_param(&l, c.params, TENSOR_GMF_USER)[0] = 1;
	memcpy(neumf_param(&l, c.params, TENSOR_GMF_ITEM), logit, ITEMS * sizeof(*logit));
	return kernels != NULL ? cpu_create(&c, kernels) : backend_reference.create(&c);
}

/* From -110 to 110, dense around 0. */
static void logits(float *x)
{
	for (int k = 0; k < ITEMS; k++) {
		double t = 2.0 * k / (ITEMS - 1) - 1;

		x[k] = (float)(110 * t * t * t);
	}
}

static void check_sigmoid(const struct cpu_kernels *kernels, float *x)
{
	static float score[ITEMS];
	static const uint32_t user;
	int apart = 0;

	logits(x);
	struct backend *b = make(kernels, LOSS_BPR, true, x, NULL);
	backend_cpu.score_block(b, 1, &user, 0, ITEMS, score);
	backend_cpu.destroy(b);
	for (int k = 0; k < ITEMS; k++) {
		apart += score[k] != 1 / (1 + (float)exp(-(double)x[k]));
	}
	CHECK(apart == 0, "%s: %d of %d sigmoids are not 1 / (1 + expf(-x))", kernels->name, apart,
		ITEMS);
}

static void check_special(const struct cpu_kernels *kernels, float *x)
{
	static const uint32_t user;
	static const float logit[] = { 0, 1e-20f, -1e-20f, 2e-8f, -2e-8f, 200, -200, INFINITY,
		-INFINITY, NAN };
	float score[10];

	memset(x, 0, ITEMS * sizeof(*x));
	memcpy(x, logit, sizeof(logit));
	struct backend *b = make(kernels, LOSS_BPR, true, x, NULL);
	backend_cpu.score_block(b, 1, &user, 0, 10, score);
	backend_cpu.destroy(b);
	for (int k = 0; k < 5; k++)
		CHECK(score[k] == 0.5f, "%s: sigmoid of %g is one half", kernels->name, logit[k]);
	CHECK(score[5] == 1 && score[6] == 0 && score[7] == 1 && score[8] == 0,
		"%s: sigmoid of large logits is 0 or 1", kernels->name);
	CHECK(isnan(score[9]), "%s: sigmoid of NaN is NaN", kernels->name);
}

/* The loss of one row and the derivative by its logit, which is the gradient of the item. */
static void check_loss(const struct cpu_kernels *kernels, enum neumf_loss loss, float *x)
{
	static const struct neumf_optimizer o = { OPTIMIZER_SGD, 1, 0, 0, 0.9, 0.999, 1e-8 };
	static const uint32_t zero = 0, none = ITEMS;
	static const float label = 0;
	static float g[ITEMS + 1];
	double worst_loss = 0, worst_d = 0;

	logits(x);
	struct backend *b = make(kernels, loss, false, x, &o);
	for (uint32_t k = 0; k < ITEMS; k += 97) {
		/* bpr: the margin is -x; both losses are log(1 + exp(x)) */
		struct batch batch = { 1, &zero, loss == LOSS_BCE ? &k : &none, &k, &label };
		double right = x[k] > 0 ? x[k] + log1p(exp(-x[k])) : log1p(exp(x[k]));
		double d = 1 / (1 + exp(-(double)x[k]));

		backend_cpu.gradient(b, &batch);
		worst_loss =
			fmax(worst_loss, fabs(backend_cpu.loss(b).sum - right) / (right + FLT_MIN));
		backend_cpu.read(b, (struct neumf_rows){ .num = ITEMS }, BACKEND_GRADIENT, g);
		worst_d = fmax(worst_d, fabs(g[k] - d) / (d + FLT_MIN));
	}
	backend_cpu.destroy(b);
	CHECK(worst_loss < 4e-7, "%s, %s: relative error of the loss %.1e", kernels->name,
		neumf_loss_names[loss], worst_loss);
	CHECK(worst_d < 4e-7, "%s, %s: relative error of its derivative %.1e", kernels->name,
		neumf_loss_names[loss], worst_d);
}

/* On sigmoids a loss cannot grow: from 2^30 on a logit, of either item, makes it NaN. */
static void check_diverged(const struct cpu_kernels *kernels, enum neumf_loss loss, float *x)
{
	static const struct neumf_optimizer o = { OPTIMIZER_SGD, 1, 0, 0, 0.9, 0.999, 1e-8 };
	static const float logit[] = { 0x1p30f, -0x1p30f, INFINITY, -INFINITY, NAN, 0x1.fffffep29f,
		-0x1.fffffep29f, 100, 0 };
	static const uint32_t zero, none = ITEMS;
	const struct backend_ops *ops = kernels != NULL ? &backend_cpu : &backend_reference;
	unsigned wrong = 0;

	memset(x, 0, ITEMS * sizeof(*x));
	memcpy(x, logit, sizeof(logit));
	struct backend *b = make(kernels, loss, true, x, &o);
	for (uint32_t k = 0; k < 9; k++)
		for (int turn = 0; turn < 2; turn++) {
			struct batch batch = { 1, &zero, turn ? &k : &none, turn ? &none : &k,
				NULL };

			ops->gradient(b, &batch);
			wrong += isfinite(ops->loss(b).sum) != (k >= 5);
		}
	ops->destroy(b);
	CHECK(wrong == 0, "%s, %s on sigmoids: the loss is not finite from a logit of 2^30 on",
		kernels != NULL ? kernels->name : "reference", neumf_loss_names[loss]);
}

int main(void)
{
	const struct cpu_kernels *kernels[8];
	unsigned n = cpu_kernels_available(kernels, 8);
	float *x = xmalloc(ITEMS, sizeof(*x));

	for (unsigned k = 0; k < n; k++) {
		check_sigmoid(kernels[k], x);
		check_special(kernels[k], x);
		check_loss(kernels[k], LOSS_BCE, x);
		check_loss(kernels[k], LOSS_BPR, x);
		check_diverged(kernels[k], LOSS_BPR, x);
		check_diverged(kernels[k], LOSS_HINGE, x);
	}
	check_diverged(NULL, LOSS_BPR, x);
	check_diverged(NULL, LOSS_HINGE, x);
	free(x);
	return CHECK_EXIT;
}
