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
	const struct neumf_fresh fresh = { 0.3, DENSE_NORMAL, 3 };
	struct backend_config c = { .shape = t->shape,
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

/* Which of the tensors and losses differ? A line of 0 and 1. */
static const char *differences(const struct setting *t, const struct backend_ops *ops,
	struct backend *alone, struct backend *b)
{
	static char found[8];
	struct backend_loss x = backend_cpu.loss(alone), y = ops->loss(b);

	for (unsigned k = 0; k < 4; k++) {
		const enum backend_what what = k < 3 ? states[k] : BACKEND_GRADIENT;
		float *left = read_all(&backend_cpu, alone, &t->layout, what);
		float *right = read_all(ops, b, &t->layout, what);

		found[k] = memcmp(left, right, t->layout.num_params * sizeof(float)) ? '1' : '0';
		free(left);
		free(right);
	}
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

/* Those that backend_cpu takes: other instruction sets are test_same_bits.c's. */
static const struct cpu_kernels *best_kernels(void)
{
	const struct cpu_kernels *best[1];

	cpu_kernels_available(best, 1);
	return best[0];
}

static void check_setting(const struct setting *t)
{
	static const unsigned sizes[][2] = { { 2, 3 }, { 3, 1 }, { 5, 2 }, { 1, 2 } };
	static unsigned turn;

	if (t->kind.kernels != best_kernels())
		return;
	check_size(t, sizes[turn % 4][0], sizes[turn % 4][1]);
	turn++;
}

int main(void)
{
	die_quiet = true;
	for_each_setting(check_setting);
	return CHECK_EXIT;
}
