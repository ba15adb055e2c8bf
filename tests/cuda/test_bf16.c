/*
 * test_bf16: training with --precision bf16 against plain loops in double that round where the
 * kernels round:
 *   x, w, bias, dz   the inputs, weights, hidden biases and gradients of a layer's products
 *   y                the output of a layer, but of the last one, which the head reads as floats
 * Each step starts from the plug-in's own parameters, so errors do not add up. What is left are
 * sums in another order: in most steps nothing rounds otherwise for it, and the gradients agree as
 * those of fp32 do; now and then a number is rounded to its neighbour, 2^-8 of it away.
 *   COFILTER_CUDA_PLUGIN=FILE test_bf16
 * The same loops without the rounding must be twenty times as far away as that, or the test would show
 * nothing. Optimizer, losses and segments are those of fp32, which test_training compares.
 */
#include "train_test.h"

enum { BF16_STEPS = 6, BATCH = 67, MOST_WIDTH = 256 };
static const double limit = 5e-5, neighbour = 1.0 / 256;

/* clang-format off */
static const struct test_case bf16_cases[] = {
	{ "neumf bpr",  { MODEL_NEUMF, LOSS_BPR, false, 40, 70, 12, 36, 3, { 128, 72, 32 }, false, { 0, 0, 0 } }, ADAM(0.01, 0, 0), BATCH, PRECISION_BF16, true },
	{ "mlp bce",    { MODEL_MLP, LOSS_BCE, false, 40, 70, 0, 16, 2, { 24, 80 }, false, { 0, 0, 0 } }, SGD(0.1, 0, 0), BATCH, PRECISION_BF16, true },
	{ "mlp hinge",  { MODEL_MLP, LOSS_HINGE, false, 40, 70, 0, 4, 1, { 8 }, false, { 0, 0, 0 } }, LAZY(0.01, 0, 0), BATCH, PRECISION_BF16, true },
};
/* clang-format on */

/* The network on the host: its parameters as the plug-in has them, and their gradients. */
struct network {
	struct neumf_shape shape;
	struct neumf_layout layout;
	float *value;
	double *gradient;
	bool rounding;
};

/* What a sample's forward pass leaves for its backward pass. */
struct sample {
	uint32_t user, item;
	double x[MOST_WIDTH], y[NEUMF_MAX_HIDDEN][MOST_WIDTH], g[MOST_WIDTH], logit;
};

static double rounded(const struct network *n, double v)
{
	float f = (float)v;
	uint32_t u;

	if (!n->rounding)
		return v;
	memcpy(&u, &f, sizeof(u));
	u = (u + 0x7fff + (u >> 16 & 1)) & 0xffff0000u;
	memcpy(&f, &u, sizeof(f));
	return f;
}

static uint64_t offset(const struct network *n, int which)
{
	return n->layout.tensor[n->layout.at[which]].offset;
}

/* Only with bce, see neumf.h. */
static bool has_head_bias(const struct network *n)
{
	return n->layout.at[TENSOR_HEAD_BIAS] >= 0;
}

static const float *value(const struct network *n, int which)
{
	return n->value + offset(n, which);
}

static double *gradient(const struct network *n, int which)
{
	return n->gradient + offset(n, which);
}

static uint32_t width_of(const struct network *n, uint32_t l)
{
	return l ? n->shape.hidden[l - 1] : 2 * n->shape.mlp_factors;
}

static void forward(const struct network *n, struct sample *s)
{
	const uint32_t E = n->shape.mlp_factors,
		       F = n->shape.model == MODEL_NEUMF ? n->shape.factors : 0;
	const uint32_t last = n->shape.num_hidden - 1;
	const float *head = value(n, TENSOR_HEAD);
	const double *x = s->x;

	for (uint32_t k = 0; k < E; k++) {
		s->x[k] = rounded(n, value(n, TENSOR_MLP_USER)[s->user * E + k]);
		s->x[E + k] = rounded(n, value(n, TENSOR_MLP_ITEM)[s->item * E + k]);
	}
	for (uint32_t l = 0; l <= last; x = s->y[l++])
		for (uint32_t j = 0, in = width_of(n, l); j < n->shape.hidden[l]; j++) {
			const float *w = value(n, TENSOR_MLP + 2 * (int)l) + j * in;
			double bias = value(n, TENSOR_MLP + 2 * (int)l + 1)[j];
			double sum = l < last ? rounded(n, bias) : bias;

			for (uint32_t k = 0; k < in; k++)
				sum += x[k] * rounded(n, w[k]);
			sum = sum > 0 ? sum : 0;
			s->y[l][j] = l < last ? rounded(n, sum) : sum;
		}
	s->logit = has_head_bias(n) ? value(n, TENSOR_HEAD_BIAS)[0] : 0;
	for (uint32_t k = 0; k < F; k++) {
		s->g[k] = (double)value(n, TENSOR_GMF_USER)[s->user * F + k] *
			  value(n, TENSOR_GMF_ITEM)[s->item * F + k];
		s->logit += head[k] * s->g[k];
	}
	for (uint32_t k = 0; k < n->shape.hidden[last]; k++)
		s->logit += head[F + k] * s->y[last][k];
}

/* The layers, given dz of the last one, which is overwritten. */
static void backward_layers(const struct network *n, const struct sample *s, double *dz)
{
	const uint32_t E = n->shape.mlp_factors, last = n->shape.num_hidden - 1;

	for (uint32_t l = last + 1; l-- > 0;) {
		const uint32_t in = width_of(n, l), out = n->shape.hidden[l];
		const double *x = l ? s->y[l - 1] : s->x;
		double *dw = gradient(n, TENSOR_MLP + 2 * (int)l), dx[MOST_WIDTH] = { 0 };

		for (uint32_t j = 0; j < out; j++) {
			/* the last bias gets the sum of what was not rounded */
			gradient(n, TENSOR_MLP + 2 * (int)l + 1)[j] += dz[j];
			dz[j] = rounded(n, dz[j]);
			for (uint32_t k = 0; k < in; k++) {
				dw[j * in + k] += dz[j] * x[k];
				dx[k] += dz[j] *
					 rounded(n, value(n, TENSOR_MLP + 2 * (int)l)[j * in + k]);
			}
		}
		for (uint32_t k = 0; k < in && l; k++)
			dz[k] = x[k] > 0 ? rounded(n, dx[k]) : 0;
		for (uint32_t k = 0; k < E && !l; k++) {
			gradient(n, TENSOR_MLP_USER)[s->user * E + k] += dx[k];
			gradient(n, TENSOR_MLP_ITEM)[s->item * E + k] += dx[E + k];
		}
	}
}

static void backward(const struct network *n, const struct sample *s, double dlogit)
{
	const uint32_t F = n->shape.model == MODEL_NEUMF ? n->shape.factors : 0;
	const uint32_t last = n->shape.num_hidden - 1;
	const float *head = value(n, TENSOR_HEAD);
	double *dhead = gradient(n, TENSOR_HEAD), dz[MOST_WIDTH];

	if (has_head_bias(n))
		gradient(n, TENSOR_HEAD_BIAS)[0] += dlogit;
	for (uint32_t k = 0; k < F; k++) {
		size_t user = s->user * F + k, item = s->item * F + k;

		dhead[k] += dlogit * s->g[k];
		gradient(n, TENSOR_GMF_USER)[user] +=
			dlogit * head[k] * value(n, TENSOR_GMF_ITEM)[item];
		gradient(n, TENSOR_GMF_ITEM)[item] +=
			dlogit * head[k] * value(n, TENSOR_GMF_USER)[user];
	}
	for (uint32_t k = 0; k < n->shape.hidden[last]; k++) {
		dhead[F + k] += dlogit * s->y[last][k];
		dz[k] = s->y[last][k] > 0 ? dlogit * head[F + k] : 0;
	}
	backward_layers(n, s, dz);
}

/* The gradient of the mean loss over a batch. */
static void emulate(struct network *n, const struct batch *batch)
{
	static struct sample a, b;

	memset(n->gradient, 0, n->layout.num_params * sizeof(*n->gradient));
	for (uint32_t r = 0; r < batch->size; r++) {
		double d;

		a.user = b.user = batch->user[r];
		a.item = batch->item[r];
		forward(n, &a);
		if (n->shape.loss == LOSS_BCE) {
			backward(n, &a, (1 / (1 + exp(-a.logit)) - batch->label[r]) / batch->size);
			continue;
		}
		b.item = batch->negative[r];
		forward(n, &b);
		d = a.logit - b.logit;
		d = n->shape.loss == LOSS_BPR ? 1 / (1 + exp(d)) : d < 1 ? 1 : 0;
		backward(n, &a, -d / batch->size);
		backward(n, &b, d / batch->size);
	}
}

/* The worst error of a tensor of the gradient that the plug-in holds, relative to its largest number;
   *name: which tensor. */
static double worst(const struct backend_ops *ops, struct backend *backend, const struct network *n,
	const char **name)
{
	float *got = xmalloc(n->layout.num_params, sizeof(*got));
	double most = 0;

	for (unsigned t = 0; t < n->layout.num_tensors; t++) {
		const struct neumf_tensor *tensor = &n->layout.tensor[t];
		const double *want = n->gradient + tensor->offset;
		double error = 0, scale = 0;

		ops->read(backend, neumf_whole(&n->layout, t), BACKEND_GRADIENT, got);
		for (uint64_t k = 0; k < (uint64_t)tensor->rows * tensor->cols; k++) {
			double e = fabs(got[k] - want[k]);

			error = e > error || isnan(e) ? e : error;
			scale = fmax(scale, fabs(want[k]));
		}
		error = scale > 0 ? error / scale : error;
		if (!(error <= most)) {
			most = error;
			*name = tensor->name;
		}
	}
	free(got);
	return most;
}

static void check(const struct backend_ops *ops, const struct test_case *c)
{
	struct network n = { .shape = c->shape };
	struct arrays a = make_arrays(c->batch_size);
	struct backend *b = make_backend(ops, c);
	double most = 0, least_unrounded = INFINITY;
	unsigned close = 0;
	const char *name = "", *at = "";

	neumf_layout(&n.shape, &n.layout);
	n.value = xmalloc(n.layout.num_params, sizeof(*n.value));
	n.gradient = xmalloc(n.layout.num_params, sizeof(*n.gradient));
	for (unsigned step = 0; step < BF16_STEPS; step++) {
		struct batch batch = make_batch(c, &a, step);

		for (unsigned t = 0; t < n.layout.num_tensors; t++)
			ops->read(b, neumf_whole(&n.layout, t), BACKEND_VALUE,
				n.value + n.layout.tensor[t].offset);
		ops->gradient(b, &batch);
		for (int rounding = 0; rounding < 2; rounding++) {
			n.rounding = rounding;
			emulate(&n, &batch);
			double e = worst(ops, b, &n, &at);
			if (!rounding && e < least_unrounded)
				least_unrounded = e;
			close += rounding && e <= limit;
			if (rounding && !(e <= most)) {
				most = e;
				name = at;
			}
		}
		ops->update(b);
	}
	CHECK(most <= neighbour, "%s: gradients of %d steps: worst relative error %.2g (%s)",
		c->name, BF16_STEPS, most, name);
	CHECK(close > BF16_STEPS / 2, "%s: gradients of %u of %d steps within %.2g", c->name, close,
		BF16_STEPS, limit);
	CHECK(least_unrounded > 20 * limit, "%s: without rounding they differ by %.2g", c->name,
		least_unrounded);
	ops->destroy(b);
	free_arrays(&a);
	free(n.value);
	free(n.gradient);
}

int main(void)
{
	die_set_name("test_bf16");
	const struct backend_ops *ops = backend_select(DEVICE_CUDA, false);

	for (unsigned i = 0; i < sizeof(bf16_cases) / sizeof(*bf16_cases); i++)
		check(ops, &bf16_cases[i]);
	return CHECK_EXIT;
}
