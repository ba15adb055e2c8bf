/*
 * The reference backend's gradient of every weight against central finite differences of the mean
 * loss, for every model x loss, with sigmoid output where it is allowed, and with l2.
 */
#include "check.h"

#include "base/mem.h"
#include "model/backend.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { USERS = 5, ITEMS = 7, ROWS = 6, NEGATIVES = 3 };

/* User 3 and item 6 occur nowhere; user 0, items 1 and 2 several times, also within a row. */
static const uint32_t user[ROWS] = { 0, 1, 0, 2, 4, 0 };
static const uint32_t item[ROWS] = { 1, 2, 3, 1, 0, 2 };
static const uint32_t negative[ROWS * NEGATIVES] = { 2, 1, 5, 4, 1, 2, /* and for groups: */ 0, 3,
	5, 5, 1, 1, 2, 0, 4, 3, 3, 1 };
static const float label[ROWS] = { 1, 0, 0.25f, 1, 0, 1 };
static const struct batch batch = { ROWS, user, item, negative, label };

static struct backend *backend(const struct neumf_shape *s, const float *params, uint64_t n,
	const struct neumf_optimizer *o)
{
	struct backend_config config = { .shape = *s, .optimizer = o, .batch_size = ROWS };

	config.params = xmalloc(n, sizeof(float));
	memcpy(config.params, params, n * sizeof(float));
	/* cppcheck-suppress returnDanglingLifetime ; create() copies what it keeps */
	return backend_reference.create(&config);
}

/* The cosine of a user and an item, (3) each. */
static double cosine(const struct neumf_layout *l, const float *params, uint32_t u, uint32_t i)
{
	const float *p = params + l->tensor[l->at[TENSOR_GMF_USER]].offset + 3 * (size_t)u;
	const float *q = params + l->tensor[l->at[TENSOR_GMF_ITEM]].offset + 3 * (size_t)i;
	double pq = 0, pp = 0, qq = 0;

	for (int k = 0; k < 3; k++) {
		pq += (double)p[k] * q[k];
		pp += (double)p[k] * p[k];
		qq += (double)q[k] * q[k];
	}
	return pq / sqrt(pp * qq);
}

/* How often a negative of row k is item `row`; of groups, those above the margin. */
static double negatives(const struct neumf_shape *s, const struct neumf_layout *l,
	const float *params, int k, uint32_t row)
{
	double n = 0;

	if (s->loss != LOSS_CCL)
		return s->loss != LOSS_BCE && negative[k] == row;
	for (int j = NEGATIVES * k; j < NEGATIVES * (k + 1); j++)
		n += negative[j] == row && cosine(l, params, user[k], row) > s->ccl.margin;
	return n;
}

/* How often row `row` of tensor t is in the batch. */
static double occurrences(const struct neumf_shape *s, const struct neumf_layout *l,
	const float *params, const struct neumf_tensor *t, uint32_t row)
{
	double n = 0;

	for (int k = 0; k < ROWS; k++)
		n += t->side == SIDE_USER ? user[k] == row
					  : (item[k] == row) + negatives(s, l, params, k, row);
	return n;
}

/* Mean loss of the batch, and l2 / 2 w^2 over B for each occurrence, whose gradient is l2's. */
static double objective(const struct neumf_shape *s, const struct neumf_layout *l,
	const float *params, const struct neumf_optimizer *o)
{
	struct backend *b = backend(s, params, l->num_params, o);
	struct backend_loss loss;
	double penalty = 0;

	backend_reference.gradient(b, &batch);
	loss = backend_reference.loss(b);
	backend_reference.destroy(b);
	for (unsigned k = 0; k < l->num_tensors; k++) {
		const struct neumf_tensor *t = &l->tensor[k];

		for (uint64_t e = 0; t->side != SIDE_NONE && e < (uint64_t)t->rows * t->cols; e++) {
			double w = params[t->offset + e];

			penalty += w * w * occurrences(s, l, params, t, (uint32_t)(e / t->cols));
		}
		if ((int)k == l->at[TENSOR_GLOBAL_BIAS])
			penalty += ROWS * (double)params[t->offset] * params[t->offset];
	}
	return (loss.sum + o->l2 / 2 * penalty) / ROWS;
}

static void check_tensor(const struct neumf_shape *s, const struct neumf_layout *l, unsigned tensor,
	float *params, const struct neumf_optimizer *o, const char *name)
{
	const struct neumf_tensor *t = &l->tensor[tensor];
	uint64_t n = (uint64_t)t->rows * t->cols;
	float *gradient = xmalloc(n, sizeof(float));
	struct backend *b = backend(s, params, l->num_params, o);
	double worst = 0, largest = 0;
	bool exact = true;

	backend_reference.gradient(b, &batch);
	backend_reference.read(b, neumf_whole(l, tensor), BACKEND_GRADIENT, gradient);
	backend_reference.destroy(b);
	for (uint64_t e = 0; e < n; e++) {
		float *w = &params[t->offset + e], saved = *w;
		float above = saved + 1e-4f, below = saved - 1e-4f;

		*w = above;
		double difference = objective(s, l, params, o);
		*w = below;
		difference -= objective(s, l, params, o);
		*w = saved;
		difference /= (double)above - below;
		worst = fmax(worst, fabs(difference - gradient[e]));
		exact = exact && gradient[e] == 0;
		largest = fmax(largest, fabs(difference));
	}
	free(gradient);
	/* what is in both scores of a pair: by neumf.h, not but for rounding */
	const bool both =
		t->bias && (t->side == SIDE_USER || (int)tensor == l->at[TENSOR_GLOBAL_BIAS]);
	const bool cancels = both && s->loss != LOSS_BCE && !s->sigmoid_output && o->l2 == 0;
	CHECK(worst <= 2e-7 + 1e-6 * largest && (cancels ? exact : largest > 1e-3),
		"%s %s: largest difference %.1e of gradients up to %.1e%s", name, t->name, worst,
		largest, cancels ? ", 0 because it cancels" : "");
}

/* Weights and biases in -1..1, so that every layer has units on both sides of its kink. */
static void fill(float *params, uint64_t n)
{
	for (uint64_t k = 0; k < n; k++)
		params[k] = (float)sin(0.3 * (double)((k + 1) * (k + 1)));
}

static void check_model(
	enum neumf_model model, bool bias, enum neumf_loss loss, bool sigmoid, double l2)
{
	struct neumf_shape s = { .model = model,
		.loss = loss,
		.sigmoid_output = sigmoid,
		.num_users = USERS,
		.num_items = ITEMS,
		.bias = bias,
		.ccl = { NEGATIVES, 0.05, 2 } };
	struct neumf_optimizer o = { OPTIMIZER_SGD, 1, 0.5, l2, 0.9, 0.999, 1e-8 };
	struct neumf_layout l;
	char name[64];

	if (neumf_has_gmf(&s))
		s.factors = 3;
	if (neumf_has_mlp(&s)) {
		s.mlp_factors = 2;
		s.num_hidden = 3;
		s.hidden[0] = 5;
		s.hidden[1] = 4;
		s.hidden[2] = 3;
	}
	neumf_layout(&s, &l);
	float *params = xmalloc(l.num_params, sizeof(float));
	fill(params, l.num_params);
	snprintf(name, sizeof(name), "%s%s %s%s%s", neumf_model_names[model],
		bias ? " with biases" : "", neumf_loss_names[loss], sigmoid ? " sigmoid" : "",
		l2 != 0 ? " l2" : "");
	for (unsigned k = 0; k < l.num_tensors; k++)
		check_tensor(&s, &l, k, params, &o, name);
	free(params);
}

int main(void)
{
	for (unsigned k = MODEL_NEUMF; k <= MODEL_MF + 1; k++)
		for (enum neumf_loss loss = LOSS_BPR; loss <= LOSS_BCE; loss++) {
			const bool bias = k > MODEL_MF;
			const enum neumf_model model = bias ? MODEL_MF : k;

			check_model(model, bias, loss, false, 0);
			check_model(model, bias, loss, false, 0.3);
			if (loss != LOSS_BCE)
				check_model(model, bias, loss, true, 0);
		}
	check_model(MODEL_MF, false, LOSS_CCL, false, 0);
	check_model(MODEL_MF, false, LOSS_CCL, false, 0.3);
	return CHECK_EXIT;
}
