#define _GNU_SOURCE // sched_getaffinity
#include "base/pool.h"

#include "base/die.h"
#include "base/mem.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

/*
 * The jobs of a run are cut into as many stripes as there are threads. A thread first takes the
 * jobs of its own stripe, whose data the last run left in its cache, then what others have left.
 */
struct stripe {
	_Alignas(64) atomic_size_t next; // each stripe has a cache line of its own
	size_t end;
};

/*
 * A run is open from pool_run's broadcast until the caller finds no job left. A worker enters an
 * open run once (`active` counts those inside) and takes jobs off the stripes; one that wakes too
 * late finds the run closed and goes back to sleep, so that nobody waits for a thread without a
 * job.
 */
struct pool {
	unsigned threads;
	pthread_t *worker; // threads - 1 of them
	pthread_mutex_t lock;
	pthread_cond_t start, idle; // a run opens or the pool ends; active drops to 0
	unsigned long run;	    // its number: a worker enters a run only once
	bool open, quit;
	unsigned active, started;

	void (*job)(void *arg, size_t k, unsigned thread);
	void *arg;
	struct stripe *stripe; // of each thread
};

static void work(struct pool *p, unsigned thread)
{
	for (unsigned t = 0; t < p->threads; t++) {
		struct stripe *s = &p->stripe[(thread + t) % p->threads];
		size_t k;

		while ((k = atomic_fetch_add_explicit(&s->next, 1, memory_order_relaxed)) < s->end)
			p->job(p->arg, k, thread);
	}
}

static void *worker_main(void *arg)
{
	struct pool *p = arg;
	unsigned long seen = 0;
	unsigned thread;

	pthread_mutex_lock(&p->lock);
	thread = ++p->started;
	for (;;) {
		while (!p->quit && (!p->open || p->run == seen))
			pthread_cond_wait(&p->start, &p->lock);
		if (p->quit)
			break;
		seen = p->run;
		p->active++;
		pthread_mutex_unlock(&p->lock);
		work(p, thread);
		pthread_mutex_lock(&p->lock);
		if (--p->active == 0)
			pthread_cond_signal(&p->idle);
	}
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

struct pool *pool_new(unsigned threads)
{
	struct pool *p = xcalloc(1, sizeof(*p));
	sigset_t all, old;

	p->threads = threads;
	p->worker = xcalloc(threads, sizeof(*p->worker));
	p->stripe = xcalloc_aligned(threads, sizeof(*p->stripe));
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->start, NULL);
	pthread_cond_init(&p->idle, NULL);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old); // signals go to the main thread
	for (unsigned k = 1; k < threads; k++) {
		errno = pthread_create(&p->worker[k - 1], NULL, worker_main, p);
		if (errno != 0)
			die("cannot start thread %u of %u:", k + 1, threads);
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return p;
}

void pool_free(struct pool *p)
{
	if (p == NULL)
		return;
	pthread_mutex_lock(&p->lock);
	p->quit = true;
	pthread_cond_broadcast(&p->start);
	pthread_mutex_unlock(&p->lock);
	for (unsigned k = 1; k < p->threads; k++)
		pthread_join(p->worker[k - 1], NULL);
	pthread_mutex_destroy(&p->lock);
	pthread_cond_destroy(&p->start);
	pthread_cond_destroy(&p->idle);
	free(p->worker);
	free(p->stripe);
	free(p);
}

unsigned pool_threads(const struct pool *p)
{
	return p->threads;
}

void pool_run(
	struct pool *p, size_t jobs, void (*job)(void *arg, size_t k, unsigned thread), void *arg)
{
	if (p->threads == 1 || jobs <= 1) {
		for (size_t k = 0; k < jobs; k++)
			job(arg, k, 0);
		return;
	}
	pthread_mutex_lock(&p->lock);
	p->job = job;
	p->arg = arg;
	for (size_t t = 0; t < p->threads; t++) {
		atomic_store_explicit(
			&p->stripe[t].next, t * jobs / p->threads, memory_order_relaxed);
		p->stripe[t].end = (t + 1) * jobs / p->threads;
	}
	p->run++;
	p->open = true;
	pthread_cond_broadcast(&p->start);
	pthread_mutex_unlock(&p->lock);
	work(p, 0);
	pthread_mutex_lock(&p->lock);
	p->open = false;
	while (p->active > 0)
		pthread_cond_wait(&p->idle, &p->lock);
	pthread_mutex_unlock(&p->lock);
}

unsigned pool_cores(void)
{
	long n = 0;
#ifdef __linux__
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) == 0)
		n = CPU_COUNT(&set);
#endif
	if (n < 1)
		n = sysconf(_SC_NPROCESSORS_ONLN);
	return n < 1 ? 1 : (unsigned)n;
}
