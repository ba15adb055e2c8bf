/*
 * ccl: the cosine contrastive loss of groups, and its gradient. A group's user is normalized once
 * for all its items, and its positive is one row of them, not one for each negative.
 *
 * Two passes. The first takes a group's cosines, whose time is that of fetching the rows of its
 * negatives, and keeps the items that have a part in the loss: the positive, and the negatives
 * above the margin, which are few once the model has learned something. Then it is known where the
 * contributions of each group begin, and the second writes those of the items kept.
 */
#ifndef CCL_H
#define CCL_H

#include "cpu/cpu.h"
#include "cpu/dots.h"

#include <math.h>

enum { CCL_AHEAD = 8 }; /* rows between a prefetch and its use */

static size_t ccl_layout(const struct backend *b, float **unit, float **sum, char *base)
{
	char *top = base;

	*unit = cpu_take(&top, (b->factors + CPU_SLACK) * sizeof(float));
	*sum = cpu_take(&top, (b->factors + CPU_SLACK) * sizeof(float));
	return (size_t)(top - base);
}

static size_t ccl_scratch(const struct backend *b)
{
	float *unit, *sum;

	return ccl_layout(b, &unit, &sum, NULL);
}

/* 1 / sqrt(|x|^2 + NEUMF_COSINE_FLOOR), of a sum of squares */
static float inverse_norm(float squares)
{
	return 1 / sqrtf(squares + NEUMF_COSINE_FLOOR);
}

/* The inverse norm of a row (cols), by the sums of dots. */
static float row_inverse_norm(const float *row, uint32_t cols)
{
	const float *const rows[4] = { row, row, row, row };

	return inverse_norm(dots(1, rows, row, cols)[0]);
}

/* Four items of group `row` from number k on, and how many there are. */
static uint32_t four_items(const struct backend *b, uint32_t row, uint32_t k, uint32_t item[4])
{
	const uint32_t n = b->items_per_row, num = n - k < 4 ? n - k : 4;
	const uint32_t *negative = b->negative + (size_t)row * (n - 1);

	for (uint32_t j = 0; j < num; j++)
		item[j] = k + j == 0 ? b->positive[row] : negative[k + j - 1];
	for (uint32_t j = num; j < 4; j++)
		item[j] = item[0];
	return num;
}

/* Keep the items of a group that have a part in its loss, from kept[row x items_per_row] on, the
   positive first. */
static void ccl_keep(struct backend *b, uint32_t row, void *scratch)
{
	const uint32_t f = b->factors, n = b->items_per_row;
	const float *p = b->user.table[0] + (size_t)b->user.id[row] * f, *table = b->item.table[0];
	const float margin = (float)b->shape.ccl.margin, norm = row_inverse_norm(p, f);
	struct cpu_kept *to = b->kept + (size_t)row * n;
	uint32_t item[4], num = 0;
	float *unit, *sum;

	ccl_layout(b, &unit, &sum, scratch);
	for (uint32_t c = 0; c < f; c++)
		unit[c] = norm * p[c];
	for (uint32_t k = 0; k < n; k += 4) {
		const float *rows[4];
		vf4 squares;

		if (k + CCL_AHEAD < n) {
			four_items(b, row, k + CCL_AHEAD, item);
			for (unsigned j = 0; j < 4; j++)
				cpu_fetch(table + (size_t)item[j] * f, f);
		}
		const uint32_t there = four_items(b, row, k, item);
		for (unsigned j = 0; j < 4; j++)
			rows[j] = table + (size_t)item[j] * f;
		const vf4 dot = dots_and_squares(rows, unit, f, &squares);
		for (uint32_t j = 0; j < there; j++) {
			const float inverse = inverse_norm(squares[j]), cosine = dot[j] * inverse;

			to[num] = (struct cpu_kept){ item[j], cosine, inverse };
			num += k + j == 0 ||
			       !(cosine <= margin); /* NaN too: the loss has to show it */
		}
	}
	b->num_kept[row] = num;
}

/* Contributions of a group: those of its kept items from `first` on; its loss. */
static void ccl_gradient(struct backend *b, uint32_t row, size_t first, void *scratch)
{
	const uint32_t f = b->factors, n = b->items_per_row, num = b->num_kept[row];
	const float *p = b->user.table[0] + (size_t)b->user.id[row] * f;
	const float norm = row_inverse_norm(p, f), margin = (float)b->shape.ccl.margin;
	const float weight = (float)(b->shape.ccl.weight / (n - 1));
	const struct cpu_kept *kept = b->kept + (size_t)row * n;
	float *unit, *sum, cosines = 0;
	double loss = 1 - (double)kept[0].cosine;

	ccl_layout(b, &unit, &sum, scratch);
	for (uint32_t c = 0; c < f; c++) {
		unit[c] = norm * p[c];
		sum[c] = 0;
	}
	for (uint32_t k = 0; k < num; k++) {
		const float d = (k == 0 ? -1 : weight) * b->batch_scale; /* d loss / d cosine */
		const float scale = d * kept[k].inverse;
		const float back = -scale * kept[k].cosine * kept[k].inverse;
		const float *restrict q = b->item.table[0] + (size_t)kept[k].item * f;
		float *restrict to = b->item.gradient + (first + k) * b->item.stride;

		b->item.id[first + k] = kept[k].item;
		cosines = fused1(d, kept[k].cosine, cosines);
		for (uint32_t c = 0; c < f; c++) {
			to[c] = fused1(back, q[c], scale * unit[c]);
			sum[c] = fused1(scale, q[c], sum[c]);
		}
		if (k > 0)
			loss += weight * (double)(kept[k].cosine - margin);
	}
	float *to = b->user.gradient + row * b->user.stride;
	for (uint32_t c = 0; c < f; c++)
		to[c] = norm * fused1(-cosines, unit[c], sum[c]);
	b->row_loss[row] = loss;
}

#endif
