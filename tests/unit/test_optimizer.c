/*
 * The reference backend's optimizers against a computation in double from the formulas of neumf.h,
 * over several steps, from the gradients the backend reports; and lazy-adam's promise about rows
 * not in the batch.
 */
#include "check.h"

#include "base/mem.h"
#include "base/rng.h"
#include "model/backend.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { USERS = 4, ITEMS = 5, STEPS = 5, MAX_PARAMS = 256 };

static const struct neumf_shape shape = { .model = MODEL_NEUMF,
	.loss = LOSS_BPR,
	.num_users = USERS,
	.num_items = ITEMS,
	.factors = 2,
	.mlp_factors = 3,
	.num_hidden = 2,
	.hidden = { 4, 3 } };

/* One (user, positive, negative) a step: user 0 rests in steps 1, 3, 4; item 4 is never seen. */
static const uint32_t user[STEPS] = { 0, 1, 0, 2, 1 };
static const uint32_t item[STEPS] = { 1, 0, 2, 1, 3 };
static const uint32_t negative[STEPS] = { 2, 1, 3, 0, 2 };

static bool in_batch(const struct neumf_tensor *t, uint32_t row, int step)
{
	if (t->side == SIDE_USER)
		return user[step] == row;
	return item[step] == row || negative[step] == row;
}

static struct backend *start(const struct neumf_layout *l, const struct neumf_optimizer *o)
{
	struct backend_config config = { .shape = shape, .optimizer = o, .batch_size = 1 };
	struct rng r;

	config.params = xmalloc(l->num_params, sizeof(float));
	rng_start(&r, 5, RNG_TEST, 0, 0);
	for (uint64_t k = 0; k < l->num_params; k++)
		config.params[k] = (float)(2 * rng_real(&r) - 1);
	/* cppcheck-suppress returnDanglingLifetime ; create() copies what it keeps */
	return backend_reference.create(&config);
}

static void read_all(
	struct backend *b, const struct neumf_layout *l, enum backend_what what, float *out)
{
	for (unsigned k = 0; k < l->num_tensors; k++)
		backend_reference.read(b, neumf_whole(l, k), what, out + l->tensor[k].offset);
}

/* What neumf.h says of one weight, in double; the state is the caller's. */
static void step_weight(
	const struct neumf_optimizer *o, int t, double g, double *w, double *m, double *v)
{
	double h = g + o->weight_decay * *w;

	if (o->kind == OPTIMIZER_SGD) {
		*w -= o->lr * h;
		return;
	}
	*m = o->beta1 * *m + (1 - o->beta1) * h;
	*v = o->beta2 * *v + (1 - o->beta2) * h * h;
	*w -= o->lr / (1 - pow(o->beta1, t)) * *m /
	      (sqrt(*v) / sqrt(1 - pow(o->beta2, t)) + o->eps);
}

static void check_steps(const struct neumf_optimizer *o, const char *name)
{
	static float before[MAX_PARAMS], after[MAX_PARAMS], gradient[MAX_PARAMS], m1[MAX_PARAMS],
		m2[MAX_PARAMS];
	static double w[MAX_PARAMS], m[MAX_PARAMS], v[MAX_PARAMS];
	struct neumf_layout l;
	double worst = 0, worst_moment = 0, moved = 0;
	int rested = 0, disturbed = 0;

	neumf_layout(&shape, &l);
	struct backend *b = start(&l, o);
	read_all(b, &l, BACKEND_VALUE, after);
	for (uint64_t e = 0; e < l.num_params; e++) {
		w[e] = after[e];
		m[e] = v[e] = 0;
	}
	for (int s = 0; s < STEPS; s++) {
		struct batch batch = { 1, &user[s], &item[s], &negative[s], NULL };

		memcpy(before, after, sizeof(before));
		backend_reference.gradient(b, &batch);
		read_all(b, &l, BACKEND_GRADIENT, gradient);
		backend_reference.update(b);
		read_all(b, &l, BACKEND_VALUE, after);
		for (unsigned k = 0; k < l.num_tensors; k++) {
			const struct neumf_tensor *t = &l.tensor[k];

			for (uint64_t e = t->offset; e < t->offset + (uint64_t)t->rows * t->cols;
				e++) {
				if (o->kind == OPTIMIZER_LAZY_ADAM && t->side != SIDE_NONE &&
					!in_batch(t, (uint32_t)((e - t->offset) / t->cols), s)) {
					rested++;
					disturbed += before[e] != after[e];
					continue;
				}
				step_weight(o, s + 1, gradient[e], &w[e], &m[e], &v[e]);
			}
		}
		for (uint64_t e = 0; e < l.num_params; e++) {
			worst = fmax(worst, fabs(w[e] - after[e]));
			moved = fmax(moved, fabs((double)before[e] - after[e]));
		}
	}
	read_all(b, &l, BACKEND_MOMENT1, m1);
	read_all(b, &l, BACKEND_MOMENT2, m2);
	for (uint64_t e = 0; e < l.num_params; e++)
		worst_moment = fmax(worst_moment, fmax(fabs(m[e] - m1[e]), fabs(v[e] - m2[e])));
	backend_reference.destroy(b);
	CHECK(worst <= 1e-6 && moved > 1e-3, "%s: weights within %.1e after %d steps of up to %.1e",
		name, worst, STEPS, moved);
	CHECK(worst_moment <= 1e-6, "%s: moments within %.1e", name, worst_moment);
	if (o->kind == OPTIMIZER_LAZY_ADAM)
		CHECK(rested > 100 && disturbed == 0, "%s: %d of %d resting weights moved", name,
			disturbed, rested);
}

/*
 * By hand: after one step of Adam m = 0.1 h and v = 0.001 h^2, so that w moves by lr h / (|h| +
 * eps). A row that is not in the batch has h = wd w: it moves by lr against its sign with adam, and
 * stays with lazy-adam.
 */
static void check_first_step(void)
{
	struct neumf_optimizer o = { OPTIMIZER_ADAM, 0.125, 0.25, 0, 0.9, 0.999, 1e-8 };
	struct batch batch = { 1, user, item, negative, NULL };
	struct neumf_layout l;
	float before[2 * ITEMS], after[2 * ITEMS];

	neumf_layout(&shape, &l);
	struct backend *b = start(&l, &o);
	unsigned tensor = (unsigned)l.at[TENSOR_GMF_ITEM];
	backend_reference.read(b, neumf_whole(&l, tensor), BACKEND_VALUE, before);
	backend_reference.gradient(b, &batch);
	backend_reference.update(b);
	backend_reference.read(b, neumf_whole(&l, tensor), BACKEND_VALUE, after);
	backend_reference.destroy(b);
	for (int e = 2 * (ITEMS - 1); e < 2 * ITEMS; e++) {
		double step = before[e] - after[e];

		CHECK(fabs(step - copysign(0.125, before[e])) < 1e-6,
			"adam moves item 4 by lr: %.7f from %f", step, before[e]);
	}
}

int main(void)
{
	struct neumf_optimizer o = { OPTIMIZER_SGD, 0.05, 0.1, 0.2, 0.9, 0.999, 1e-8 };

	check_steps(&o, "sgd");
	o.kind = OPTIMIZER_ADAM;
	check_steps(&o, "adam");
	o.kind = OPTIMIZER_LAZY_ADAM;
	check_steps(&o, "lazy-adam");
	o.beta1 = 0.5;
	o.beta2 = 0.75;
	o.eps = 0.125; /* far from 0: its place in the formula shows */
	check_steps(&o, "lazy-adam with other constants");
	check_first_step();
	return CHECK_EXIT;
}
