/*
 * groups: the gradient of a batch of groups by ccl, in jobs of a few groups: one pass finds the
 * items that have a part in the loss, one stores their contributions (ccl.h). Sums are added in the
 * order of the batch.
 */
#include "cpu/cpu.h"

#include <string.h>

enum { JOB_GROUPS = 8 };

static uint32_t job_end(const struct backend *b, size_t k)
{
	return (k + 1) * JOB_GROUPS < b->rows ? (uint32_t)(k + 1) * JOB_GROUPS : b->rows;
}

static void keep_job(void *arg, size_t k, unsigned thread)
{
	struct backend *b = arg;

	for (uint32_t row = (uint32_t)k * JOB_GROUPS; row < job_end(b, k); row++)
		b->kernels->ccl_keep(b, row, cpu_thread_scratch(b, thread));
}

/* Users are sorted beside it; items when their occurrences are known. */
static void gradient_job(void *arg, size_t k, unsigned thread)
{
	struct backend *b = arg;

	if (k == 0) {
		cpu_sort(&b->user);
		return;
	}
	for (uint32_t row = (uint32_t)(k - 1) * JOB_GROUPS; row < job_end(b, k - 1); row++)
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

void cpu_group_gradient(struct backend *b, const struct batch *batch)
{
	const size_t jobs = batch->size / JOB_GROUPS + (batch->size % JOB_GROUPS > 0);
	size_t kept = 0;
	double sum = 0;

	hold(b, batch);
	b->gradient_operations = 4 * (uint64_t)b->rows * b->items_per_row * b->factors;
	cpu_run(b, b->gradient_operations, jobs, keep_job);
	for (uint32_t row = 0; row < b->rows; row++) {
		b->first_kept[row] = kept;
		kept += b->num_kept[row];
	}
	b->item.count = (uint32_t)kept;
	if (kept > b->item.capacity)
		cpu_reserve(&b->item, kept + kept / 2);
	cpu_run(b, 4 * kept * b->factors, jobs + 1, gradient_job);
	cpu_sort(&b->item);
	for (uint32_t row = 0; row < b->rows; row++)
		sum += b->row_loss[row];
	backend_loss_add(&b->loss, sum, b->rows);
}
