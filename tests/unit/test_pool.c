/* pool: every job runs exactly once, with any number of threads, and all have ended on return. */
#include "base/die.h"
#include "base/mem.h"
#include "base/pool.h"
#include "check.h"
#include "child.h"

#include <stdatomic.h>
#include <stdlib.h>

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
	test_dying();
	pool_free(NULL);
	return CHECK_EXIT;
}
