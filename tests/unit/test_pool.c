/* pool: every job runs exactly once, with any number of threads, and all have ended on return. */
#include "base/die.h"
#include "base/mem.h"
#include "base/pool.h"
#include "check.h"
#include "child.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

struct counts {
	unsigned threads;
	unsigned *runs; // of each job
	atomic_uint bad_thread;
	atomic_uint in_thread[8]; // jobs inside each thread now: never two
};

static void count(void *arg, size_t k, unsigned thread)
{
	struct counts *c = arg;

	if (thread >= c->threads || atomic_fetch_add(&c->in_thread[thread], 1) != 0)
		atomic_fetch_add(&c->bad_thread, 1);
	c->runs[k]++;
	atomic_fetch_sub(&c->in_thread[thread], 1);
}

/* Many short runs back to back: a worker that wakes late must not enter a finished run. */
static void run_all(unsigned threads, size_t jobs, unsigned rounds)
{
	struct counts c = { .threads = threads, .runs = xcalloc(jobs, sizeof(*c.runs)) };
	struct pool *p = pool_new(threads);
	size_t wrong = 0;

	for (unsigned r = 1; r <= rounds; r++) {
		pool_run(p, jobs, count, &c);
		for (size_t k = 0; k < jobs; k++)
			wrong += c.runs[k] != r;
	}
	CHECK(wrong == 0 && c.bad_thread == 0,
		"%u threads, %zu jobs, %u rounds: %zu jobs run other than once, %u in a wrong thread",
		threads, jobs, rounds, wrong, c.bad_thread);
	CHECK(pool_threads(p) == threads, "%u threads: pool_threads is %u", threads,
		pool_threads(p));
	pool_free(p);
	free(c.runs);
}

static void die_in_job(void *arg, size_t k, unsigned thread)
{
	(void)arg;
	die("job %zu of thread %u fails", k, thread);
}

static void die_in_pool(void *arg)
{
	(void)arg;
	pool_run(pool_new(8), 64, die_in_job, NULL);
}

/* All threads die at once: one of them speaks. */
static void test_dying(void)
{
	const int fd = child_file();
	unsigned wrong = 0;

	for (int k = 0; k < 200; k++) {
		struct child c = child_run(die_in_pool, NULL, fd);

		wrong += c.status != EXIT_DATA || !child_one_line(c.text, "cofilter");
	}
	CHECK(!wrong, "8 threads that die at once print one line: %u of 200 do not", wrong);
}

struct steps {
	atomic_uint left, done, inside;
};

static bool idle_step(void *arg)
{
	struct steps *s = arg;
	unsigned left = atomic_load(&s->left);

	while (left > 0 && !atomic_compare_exchange_weak(&s->left, &left, left - 1))
		;
	if (left == 0)
		return false;
	atomic_fetch_add(&s->inside, 1);
	atomic_fetch_add(&s->done, 1);
	atomic_fetch_sub(&s->inside, 1);
	return true;
}

/* Threads that wait take steps, also those that went to sleep before there were any; runs go on
   beside them; and none is taken any more once that was said. */
static void test_idle(void)
{
	struct counts c = { .threads = 3, .runs = xcalloc(7, sizeof(*c.runs)) };
	struct pool *p = pool_new(3);
	struct steps s = { 0 };
	unsigned wrong = 0;

	pool_set_idle(p, idle_step, &s);
	for (unsigned round = 1; round <= 200; round++) {
		if (round % 10 == 0) // longer than threads look before they sleep
			nanosleep(&(struct timespec){ .tv_nsec = 300000 }, NULL);
		atomic_fetch_add(&s.left, 5);
		pool_wake(p);
		pool_run(p, 7, count, &c);
		while (round % 20 == 0 && s.done < 5 * round)
			nanosleep(&(struct timespec){ .tv_nsec = 10000 }, NULL);
		for (size_t k = 0; k < 7; k++)
			wrong += c.runs[k] != round;
	}
	CHECK(wrong == 0 && s.done == 1000, "idle steps: %u of 1000 taken, %u jobs wrong", s.done,
		wrong);
	pool_set_idle(p, NULL, NULL);
	wrong = s.inside;
	atomic_fetch_add(&s.left, 5);
	pool_wake(p);
	pool_run(p, 7, count, &c);
	nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	CHECK(wrong == 0 && s.done == 1000, "no step is taken after the last: %u", s.done);
	pool_free(p);
	free(c.runs);
}

int main(void)
{
	static const unsigned threads[] = { 1, 2, 3, 8 };

	for (unsigned t = 0; t < 4; t++) {
		run_all(threads[t], 0, 3);
		run_all(threads[t], 1, 10);
		run_all(threads[t], 7, 2000);
		run_all(threads[t], 1000, 20);
	}
	CHECK(pool_cores() >= 1, "pool_cores is %u", pool_cores());
	test_idle();
	test_dying();
	pool_free(NULL);
	return CHECK_EXIT;
}
