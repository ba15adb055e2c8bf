/* pool: every job runs exactly once, with any number of threads, and all have ended on return. */
#include "base/mem.h"
#include "base/pool.h"
#include "check.h"

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
	pool_free(NULL);
	return CHECK_EXIT;
}
