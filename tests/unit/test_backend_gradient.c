/*
 * Gradients that leave a backend and come back, for the reference and for every instruction set of
 * this processor: one that was read and written back moves the weights as if it had stayed, and
 * those of half batches add up to that of the whole.
 */
#include "check.h"
#include "settings.h"

#include <math.h>

enum { BEFORE = 3 };

/* The gradient of batch number `step`, of `size` rows from row `first` on. */
static void gradient_of(
	const struct setting *t, struct backend *b, uint32_t first, uint32_t size, uint32_t step)
{
	struct batch all = random_batch(&rows, t->batch_size, step);
	const uint32_t negatives = t->shape.loss == LOSS_CCL ? NEGATIVES : 1;
	struct batch part = { size, all.user + first, all.item + first,
		all.negative + first * negatives, all.label + first };

	t->kind.ops->gradient(b, &part);
}

static bool same_gradients(
	const struct setting *t, const struct backend_gradient *a, const struct backend_gradient *b)
{
	bool equal = true;

	for (int s = 0; s < 2; s++)
		equal = equal && a->num[s] == b->num[s] &&
			memcmp(a->id[s], b->id[s], a->num[s] * sizeof(uint32_t)) == 0;
	for (unsigned k = 0; equal && k < t->layout.num_tensors; k++) {
		const struct neumf_tensor *n = &t->layout.tensor[k];
		size_t count = n->side == SIDE_NONE ? n->rows : a->num[n->side];

		equal = memcmp(a->tensor[k], b->tensor[k], count * n->cols * sizeof(float)) == 0;
	}
	return equal;
}

/* Of the negatives of groups, those above the margin. */
static void find_held_negatives(
	const struct setting *t, struct backend *b, uint32_t n, bool held[ITEMS])
{
	for (uint32_t k = 0; k < n * NEGATIVES; k++) {
		float cosine;

		t->kind.ops->score_pairs(
			b, 1, &rows.user[k / NEGATIVES], &rows.negative[k], &cosine);
		held[rows.negative[k]] |= cosine > (float)t->shape.ccl.margin;
	}
}

/* Which ids the first n rows of the batch in `rows` hold. */
static void find_held(const struct setting *t, struct backend *b, uint32_t n, bool held[2][ITEMS])
{
	memset(held, 0, 2 * sizeof(held[0]));
	for (uint32_t k = 0; k < n; k++) {
		held[SIDE_USER][rows.user[k]] = true;
		held[SIDE_ITEM][rows.item[k]] = true;
		if (t->shape.loss == LOSS_BPR || t->shape.loss == LOSS_HINGE)
			held[SIDE_ITEM][rows.negative[k]] = true;
	}
	if (t->shape.loss == LOSS_CCL)
		find_held_negatives(t, b, n, held[SIDE_ITEM]);
}

/* place[id] is 1 + the row of an id in `g`, 0 where it has none. */
static void find_places(const struct backend_gradient *g, uint32_t place[2][ITEMS])
{
	memset(place, 0, 2 * sizeof(place[0]));
	for (int s = 0; s < 2; s++)
		for (uint32_t k = 0; k < g->num[s]; k++)
			place[s][g->id[s][k]] = k + 1;
}

/* Row r of tensor n in `g`, NULL where it has none. */
static const float *row_in(const struct setting *t, const struct backend_gradient *g,
	uint32_t place[2][ITEMS], unsigned n, uint32_t r)
{
	const struct neumf_tensor *tensor = &t->layout.tensor[n];
	const uint32_t at = tensor->side == SIDE_NONE ? r + 1 : place[tensor->side][r];

	return at ? g->tensor[n] + (size_t)(at - 1) * tensor->cols : NULL;
}

/* Is `g` the gradient that read() gives, with the ids of the first n rows of the last batch? */
static bool is_held(
	const struct setting *t, struct backend *b, const struct backend_gradient *g, uint32_t n)
{
	bool held[2][ITEMS], equal = true;
	uint32_t place[2][ITEMS];

	find_held(t, b, n, held);
	find_places(g, place);
	for (int s = 0; s < 2; s++)
		for (uint32_t id = 0; id < ITEMS; id++)
			equal = equal && held[s][id] == (place[s][id] > 0);
	float *dense = read_all(t->kind.ops, b, &t->layout, BACKEND_GRADIENT);
	for (unsigned k = 0; k < t->layout.num_tensors; k++) {
		const struct neumf_tensor *tensor = &t->layout.tensor[k];

		for (uint32_t r = 0; r < tensor->rows; r++) {
			const float *right = dense + tensor->offset + (size_t)r * tensor->cols;
			const float *row = row_in(t, g, place, k, r);

			for (uint32_t c = 0; c < tensor->cols; c++)
				equal = equal && right[c] == (row ? row[c] : 0);
		}
	}
	free(dense);
	return equal;
}

/* Largest difference of any value or moment. */
static double apart(const struct setting *t, struct backend *a, struct backend *b)
{
	double most = 0;

	for (unsigned k = 0; k < 3; k++) {
		float *left = read_all(t->kind.ops, a, &t->layout, states[k]);
		float *right = read_all(t->kind.ops, b, &t->layout, states[k]);

		for (uint64_t e = 0; e < t->layout.num_params; e++)
			most = fmax(most, fabs((double)left[e] - right[e]));
		free(left);
		free(right);
	}
	return most;
}

/*
 * a keeps its gradient, b (which held that of another, larger batch) gets it from outside, c reads
 * and writes its own. The reference rounds it to float on the way.
 */
static void check_gradient(const struct setting *t)
{
	const uint32_t size = t->batch_size - t->batch_size / 3;
	struct backend *a = make(t), *b = make(t), *c = make(t);
	struct backend_gradient g, again;

	backend_gradient_init(&g, &t->shape, t->batch_size);
	backend_gradient_init(&again, &t->shape, t->batch_size);
	train(t, a, 0, BEFORE);
	train(t, b, 0, BEFORE);
	train(t, c, 0, BEFORE);
	gradient_of(t, b, 0, t->batch_size, 50);
	gradient_of(t, a, 0, size, 51);
	t->kind.ops->read_gradient(a, &g);
	bool held = is_held(t, a, &g, size);
	t->kind.ops->write_gradient(b, &g);
	t->kind.ops->read_gradient(b, &again);
	held = held && is_held(t, b, &g, size) && same_gradients(t, &g, &again);
	gradient_of(t, c, 0, size, 51);
	t->kind.ops->read_gradient(c, &again);
	t->kind.ops->write_gradient(c, &again);
	t->kind.ops->update(a);
	t->kind.ops->update(b);
	t->kind.ops->update(c);
	double limit = t->kind.kernels ? 0 : 1e-7;
	CHECK(held && apart(t, a, b) <= limit && apart(t, a, c) <= limit && same_state(t, b, c),
		"%s: a gradient written back moves as it would have, within %.0e", t->name,
		fmax(apart(t, a, b), apart(t, a, c)));
	train(t, b, 60, 1); /* l2 and jobs are those of a batch again */
	train(t, c, 60, 1);
	train(t, a, 60, 1);
	CHECK(apart(t, a, b) <= 10 * limit && same_state(t, b, c), "%s: and the next step follows",
		t->name);
	backend_gradient_release(&g);
	backend_gradient_release(&again);
	t->kind.ops->destroy(a);
	t->kind.ops->destroy(b);
	t->kind.ops->destroy(c);
}

/* to = (a + b) / 2, with the ids of either. */
static void mean_of(const struct setting *t, const struct backend_gradient *a,
	const struct backend_gradient *b, struct backend_gradient *to)
{
	uint32_t in_a[2][ITEMS], in_b[2][ITEMS];

	find_places(a, in_a);
	find_places(b, in_b);
	for (int s = 0; s < 2; s++) {
		to->num[s] = 0;
		for (uint32_t id = 0; id < ITEMS; id++)
			if (in_a[s][id] || in_b[s][id])
				to->id[s][to->num[s]++] = id;
	}
	for (unsigned n = 0; n < t->layout.num_tensors; n++) {
		const struct neumf_tensor *tensor = &t->layout.tensor[n];
		const bool dense = tensor->side == SIDE_NONE;
		float *row = to->tensor[n];

		for (uint32_t k = 0; k < (dense ? tensor->rows : to->num[tensor->side]); k++) {
			uint32_t r = dense ? k : to->id[tensor->side][k];
			const float *x = row_in(t, a, in_a, n, r), *y = row_in(t, b, in_b, n, r);

			for (uint32_t c = 0; c < tensor->cols; c++)
				*row++ = ((x ? x[c] : 0) + (y ? y[c] : 0)) / 2;
		}
	}
}

/* Two processes with half a batch each, as the exchange of gradients would have it. */
static void check_halves(const struct setting *t)
{
	const uint32_t half = t->batch_size / 2;
	struct backend *whole = make(t), *parts = make(t);
	struct backend_gradient g[3];

	for (int k = 0; k < 3; k++)
		backend_gradient_init(&g[k], &t->shape, t->batch_size);
	gradient_of(t, whole, 0, 2 * half, 7);
	gradient_of(t, parts, 0, half, 7);
	t->kind.ops->read_gradient(parts, &g[0]);
	gradient_of(t, parts, half, half, 7);
	t->kind.ops->read_gradient(parts, &g[1]);
	mean_of(t, &g[0], &g[1], &g[2]);
	t->kind.ops->write_gradient(parts, &g[2]);
	bool held = is_held(t, parts, &g[2], 2 * half);
	float *a = read_all(t->kind.ops, whole, &t->layout, BACKEND_GRADIENT);
	float *b = read_all(t->kind.ops, parts, &t->layout, BACKEND_GRADIENT);
	double most = 0, worst = 0;
	for (uint64_t e = 0; e < t->layout.num_params; e++) {
		most = fmax(most, fabs((double)a[e]));
		worst = fmax(worst, fabs((double)a[e] - b[e]));
	}
	t->kind.ops->update(whole);
	t->kind.ops->update(parts);
	CHECK(held && most > 1e-3 && worst <= 1e-6 * most &&
			apart(t, whole, parts) <= 5e-4 * t->optimizer.lr,
		"%s: halves add up within %.0e of %.0e, weights within %.0e", t->name, worst, most,
		apart(t, whole, parts));
	free(a);
	free(b);
	for (int k = 0; k < 3; k++)
		backend_gradient_release(&g[k]);
	t->kind.ops->destroy(whole);
	t->kind.ops->destroy(parts);
}

/* No rows: with zero dense gradients nothing moves that only a batch moves. */
static void check_empty(const struct setting *t)
{
	struct backend *a = make(t), *b = make(t);
	struct backend_gradient g;
	const bool still = t->optimizer.kind == OPTIMIZER_SGD && t->optimizer.weight_decay == 0;

	backend_gradient_init(&g, &t->shape, t->batch_size);
	for (unsigned n = 0; n < t->layout.num_tensors; n++) {
		const struct neumf_tensor *tensor = &t->layout.tensor[n];

		if (tensor->side == SIDE_NONE)
			memset(g.tensor[n], 0, (size_t)tensor->rows * tensor->cols * sizeof(float));
	}
	train(t, a, 0, BEFORE);
	train(t, b, 0, BEFORE);
	t->kind.ops->write_gradient(b, &g);
	t->kind.ops->read_gradient(b, &g);
	t->kind.ops->update(b);
	bool embeddings_still = true;
	float *left = read_all(t->kind.ops, a, &t->layout, BACKEND_VALUE);
	float *right = read_all(t->kind.ops, b, &t->layout, BACKEND_VALUE);
	for (unsigned n = 0; n < t->layout.num_tensors; n++) {
		const struct neumf_tensor *tensor = &t->layout.tensor[n];

		if (tensor->side != SIDE_NONE &&
			memcmp(left + tensor->offset, right + tensor->offset,
				(size_t)tensor->rows * tensor->cols * sizeof(float)) != 0)
			embeddings_still = false;
	}
	free(left);
	free(right);
	CHECK(g.num[0] == 0 && g.num[1] == 0 &&
			embeddings_still == (still || t->optimizer.kind == OPTIMIZER_LAZY_ADAM) &&
			(!still || same(t, a, b, BACKEND_VALUE)),
		"%s: a gradient of no rows", t->name);
	backend_gradient_release(&g);
	t->kind.ops->destroy(a);
	t->kind.ops->destroy(b);
}

int main(void)
{
	for_each_setting(check_gradient);
	for_each_setting(check_halves);
	for_each_setting(check_empty);
	return CHECK_EXIT;
}
