/*
 * state: what a checkpoint and other processes see of the backend: tensors, moments, the step
 * number and gradients.
 *
 * After gradient() the backend holds the contributions of each occurrence and of each job, which
 * row_sums and dense_sums add up for whoever needs the gradient. After write_gradient it holds the
 * sums themselves in the same arrays: each id occurs once, and there is one job.
 */
#include "cpu/cpu.h"

#include "base/die.h"

#include <string.h>

static struct cpu_side *side_of(struct backend *b, enum neumf_side side)
{
	return side == SIDE_USER ? &b->user : &b->item;
}

/*
 * Copy the gradient rows of unique ids first .. end - 1 (at most cpu_rows_per_job) to the tables
 * to[branch], where not NULL: to row `id` - *base of a stretch of the table, or, where base is NULL,
 * to row k of one that has a row for each unique id. `sums` is scratch of an update job.
 */
static void copy_rows(const struct backend *b, const struct cpu_side *side, uint32_t first,
	uint32_t end, const uint32_t *base, float *const to[2], float *sums)
{
	const size_t stride = cpu_sum_stride(side);

	b->kernels->row_sums(b, side, first, end, sums);
	for (uint32_t k = first; k < end; k++, sums += stride) {
		const size_t row = base != NULL ? side->unique[k] - *base : k;

		if (to[0] != NULL)
			memcpy(to[0] + row * side->cols[0], sums, side->cols[0] * sizeof(*sums));
		if (to[1] != NULL)
			memcpy(to[1] + row * side->cols[1], sums + side->cols[0],
				side->cols[1] * sizeof(*sums));
	}
}

static void read_dense(struct backend *b, struct neumf_rows rows, float *out)
{
	b->kernels->dense_sums(b, neumf_offset(&b->layout, rows) - b->dense_offset,
		neumf_floats(&b->layout, rows), out);
}

/* The gradient of rows of a table, whether the batch has them or not. */
static void read_table(struct backend *b, struct neumf_rows rows, float *out)
{
	const struct cpu_side *side = side_of(b, b->layout.tensor[rows.tensor].side);
	const uint32_t most = cpu_rows_per_job(cpu_sum_stride(side));
	const uint32_t end = cpu_first_from(side, (uint64_t)rows.first + rows.num);
	const bool second = (int)rows.tensor == side->tensor[1];
	float *to[2] = { second ? NULL : out, second ? out : NULL };

	memset(out, 0, neumf_floats(&b->layout, rows) * sizeof(*out));
	for (uint32_t k = cpu_first_from(side, rows.first); k < end; k += most)
		copy_rows(b, side, k, end - k < most ? end : k + most, &rows.first, to,
			cpu_thread_scratch(b, 0));
}

void cpu_read(struct backend *b, struct neumf_rows rows, enum backend_what what, float *out)
{
	const size_t size = neumf_floats(&b->layout, rows) * sizeof(*out);
	const float *from = what == BACKEND_VALUE     ? b->params
			    : what == BACKEND_MOMENT1 ? b->moment1
						      : b->moment2;

	if (what == BACKEND_GRADIENT && b->held == HELD_NOTHING)
		BUG("no gradient is held");
	else if (what == BACKEND_GRADIENT && b->layout.tensor[rows.tensor].side == SIDE_NONE)
		read_dense(b, rows, out);
	else if (what == BACKEND_GRADIENT)
		read_table(b, rows, out);
	else if (from != NULL)
		memcpy(out, from + neumf_offset(&b->layout, rows), size);
	else
		memset(out, 0, size);
}

void cpu_write(struct backend *b, struct neumf_rows rows, enum backend_what what, const float *in)
{
	float *to = what == BACKEND_VALUE     ? b->params
		    : what == BACKEND_MOMENT1 ? b->moment1
		    : what == BACKEND_MOMENT2 ? b->moment2
					      : NULL;

	if (to != NULL)
		memcpy(to + neumf_offset(&b->layout, rows), in,
			neumf_floats(&b->layout, rows) * sizeof(*in));
	else
		BUG("what %d of tensor '%s' cannot be written", (int)what,
			b->layout.tensor[rows.tensor].name);
	if (what == BACKEND_VALUE) {
		b->item_half_valid = false;
		b->held = HELD_NOTHING;
	}
}

uint64_t cpu_step(struct backend *b)
{
	return b->step;
}

void cpu_set_step(struct backend *b, uint64_t step)
{
	b->step = step;
}

/* The tables of a side within `g`, NULL where the model has none. */
static void exchanged_tables(
	const struct cpu_side *side, const struct backend_gradient *g, float *to[2])
{
	for (unsigned branch = 0; branch < 2; branch++)
		to[branch] = side->tensor[branch] < 0 ? NULL : g->tensor[side->tensor[branch]];
}

static size_t row_jobs(const struct cpu_side *side)
{
	const uint32_t rows = cpu_rows_per_job(cpu_sum_stride(side));

	return side->num_unique / rows + (side->num_unique % rows > 0);
}

/* A dense tensor, or some rows of a side. */
static void read_job(void *arg, size_t k, unsigned thread)
{
	struct backend *b = arg;
	enum neumf_side s = SIDE_USER;
	float *to[2];

	if (k < b->layout.num_tensors) {
		if (b->layout.tensor[k].side == SIDE_NONE)
			read_dense(
				b, neumf_whole(&b->layout, (unsigned)k), b->exchanged->tensor[k]);
		return;
	}
	k -= b->layout.num_tensors;
	if (k >= row_jobs(&b->user)) {
		k -= row_jobs(&b->user);
		s = SIDE_ITEM;
	}
	const struct cpu_side *side = side_of(b, s);
	const uint32_t rows = cpu_rows_per_job(cpu_sum_stride(side)), first = (uint32_t)k * rows;
	const uint32_t end = side->num_unique - first < rows ? side->num_unique : first + rows;

	exchanged_tables(side, b->exchanged, to);
	copy_rows(b, side, first, end, NULL, to, cpu_thread_scratch(b, thread));
}

void cpu_read_gradient(struct backend *b, struct backend_gradient *g)
{
	uint64_t operations = b->jobs * b->dense_size;

	if (b->held == HELD_NOTHING)
		BUG("no gradient is held");
	for (enum neumf_side s = SIDE_USER; s <= SIDE_ITEM; s++) {
		const struct cpu_side *side = side_of(b, s);

		g->num[s] = side->num_unique;
		memcpy(g->id[s], side->unique, side->num_unique * sizeof(*g->id[s]));
		operations += 8 * (uint64_t)side->count * (side->cols[0] + side->cols[1]);
	}
	b->exchanged = g;
	cpu_run(b, operations, b->layout.num_tensors + row_jobs(&b->user) + row_jobs(&b->item),
		read_job);
}

/* Let each of n ids occur once, with the gradients from[branch], where not NULL. */
static void hold_rows(struct cpu_side *side, uint32_t n, const uint32_t *id, float *const from[2])
{
	cpu_reserve(side, n);
	for (uint32_t k = 0; k < n; k++) {
		float *to = side->gradient + k * side->stride;

		side->id[k] = side->unique[k] = id[k];
		side->order[k] = side->start[k] = side->slot[k] = k;
		if (from[0] != NULL)
			memcpy(to, from[0] + (size_t)k * side->cols[0],
				side->cols[0] * sizeof(*to));
		if (from[1] != NULL)
			memcpy(to + side->cols[0], from[1] + (size_t)k * side->cols[1],
				side->cols[1] * sizeof(*to));
	}
	side->start[n] = n;
	side->count = side->num_unique = n;
}

void cpu_write_gradient(struct backend *b, const struct backend_gradient *g)
{
	float *from[2];

	backend_gradient_check(g, &b->shape, b->batch_size);
	for (enum neumf_side s = SIDE_USER; s <= SIDE_ITEM; s++) {
		exchanged_tables(side_of(b, s), g, from);
		hold_rows(side_of(b, s), g->num[s], g->id[s], from);
	}
	for (unsigned k = 0; k < b->layout.num_tensors; k++) {
		const struct neumf_tensor *t = &b->layout.tensor[k];

		if (t->side == SIDE_NONE)
			memcpy(b->dense_gradient + (t->offset - b->dense_offset), g->tensor[k],
				(size_t)t->rows * t->cols * sizeof(*g->tensor[k]));
	}
	b->jobs = 1;
	b->l2 = 0;
	b->held = HELD_CONTRIBUTIONS;
}
