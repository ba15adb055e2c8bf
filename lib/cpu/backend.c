/* backend: the ops of the fast backend, the jobs of a batch, and the choice of instruction set. */
#include "cpu/cpu.h"

#include "base/die.h"
#include "base/processor.h"

#include <stdlib.h>
#include <string.h>

unsigned cpu_kernels_available(const struct cpu_kernels *list[], unsigned max)
{
	unsigned n = 0;

#ifdef __x86_64__
	if (processor_level() >= 4 && n < max)
		list[n++] = &cpu_kernels_v4;
	if (processor_level() >= 3 && n < max)
		list[n++] = &cpu_kernels_v3;
#endif
	if (n < max)
		list[n++] = &cpu_kernels_base;
	return n;
}

const struct cpu_kernels *cpu_best_kernels(void)
{
	const char *name = getenv("COFILTER_CPU");
	const struct cpu_kernels *list[CPU_MAX_KERNELS];
	const unsigned n = cpu_kernels_available(list, CPU_MAX_KERNELS);

	for (unsigned k = 0; k < n; k++)
		if (name == NULL || strcmp(name, list[k]->name) == 0)
			return list[k];
	die("COFILTER_CPU is '%s': the best this processor can run is '%s', the least '%s'", name,
		list[0]->name, list[n - 1]->name);
}

static struct backend *create(const struct backend_config *config)
{
	return cpu_create(config, cpu_best_kernels());
}

static void gradient_job(void *arg, size_t k, unsigned thread)
{
	struct backend *b = arg;

	if (k == 0)
		cpu_sort(&b->item);
	else if (k == 1)
		cpu_sort(&b->user);
	else
		b->kernels->gradient(b, k - 2, cpu_thread_scratch(b, thread));
}

static void mf_gradient_job(void *arg, size_t k, unsigned thread)
{
	struct backend *b = arg;

	(void)thread;
	if (k == 0)
		cpu_sort(&b->item);
	else
		b->kernels->mf_gradient(b, k - 1);
}

static void mf_sums_job(void *arg, size_t k, unsigned thread)
{
	struct backend *b = arg;

	(void)thread;
	b->kernels->mf_sums(b, k);
}

/* The occurrences of a batch: of items, the positive and then the negative of each row. */
static void hold_ids(struct backend *b, const struct batch *batch)
{
	const uint32_t n = batch->size;

	b->rows = n;
	b->user.count = n;
	b->item.count = n * b->items_per_row;
	memcpy(b->user.id, batch->user, n * sizeof(*b->user.id));
	if (b->items_per_row == 1)
		memcpy(b->item.id, batch->item, n * sizeof(*b->item.id));
	else
		for (uint32_t r = 0; r < n; r++) {
			b->item.id[2 * r] = batch->item[r];
			b->item.id[2 * r + 1] = batch->negative[r];
		}
}

/*
 * Operations per row: multiply-adds, forward once and backward twice, and about 16 per embedding
 * weight for moving it.
 */
uint64_t cpu_row_operations(const struct backend *b)
{
	uint64_t per_item = b->dense_size + 16 * ((uint64_t)b->factors + b->mlp_factors);

	if (b->held == HELD_COEFFICIENTS)
		return 16 * (1 + (uint64_t)b->items_per_row) * b->factors;
	return 3 * per_item * b->items_per_row;
}

size_t cpu_num_jobs(const struct backend *b)
{
	const size_t blocks = b->rows / CPU_BLOCK + (b->rows % CPU_BLOCK > 0);

	return blocks < b->max_jobs ? blocks : b->max_jobs;
}

/* Rows go by user. While users are sorted, other threads do the idle work of the pool. The chains of
   additions at the end take a row as long as 32 operations. */
static void mf_gradient(struct backend *b)
{
	cpu_sort(&b->user);
	cpu_run(b, b->gradient_operations, b->jobs + 1, mf_gradient_job);
	cpu_run(b, 32 * (uint64_t)b->rows, b->jobs, mf_sums_job);
}

static void gradient(struct backend *b, const struct batch *batch)
{
	double sum = 0;

	if (b->shape.loss == LOSS_CCL) {
		cpu_group_gradient(b, batch);
		return;
	}
	hold_ids(b, batch);
	b->held = b->coefficient[0] != NULL ? HELD_COEFFICIENTS : HELD_CONTRIBUTIONS;
	b->label = batch->label;
	b->batch_scale = 1.0f / (float)b->rows;
	b->l2 = b->optimizer.l2;
	b->jobs = cpu_num_jobs(b);
	b->gradient_operations = b->rows * cpu_row_operations(b);
	if (b->held == HELD_COEFFICIENTS)
		mf_gradient(b);
	else
		cpu_run(b, b->gradient_operations, b->jobs + 2, gradient_job);
	for (size_t k = 0; k < b->jobs; k++)
		sum += b->job_loss[k];
	backend_loss_add(&b->loss, sum, b->rows);
}

struct backend_loss cpu_loss(struct backend *b)
{
	return backend_loss_take(&b->loss);
}

void cpu_set_loss(struct backend *b, const struct backend_loss *loss_taken)
{
	b->loss = *loss_taken;
}

static const char *describe(struct backend *b)
{
	return b->kernels->name;
}

const struct backend_ops backend_cpu = {
	.abi = BACKEND_ABI,
	.name = "cpu",
	.arithmetic = CPU_ARITHMETIC,
	.create = create,
	.gradient = gradient,
	.update = cpu_update,
	.loss = cpu_loss,
	.set_loss = cpu_set_loss,
	.score_pairs = cpu_score_pairs,
	.score_block = cpu_score_block,
	.read = cpu_read,
	.write = cpu_write,
	.step = cpu_step,
	.set_step = cpu_set_step,
	.read_gradient = cpu_read_gradient,
	.write_gradient = cpu_write_gradient,
	.describe = describe,
	.destroy = cpu_destroy,
};
