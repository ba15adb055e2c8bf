/*
 * cpu_optimizer: sums of a batch's gradients and the optimizer's step on flat stretches of weights. All
 * loops are elementwise; the compiler makes vectors of them (cpu.mk compiles this file for each instruction set).
 */
#include "cpu_kernels.h"
#include "cpu_loss.h"

#include <math.h>
#include <string.h>

/*
 * `vectors` vectors from column `column` on. Occurrences are added in batch order; the running sum is stored after
 * each, so that the last store of an id is its sum and nothing depends on where an id ends but a mask.
 */
INLINE void sum_columns(const struct cpu_side *side, const unsigned vectors, uint32_t column,
	uint32_t first, uint32_t end, float *sums)
{
	const size_t stride = cpu_sum_stride(side);
	uint32_t previous = first;
	vf sum[2] = { { 0 } };

	for (uint32_t j = side->start[first]; j < side->start[end]; j++) {
		const float *from = side->gradient + side->order[j] * side->stride + column;
		const uint32_t slot = side->slot[j];
		const vi same = (vi){ 0 } - (int32_t)(slot == previous);
		float *to = sums + (slot - first) * stride + column;

		for (unsigned k = 0; k < vectors; k++) {
			sum[k] = keep(same, sum[k]) + load(from + k * LANES);
			store(to + k * LANES, sum[k]);
		}
		previous = slot;
	}
}

/* sums += l2 x w x occurrences / B */
static void add_l2(const struct backend *b, const struct cpu_side *side, uint32_t first,
	uint32_t end, float *sums)
{
	for (uint32_t k = first; k < end; k++, sums += cpu_sum_stride(side)) {
		const uint32_t count = side->start[k + 1] - side->start[k];
		const float l2 = (float)(b->optimizer.l2 * count / b->rows);
		float *to = sums;

		for (unsigned part = 0; part < 2; part++) {
			const uint32_t cols = side->cols[part];
			const float *w = side->table[part] + (size_t)side->unique[k] * cols;

			for (uint32_t c = 0; c < cols; c++)
				to[c] += l2 * w[c];
			to += cols;
		}
	}
}

void LEVEL(row_sums)(const struct backend *b, const struct cpu_side *side, uint32_t first,
	uint32_t end, float *sums)
{
	const uint32_t width = side->cols[0] + side->cols[1];
	uint32_t column = 0;

	for (; column + LANES < width; column += 2 * LANES)
		sum_columns(side, 2, column, first, end, sums);
	if (column < width)
		sum_columns(side, 1, column, first, end, sums);
	if (b->optimizer.l2 != 0)
		add_l2(b, side, first, end, sums);
}

/* Whole vectors are stored: what goes past a row is 0, and rows come in ascending order. */
void LEVEL(spread)(const struct cpu_side *side, unsigned part, uint32_t first, uint32_t end,
	const float *sums, uint64_t row, float *g)
{
	const uint32_t cols = side->cols[part];
	const size_t stride = cpu_sum_stride(side);
	const vi rest = lanes_below(cols % LANES);

	sums += part == 0 ? 0 : side->cols[0];
	for (uint32_t k = first; k < end; k++, sums += stride) {
		float *to = g + (side->unique[k] - row) * cols;
		uint32_t c = 0;

		for (; c + LANES <= cols; c += LANES)
			store(to + c, load(sums + c));
		store(to + c, keep(rest, load(sums + c)));
	}
}

void LEVEL(dense_sums)(const struct backend *b, uint64_t first, size_t n, float *out)
{
	memcpy(out, b->dense_gradient + first, n * sizeof(*out));
	for (size_t j = 1; j < b->jobs; j++) {
		const float *restrict g = b->dense_gradient + j * b->dense_size + first;

		for (size_t k = 0; k < n; k++)
			out[k] += g[k];
	}
}

/* lr / (1 - b1^t) and 1 / sqrt(1 - b2^t) come from update(), which knows t. */
static void adam(const struct backend *b, float *restrict w, float *restrict m, float *restrict v,
	const float *restrict g, size_t n)
{
	const struct neumf_optimizer *o = &b->optimizer;
	const float beta1 = (float)o->beta1, beta2 = (float)o->beta2;
	const float rest1 = (float)(1 - o->beta1), rest2 = (float)(1 - o->beta2);
	const float decay = (float)o->weight_decay, eps = (float)o->eps;
	const float size = b->step_size, scale = b->second_scale;

	for (size_t k = 0; k < n; k++) {
		float h = g[k] + decay * w[k];

		m[k] = beta1 * m[k] + rest1 * h;
		v[k] = beta2 * v[k] + rest2 * h * h;
		w[k] -= size * m[k] / (sqrtf(v[k]) * scale + eps);
	}
}

void LEVEL(update)(struct backend *b, uint64_t offset, size_t n, const float *restrict g)
{
	float *restrict w = b->params + offset;
	const float lr = (float)b->optimizer.lr, decay = (float)b->optimizer.weight_decay;

	if (b->optimizer.kind != OPTIMIZER_SGD) {
		adam(b, w, b->moment1 + offset, b->moment2 + offset, g, n);
		return;
	}
	for (size_t k = 0; k < n; k++)
		w[k] -= lr * (g[k] + decay * w[k]);
}
