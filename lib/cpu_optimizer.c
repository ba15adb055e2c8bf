/*
 * cpu_optimizer: sums of a batch's gradients and the optimizer's step on flat stretches of weights. All
 * loops are elementwise; the compiler makes vectors of them (cpu.mk compiles this file for each instruction set).
 */
#include "cpu_kernels.h"

#include <math.h>
#include <string.h>

/* Contributions are added in batch order, then l2 x w x occurrences / B. */
void LEVEL(embedding_gradient)(
	const struct backend *b, const struct cpu_side *side, unsigned part, uint32_t k, float *out)
{
	const uint32_t cols = side->cols[part], first = side->start[k], end = side->start[k + 1];
	const float *column = side->gradient + (part == 0 ? 0 : side->cols[0]);
	const float *w = side->table[part] + (size_t)side->unique[k] * cols;
	const float l2 = (float)(b->optimizer.l2 * (end - first) / b->rows);

	memcpy(out, column + side->order[first] * side->stride, cols * sizeof(*out));
	for (uint32_t j = first + 1; j < end; j++) {
		const float *restrict g = column + side->order[j] * side->stride;

		for (uint32_t c = 0; c < cols; c++)
			out[c] += g[c];
	}
	if (l2 != 0)
		for (uint32_t c = 0; c < cols; c++)
			out[c] += l2 * w[c];
}

void LEVEL(dense_gradient)(const struct backend *b, uint64_t first, size_t n, float *out)
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

void LEVEL(update_weights)(struct backend *b, uint64_t offset, size_t n, const float *restrict g)
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
