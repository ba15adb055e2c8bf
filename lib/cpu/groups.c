/*
 * groups: the gradient of a batch of groups by ccl, in jobs of a few groups: one pass finds the
 * items that have a part in the loss, one stores their contributions (ccl.h). Sums are added in the
 * order of the batch.
 */
#include "cpu/cpu.h"

#include <string.h>

enum { JOB_GROUPS = 8 };

static size_t num_jobs(const struct backend *b)
{
	const uint32_t n = b->end_group - b->first_group;

	return n / JOB_GROUPS + (n % JOB_GROUPS > 0);
}

static uint32_t job_first(const struct backend *b, size_t k)
{
	return b->first_group + (uint32_t)k * JOB_GROUPS;
}

static uint32_t job_end(const struct backend *b, size_t k)
{
	return k + 1 < num_jobs(b) ? job_first(b, k + 1) : b->end_group;
}

static void keep_job(void *arg, size_t k, unsigned thread)
{
	struct backend *b = arg;

	for (uint32_t row = job_first(b, k); row < job_end(b, k); row++)
		b->kernels->ccl_keep(b, row, cpu_thread_scratch(b, thread));
}

static void gradient_job(void *arg, size_t k, unsigned thread)
{
	struct backend *b = arg;

	for (uint32_t row = job_first(b, k); row < job_end(b, k); row++)
		b->kernels->ccl_gradient(b, row, b->first_kept[row], cpu_thread_scratch(b, thread));
}

static void hold(struct backend *b, const struct batch *batch)
{
	b->held = HELD_CONTRIBUTIONS;
	b->rows = batch->size;
	b->user.count = batch->size;
	memcpy(b->user.id, batch->user, batch->size * sizeof(*b->user.id));
	b->positive = batch->item;
	b->negative = batch->negative;
	b->batch_scale = 1.0f / (float)b->rows;
	b->l2 = b->optimizer.l2;
	b->jobs = 1;
}

void cpu_group_rows(struct backend *b, uint32_t first, uint32_t end)
{
	size_t kept = 0;

	b->first_group = first;
	b->end_group = end;
	b->gradient_operations = 4 * (uint64_t)(end - first) * b->items_per_row * b->factors;
	cpu_run(b, b->gradient_operations, num_jobs(b), keep_job);
	for (uint32_t row = first; row < end; row++) {
		b->first_kept[row] = kept;
		kept += b->num_kept[row];
	}
	b->item.count = (uint32_t)kept;
	if (kept > b->item.capacity)
		cpu_reserve(&b->item, kept + kept / 2);
	cpu_run(b, 4 * kept * b->factors, num_jobs(b), gradient_job);
}

static void sort_job(void *arg, size_t k, unsigned thread)
{
	struct backend *b = arg;

	(void)thread;
	cpu_sort(k == 0 ? &b->item : &b->user);
}

void cpu_group_gradient(struct backend *b, const struct batch *batch)
{
	double sum = 0;

	hold(b, batch);
	cpu_group_rows(b, 0, b->rows);
	cpu_run(b, 32 * ((uint64_t)b->item.count + b->rows), 2, sort_job);
	for (uint32_t row = 0; row < b->rows; row++)
		sum += b->row_loss[row];
	backend_loss_add(&b->loss, sum, b->rows);
}
