/*
 * cpu_update: the optimizer's jobs over the flat parameters, and reading tensors back.
 *
 * A job takes about CPU_RANGE weights, small enough that the gradient it puts together for them stays in the
 * first cache: embedding gradients are never held as tables, and a dense step needs no zeroing of any.
 */
#include "cpu.h"

#include <math.h>
#include <string.h>

static uint32_t rows_per_job(const struct cpu_span *s)
{
	return s->cols < CPU_RANGE ? CPU_RANGE / s->cols : 1;
}

/* Does the step leave rows that are not in the batch as they are? */
static bool touches_batch_only(const struct backend *b, const struct cpu_span *s)
{
	const struct neumf_optimizer *o = &b->optimizer;

	return s->side != NULL && (o->kind == OPTIMIZER_LAZY_ADAM ||
					  (o->kind == OPTIMIZER_SGD && o->weight_decay == 0));
}

static size_t span_jobs(const struct backend *b, const struct cpu_span *s)
{
	uint64_t rows = touches_batch_only(b, s) ? s->side->num_unique : s->rows;

	return rows / rows_per_job(s) + (rows % rows_per_job(s) > 0);
}

/* First k with unique[k] >= id. */
static uint32_t first_from(const struct cpu_side *s, uint64_t id)
{
	uint32_t low = 0, high = s->num_unique;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (s->unique[middle] < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Gradient of rows first .. end - 1 of a span, dense: (end - first, cols). */
static void span_gradient(
	struct backend *b, const struct cpu_span *s, uint64_t first, uint64_t end, float *g)
{
	const struct cpu_side *side = s->side;

	if (side == NULL) {
		b->kernels->dense_gradient(b, first, end - first, g);
		return;
	}
	memset(g, 0, (size_t)(end - first) * s->cols * sizeof(*g));
	for (uint32_t k = first_from(side, first); k < side->num_unique && side->unique[k] < end;
		k++)
		b->kernels->embedding_gradient(
			b, side, s->part, k, g + (size_t)(side->unique[k] - first) * s->cols);
}

static void update_job(void *arg, size_t k, unsigned thread)
{
	struct backend *b = arg;
	const struct cpu_span *s = b->span;
	float *g = cpu_thread_scratch(b, thread);

	for (; k >= span_jobs(b, s); s++)
		k -= span_jobs(b, s);
	const uint64_t rows = touches_batch_only(b, s) ? s->side->num_unique : s->rows;
	const uint64_t size = rows_per_job(s), first = k * size;
	const uint64_t end = rows - first < size ? rows : first + size;

	if (!touches_batch_only(b, s)) {
		span_gradient(b, s, first, end, g);
		b->kernels->update(b, s->offset + (uint64_t)first * s->cols,
			(size_t)(end - first) * s->cols, g);
		return;
	}
	for (uint32_t r = (uint32_t)first; r < end; r++) {
		b->kernels->embedding_gradient(b, s->side, s->part, r, g);
		b->kernels->update(
			b, s->offset + (uint64_t)s->side->unique[r] * s->cols, s->cols, g);
	}
}

void cpu_update(struct backend *b)
{
	const struct neumf_optimizer *o = &b->optimizer;
	size_t jobs = 0;

	b->step++;
	b->step_size = (float)(o->lr / (1 - pow(o->beta1, (double)b->step)));
	b->second_scale = (float)(1 / sqrt(1 - pow(o->beta2, (double)b->step)));
	b->item_half_valid = false;
	for (unsigned k = 0; k < b->num_spans; k++)
		jobs += span_jobs(b, &b->span[k]);
	pool_run(b->pool, jobs, update_job, b);
}

/* The span a tensor lies in. */
static const struct cpu_span *span_of(const struct backend *b, const struct neumf_tensor *t)
{
	const struct cpu_span *s = b->span;

	while (t->embedding ? s->offset != t->offset || s->side == NULL : s->side != NULL)
		s++;
	return s;
}

void cpu_read(struct backend *b, unsigned tensor, enum backend_what what, float *out)
{
	const struct neumf_tensor *t = &b->layout.tensor[tensor];
	const size_t n = (size_t)t->rows * t->cols;
	const float *from = what == BACKEND_VALUE     ? b->params
			    : what == BACKEND_MOMENT1 ? b->moment1
						      : b->moment2;

	if (what != BACKEND_GRADIENT) {
		if (from != NULL)
			memcpy(out, from + t->offset, n * sizeof(*out));
		else
			memset(out, 0, n * sizeof(*out));
	} else if (t->embedding) {
		span_gradient(b, span_of(b, t), 0, t->rows, out);
	} else {
		uint64_t first = t->offset - b->dense_offset;

		span_gradient(b, span_of(b, t), first, first + n, out);
	}
}
