/*
 * update: the optimizer's jobs over the flat parameters.
 *
 * A job takes about CPU_RANGE weights, few enough that the gradient it adds up for them stays in
 * the first-level cache: embedding gradients never exist as whole tables, which a step would have
 * to zero.
 */
#include "cpu/cpu.h"

#include "base/die.h"
#include "base/real.h"

#include <math.h>
#include <string.h>

/* Does the step leave rows alone that are not in the batch? */
static bool touches_batch_only(const struct backend *b, const struct cpu_span *s)
{
	const struct neumf_optimizer *o = &b->optimizer;

	return s->side != NULL && (o->kind == OPTIMIZER_LAZY_ADAM ||
					  (o->kind == OPTIMIZER_SGD && o->weight_decay == 0));
}

static size_t span_jobs(const struct backend *b, const struct cpu_span *s)
{
	uint64_t rows = touches_batch_only(b, s) ? s->side->num_unique : s->rows;

	return rows / s->rows_per_job + (rows % s->rows_per_job > 0);
}

/* Operations: about 16 per weight, for a root and a division, and 8 per contribution. */
static uint64_t span_operations(const struct backend *b, const struct cpu_span *s)
{
	const struct cpu_side *side = s->side;

	if (side == NULL)
		return (16 + b->jobs) * s->rows;
	return (16 * (touches_batch_only(b, s) ? side->num_unique : s->rows) + 8 * side->count) *
	       ((uint64_t)side->cols[0] + side->cols[1]);
}

uint32_t cpu_first_from(const struct cpu_side *s, uint64_t id)
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

/* Scratch of a job: the sums of its rows, and the dense gradient spread from them. */
struct scratch {
	float *sums, *g;
};

static size_t scratch_views(const struct backend *b, struct scratch *r, char *base)
{
	size_t size = CPU_RANGE;
	char *top = base;

	for (unsigned k = 0; k < b->num_spans; k++)
		if (b->span[k].side != NULL && cpu_sum_stride(b->span[k].side) > size)
			size = cpu_sum_stride(b->span[k].side);
	r->sums = cpu_take(&top, (size + CPU_SLACK) * sizeof(float));
	r->g = cpu_take(&top, (size + CPU_SLACK) * sizeof(float));
	return (size_t)(top - base);
}

size_t cpu_update_scratch(const struct backend *b)
{
	struct scratch r;

	return scratch_views(b, &r, NULL);
}

/* A step on rows first .. end - 1 of both tables of a side, or on those dense weights. */
static void dense_step(struct backend *b, const struct cpu_span *s, uint64_t first, uint64_t end,
	const struct scratch *r)
{
	const struct cpu_side *side = s->side;

	if (side == NULL) {
		b->kernels->dense_sums(b, first, end - first, r->g);
		b->kernels->update(b, s->offset[0] + first, end - first, r->g);
		return;
	}
	const uint32_t low = cpu_first_from(side, first), high = cpu_first_from(side, end);

	b->kernels->row_sums(b, side, low, high, r->sums);
	for (unsigned branch = 0; branch < 2; branch++) {
		const uint64_t cols = side->cols[branch], n = (end - first) * cols;

		if (n == 0)
			continue;
		memset(r->g, 0, n * sizeof(*r->g));
		b->kernels->spread(side, branch, low, high, r->sums, first, r->g);
		b->kernels->update(b, s->offset[branch] + first * cols, n, r->g);
	}
}

/* A step on the rows of unique ids first .. end - 1. */
static void batch_step(struct backend *b, const struct cpu_span *s, uint32_t first, uint32_t end,
	const struct scratch *r)
{
	const struct cpu_side *side = s->side;

	b->kernels->row_sums(b, side, first, end, r->sums);
	for (unsigned branch = 0; branch < 2; branch++)
		if (side->cols[branch] > 0)
			b->kernels->update_rows(b, s->offset[branch], side->cols[branch],
				side->unique + first, end - first,
				r->sums + (branch == 0 ? 0 : side->cols[0]), cpu_sum_stride(side));
}

static void update_job(void *arg, size_t k, unsigned thread)
{
	struct backend *b = arg;
	const struct cpu_span *s = b->span + b->first_span;
	struct scratch r;

	scratch_views(b, &r, cpu_thread_scratch(b, thread));
	for (; k >= span_jobs(b, s); s++)
		k -= span_jobs(b, s);
	const bool batch_only = touches_batch_only(b, s);
	const uint64_t rows = batch_only ? s->side->num_unique : s->rows,
		       first = k * s->rows_per_job;
	const uint64_t end = rows - first < s->rows_per_job ? rows : first + s->rows_per_job;

	if (batch_only)
		batch_step(b, s, (uint32_t)first, (uint32_t)end, &r);
	else
		dense_step(b, s, first, end, &r);
}

/* A step on spans first .. end - 1. */
static void update_spans(struct backend *b, unsigned first, unsigned end)
{
	uint64_t operations = 0;
	size_t jobs = 0;

	b->first_span = first;
	for (unsigned k = first; k < end; k++) {
		jobs += span_jobs(b, &b->span[k]);
		operations += span_operations(b, &b->span[k]);
	}
	b->update_operations = operations;
	cpu_run(b, operations, jobs, update_job);
}

void cpu_update(struct backend *b)
{
	const struct neumf_optimizer *o = &b->optimizer;

	if (b->held == HELD_NOTHING)
		BUG("no gradient is held");
	b->step++;
	b->step_size = (float)(o->lr / (1 - real_power(o->beta1, b->step)));
	b->second_scale = (float)(1 / sqrt(1 - real_power(o->beta2, b->step)));
	b->item_half_valid = false;
	if (b->held == HELD_COEFFICIENTS) { /* users are read for the sums of items */
		update_spans(b, 0, b->num_spans - 1);
		update_spans(b, b->num_spans - 1, b->num_spans);
	} else {
		update_spans(b, 0, b->num_spans);
	}
	b->held = HELD_NOTHING;
}
