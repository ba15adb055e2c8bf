/*
 * optimizer: sums of a batch's gradients, and the optimizer's step on stretches of the parameters.
 * The loops of dense_sums, adam and sgd are elementwise, and the compiler vectorizes them.
 */
#ifndef OPTIMIZER_H
#define OPTIMIZER_H

#include "cpu/cpu.h"
#include "cpu/mf.h"
#include "cpu/simd.h"

#include <math.h>
#include <string.h>

enum { AHEAD = 8 }; /* rows between a prefetch and its use */

/*
 * Sums of `vectors` vectors from `column` on. Occurrences are added in batch order and the
 * running sum is stored after each: the last store of an id is its sum. So where an id's
 * occurrences end, which is as good as random, decides a mask and no jump.
 */
INLINE void sum_columns(const struct cpu_side *side, const unsigned vectors, uint32_t column,
	uint32_t first, uint32_t end, float *sums)
{
	const size_t stride = cpu_sum_stride(side);
	const uint32_t last = side->start[end];
	uint32_t previous = first;
	vf sum[2] = { { 0 } };

	for (uint32_t j = side->start[first]; j < last; j++) {
		const float *from = side->gradient + side->order[j] * side->stride + column;
		const uint32_t ahead = j + AHEAD < last ? side->order[j + AHEAD] : 0;
		const uint32_t slot = side->slot[j];
		const vi same = (vi){ 0 } - (int32_t)(slot == previous);
		float *to = sums + (slot - first) * stride + column;

		cpu_fetch(side->gradient + ahead * side->stride + column, vectors * LANES);
		for (unsigned k = 0; k < vectors; k++) {
			sum[k] = keep(same, sum[k]) + load(from + k * LANES);
			store(to + k * LANES, sum[k]);
		}
		previous = slot;
	}
}

/* sums += l2 x occurrences / B x w */
static void add_l2(const struct backend *b, const struct cpu_side *side, uint32_t first,
	uint32_t end, float *sums)
{
	for (uint32_t k = first; k < end; k++, sums += cpu_sum_stride(side)) {
		const uint32_t count = side->start[k + 1] - side->start[k];
		const float l2 = (float)(b->l2 * count / b->rows);
		const uint32_t ahead = side->unique[k + AHEAD < end ? k + AHEAD : k];
		float *to = sums;

		for (unsigned branch = 0; branch < 2; branch++) {
			const uint32_t cols = side->cols[branch];
			const float *w = side->table[branch] + (size_t)side->unique[k] * cols;

			if (cols > 0)
				cpu_fetch(side->table[branch] + (size_t)ahead * cols, cols);
			for (uint32_t c = 0; c < cols; c++)
				to[c] = fused1(l2, w[c], to[c]);
			to += cols;
		}
	}
}

static void row_sums(const struct backend *b, const struct cpu_side *side, uint32_t first,
	uint32_t end, float *sums)
{
	const uint32_t width = side->cols[0] + side->cols[1];
	uint32_t column = 0;

	if (side == &b->item && b->held == HELD_COEFFICIENTS) {
		mf_item_sums(b, first, end, sums);
		column = width;
	} else if (b->held == HELD_COEFFICIENTS) {
		memcpy(sums, side->gradient + first * side->stride,
			(end - first) * side->stride * sizeof(*sums));
		column = width;
	}
	for (; column + LANES < width; column += 2 * LANES)
		sum_columns(side, 2, column, first, end, sums);
	if (column < width)
		sum_columns(side, 1, column, first, end, sums);
	if (b->l2 != 0)
		add_l2(b, side, first, end, sums);
}

/* Stores whole vectors: past the end of a row they hold 0, and rows come in ascending order,
   so that a row stored later is not harmed. */
static void spread(const struct cpu_side *side, unsigned branch, uint32_t first, uint32_t end,
	const float *sums, uint64_t row, float *g)
{
	const uint32_t cols = side->cols[branch];
	const size_t stride = cpu_sum_stride(side);
	const vi rest = lanes_below(cols % LANES);

	sums += branch == 0 ? 0 : side->cols[0];
	for (uint32_t k = first; k < end; k++, sums += stride) {
		float *to = g + (side->unique[k] - row) * cols;
		uint32_t c = 0;

		for (; c + LANES <= cols; c += LANES)
			store(to + c, load(sums + c));
		store(to + c, keep(rest, load(sums + c)));
	}
}

static void dense_sums(const struct backend *b, uint64_t first, size_t n, float *out)
{
	memcpy(out, b->dense_gradient + first, n * sizeof(*out));
	for (size_t j = 1; j < b->jobs; j++) {
		const float *restrict g = b->dense_gradient + j * b->dense_size + first;

		for (size_t k = 0; k < n; k++)
			out[k] += g[k];
	}
}

/* The optimizer's settings as the loops use them, in float. */
struct step {
	float lr, decay, beta1, rest1, beta2, rest2, eps; // rest = 1 - beta
	float size, scale; // step_size and second_scale of struct backend
};

static struct step step_of(const struct backend *b)
{
	const struct neumf_optimizer *o = &b->optimizer;

	return (struct step){
		.lr = (float)o->lr,
		.decay = (float)o->weight_decay,
		.beta1 = (float)o->beta1,
		.rest1 = (float)(1 - o->beta1),
		.beta2 = (float)o->beta2,
		.rest2 = (float)(1 - o->beta2),
		.eps = (float)o->eps,
		.size = b->step_size,
		.scale = b->second_scale,
	};
}

INLINE void adam(const struct step *s, float *restrict w, float *restrict m, float *restrict v,
	const float *restrict g, size_t n)
{
	for (size_t k = 0; k < n; k++) {
		float h = fused1(s->decay, w[k], g[k]);

		m[k] = fused1(s->beta1, m[k], s->rest1 * h);
		v[k] = fused1(s->beta2, v[k], s->rest2 * h * h);
		w[k] -= s->size * m[k] / fused1(sqrtf(v[k]), s->scale, s->eps);
	}
}

INLINE void sgd(const struct step *s, float *restrict w, const float *restrict g, size_t n)
{
	for (size_t k = 0; k < n; k++)
		w[k] = fused1(-s->lr, fused1(s->decay, w[k], g[k]), w[k]);
}

static void update(struct backend *b, uint64_t offset, size_t n, const float *g)
{
	const struct step s = step_of(b);

	if (b->optimizer.kind == OPTIMIZER_SGD)
		sgd(&s, b->params + offset, g, n);
	else
		adam(&s, b->params + offset, b->moment1 + offset, b->moment2 + offset, g, n);
}

/* Rows of a large table are not in the cache: each is prefetched AHEAD rows before its turn. */
static void update_rows(struct backend *b, uint64_t offset, uint32_t cols, const uint32_t *id,
	uint32_t rows, const float *g, size_t stride)
{
	const struct step s = step_of(b);
	float *w = b->params + offset, *m = b->moment1 + offset, *v = b->moment2 + offset;

	if (b->optimizer.kind == OPTIMIZER_SGD) {
		for (uint32_t k = 0; k < rows; k++) {
			cpu_fetch(w + (size_t)id[k + AHEAD < rows ? k + AHEAD : k] * cols, cols);
			sgd(&s, w + (size_t)id[k] * cols, g + k * stride, cols);
		}
		return;
	}
	for (uint32_t k = 0; k < rows; k++) {
		const size_t at = (size_t)id[k] * cols;
		const size_t ahead = (size_t)id[k + AHEAD < rows ? k + AHEAD : k] * cols;

		cpu_fetch(w + ahead, cols);
		cpu_fetch(m + ahead, cols);
		cpu_fetch(v + ahead, cols);
		adam(&s, w + at, m + at, v + at, g + k * stride, cols);
	}
}

#endif
