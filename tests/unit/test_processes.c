/*
 * processes: the cpu backend over several processes has the bits of one: values, moments and losses,
 * for every model, loss and optimizer, batches of less than one job and of many, and any number of
 * processes; so has a training that goes on with another number of them. What they tell each other
 * is as many bytes as docs/architecture.md says.
 */
#include "base/die.h"
#include "check.h"
#include "settings.h"
#include "thread_exchange.h"

enum { STEPS = 4 };

static struct backend *make_processes(const struct setting *t, struct exchange *x, bool whole)
{
	static const struct neumf_fresh fresh = { 0.3, DENSE_NORMAL, 3 };
	static struct backend_config c;

	c = (struct backend_config){ .shape = t->shape,
		.fresh = &fresh,
		.optimizer = &t->optimizer,
		.batch_size = t->batch_size,
		.pool = pool_of(2),
		.exchange = x };

	if (whole) { /* values of a warm start */
		c.params = xmalloc(t->layout.num_params, sizeof(float));
		neumf_init(&t->shape, 0.3, DENSE_NORMAL, 3, c.params);
		fill_biases(&t->layout, c.params);
	}
	return backend_cpu_processes.create(&c);
}

/* Of sizes from a whole batch to one row. */
static uint32_t size_of(const struct setting *t, uint32_t step)
{
	return step % 3 == 2 ? 1 : t->batch_size - step % 2 * (t->batch_size / 3);
}

static void train_steps(const struct setting *t, const struct backend_ops *ops, struct backend *b,
	uint32_t first, uint32_t end)
{
	for (uint32_t step = first; step < end; step++) {
		struct batch batch = random_batch(&rows, size_of(t, step), step);

		ops->gradient(b, &batch);
		ops->update(b);
	}
}

/* Which of the tensors, of the gradients of one more step, and of losses differ? A line of 0 and
   1. */
static const char *differences(const struct setting *t, const struct backend_ops *ops,
	struct backend *alone, struct backend *b)
{
	static char found[8];
	struct backend_loss x = backend_cpu.loss(alone), y = ops->loss(b);
	struct batch batch = random_batch(&rows, t->batch_size, 2 * STEPS);

	backend_cpu.gradient(alone, &batch);
	ops->gradient(b, &batch);
	for (unsigned k = 0; k < 4; k++) {
		const enum backend_what what = k < 3 ? states[k] : BACKEND_GRADIENT;
		float *left = read_all(&backend_cpu, alone, &t->layout, what);
		float *right = read_all(ops, b, &t->layout, what);

		found[k] = memcmp(left, right, t->layout.num_params * sizeof(float)) ? '1' : '0';
		free(left);
		free(right);
	}
	backend_cpu.update(alone);
	ops->update(b);
	found[4] = memcmp(&x, &y, sizeof(x)) ? '1' : '0';
	found[5] = ops->step(b) == backend_cpu.step(alone) ? '0' : '1';
	backend_cpu.set_loss(alone, &x);
	ops->set_loss(b, &y);
	return found;
}

/* A training by `size` processes, that goes on with `then`. */
static void check_size(const struct setting *t, unsigned size, unsigned then)
{
	struct backend *alone =
		make_backend(&t->shape, &t->optimizer, t->batch_size, 2, t->kind.kernels);
	const struct backend_ops *ops = &backend_cpu_processes;
	struct threads all, more;
	struct backend *b = make_processes(t, threads_start(&all, size), true);

	train_steps(t, &backend_cpu, alone, 0, STEPS);
	train_steps(t, ops, b, 0, STEPS);
	const char *found = differences(t, ops, alone, b);
	CHECK(strcmp(found, "000000") == 0, "%s: %u processes have the bits of one, %s", t->name,
		size, found);
	struct backend *other = make_processes(t, threads_start(&more, then), false);
	for (unsigned k = 0; k < (t->optimizer.kind == OPTIMIZER_SGD ? 1 : 3); k++) {
		float *state = read_all(ops, b, &t->layout, states[k]);

		for (unsigned n = 0; n < t->layout.num_tensors; n++)
			ops->write(other, neumf_whole(&t->layout, n), states[k],
				state + t->layout.tensor[n].offset);
		free(state);
	}
	ops->set_step(other, ops->step(b));
	struct backend_loss loss = ops->loss(b);
	ops->set_loss(other, &loss);
	ops->destroy(b);
	train_steps(t, &backend_cpu, alone, STEPS, 2 * STEPS);
	train_steps(t, ops, other, STEPS, 2 * STEPS);
	found = differences(t, ops, alone, other);
	ops->destroy(other);
	const bool over = threads_join(&all), too = threads_join(&more);
	CHECK(strcmp(found, "000000") == 0 && over && too, "%s: %u processes go on as %u, %s",
		t->name, size, then, found);
	backend_cpu.destroy(alone);
}

static void check_setting(const struct setting *t)
{
	static const unsigned sizes[][2] = { { 2, 3 }, { 3, 1 }, { 5, 2 }, { 1, 2 } };
	static unsigned turn;

	if (t->kind.kernels != cpu_best_kernels())
		return;
	check_size(t, sizes[turn % 4][0], sizes[turn % 4][1]);
	turn++;
}

/* In whose share each row of a batch is, and how many jobs it has: as docs/architecture.md has it. */
static uint32_t shares(
	const struct backend *alone, uint32_t rows_of, unsigned size, unsigned *share)
{
	const uint64_t blocks = (rows_of + 127) / 128, jobs = blocks < 32 ? blocks : 32;

	for (uint32_t row = 0; row < rows_of; row++)
		for (unsigned q = 0; q < size; q++) {
			const uint64_t job = q * jobs / size, block = job * blocks / jobs;

			if (alone->shape.loss == LOSS_CCL ? row >= (uint64_t)q * rows_of / size
							  : row >= 128 * block)
				share[row] = q;
		}
	return (uint32_t)jobs;
}

/* Bytes of the occurrences `id` of a row, and of the rows of a table that its share needs, unless the
   process of that share owns them. */
static uint64_t moved(const struct cpu_side *side, uint32_t id, unsigned share, unsigned size,
	bool *seen, uint64_t *rows_moved)
{
	const uint64_t width = 4 * ((uint64_t)side->cols[0] + side->cols[1]);
	bool *here = &seen[(size_t)share * side->num_rows + id];

	if (id % size == share)
		return 0;
	*rows_moved += *here ? 0 : width;
	*here = true;
	return width;
}

/* The formula of docs/architecture.md for the batch that `alone` has just had. */
static uint64_t bytes_of_batch(
	const struct backend *alone, const struct batch *batch, unsigned size)
{
	static unsigned share[MAX_BATCH];
	static bool seen[2][MOST_PROCESSES * ITEMS];
	const bool ccl = alone->shape.loss == LOSS_CCL;
	const uint32_t n = batch->size, items = alone->items_per_row;
	const uint32_t jobs = shares(alone, n, size, share);
	uint64_t sum = 0, losses = 0;

	memset(seen, 0, sizeof(seen));
	for (uint32_t row = 0; row < n; row++) {
		const unsigned q = share[row];

		sum += moved(&alone->user, batch->user[row], q, size, seen[0], &sum);
		for (uint32_t k = 0; k < items; k++) {
			const uint32_t id = k == 0 ? batch->item[row]
						   : batch->negative[row * (items - 1) + k - 1];
			const uint64_t more = moved(&alone->item, id, q, size, seen[1], &sum);

			sum += ccl ? 0 : more;
		}
		for (uint32_t k = 0; ccl && k < alone->num_kept[row]; k++)
			if (alone->kept[row * items + k].item % size != q)
				sum += 4 + 4 * alone->item.cols[0];
		losses += ccl ? q > 0 : 0;
	}
	for (uint32_t job = jobs / size; job < jobs && !ccl; job++)
		losses++; /* those of process 0 come first */
	sum += 8 * losses + (ccl ? 4 * size * (size - 1) : 0);
	sum += 4 * alone->dense_size * ((jobs < size ? jobs : size) - 1 + size - 1);
	return sum + (size - 1) * (2 * 32 + 4 * (uint64_t)n *
						    (1 + items + (alone->shape.loss == LOSS_BCE)));
}

/* Bytes that all processes received in a training of so many steps. */
static uint64_t bytes_told(const struct setting *t, unsigned size, uint32_t steps)
{
	struct threads all;
	struct backend *b = make_processes(t, threads_start(&all, size), false);
	uint64_t sum = 0;

	train_steps(t, &backend_cpu_processes, b, 0, steps);
	backend_cpu_processes.destroy(b);
	threads_join(&all);
	for (unsigned q = 0; q < size; q++)
		sum += all.process[q].exchange.received;
	return sum;
}

static void check_bytes(const struct setting *t)
{
	static unsigned turn;
	const unsigned size = 1 + turn % 7 * (turn % 3 + 1);

	if (t->kind.kernels != cpu_best_kernels())
		return;
	turn++;
	struct backend_config c = { .shape = t->shape,
		.fresh = &(struct neumf_fresh){ 0.3, DENSE_NORMAL, 3 },
		.optimizer = &t->optimizer,
		.batch_size = t->batch_size,
		.pool = pool_of(1) };
	struct backend *alone = cpu_create(&c, t->kind.kernels);
	uint64_t expected = 0;

	for (uint32_t step = 0; step < STEPS; step++) {
		struct batch batch = random_batch(&rows, size_of(t, step), step);

		backend_cpu.gradient(alone, &batch);
		expected += bytes_of_batch(alone, &batch, size);
		backend_cpu.update(alone);
	}
	const uint64_t told = bytes_told(t, size, STEPS);
	CHECK(told == expected, "%s: %u processes tell each other %llu bytes, %llu by the formula",
		t->name, size, (unsigned long long)told, (unsigned long long)expected);
	backend_cpu.destroy(alone);
}

int main(void)
{
	die_quiet = true;
	for_each_setting(check_setting);
	for_each_setting(check_bytes);
	return CHECK_EXIT;
}
