#define _GNU_SOURCE // sched_getaffinity
#include "base/pool.h"

#include "base/clock.h"
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

enum { SPIN_LOOKS = 32 };
#define SPIN_SECONDS 30e-6

/*
 * The jobs of a run are cut into as many stripes as there are threads. A thread first takes the
 * jobs of its own stripe, whose data the last run left in its cache, then what others have left.
 */
struct stripe {
	_Alignas(64) atomic_size_t next; // each stripe has a cache line of its own
	size_t end;
};

/*
 * A run is open from pool_run's call until the caller finds no job left. A worker enters an open run
 * once (`active` counts those inside) and takes jobs off the stripes; one that comes too late finds
 * the run closed and waits again, so that nobody waits for a thread without a job.
 *
 * Runs that follow each other closely meet threads that are awake: who waits looks for SPIN_SECONDS,
 * and sleeps then. A wake-up would take longer than many a run. Where there are more threads than
 * cores, it sleeps at once.
 */
struct pool {
	unsigned threads;
	bool spins;
	pthread_t *worker; // threads - 1 of them
	pthread_mutex_t lock;
	pthread_cond_t start, idle;	// a run opens or the pool ends; active drops to 0
	unsigned long run;		// number of the last
	_Alignas(64) atomic_ulong open; // the run that is open; 0: none
	_Alignas(64) atomic_uint active;
	atomic_uint sleeping;	   // workers
	atomic_bool waiting, quit; // the caller
	unsigned started;

	_Atomic(bool (*)(void *arg)) step; // for who waits
	void *step_arg;
	atomic_uint stepping, wakes; // threads inside; calls of pool_wake

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

static void relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

/* Is there a run that the worker has not seen, or the end? */
static bool is_called(const struct pool *p, unsigned long seen)
{
	const unsigned long open = atomic_load(&p->open);

	return (open != 0 && open != seen) || atomic_load(&p->quit);
}

static bool is_idle(const struct pool *p, unsigned long seen)
{
	(void)seen;
	return atomic_load(&p->active) == 0;
}

/* Look for a while whether `done` holds. */
static bool spin(
	const struct pool *p, bool (*done)(const struct pool *, unsigned long), unsigned long seen)
{
	const double end = p->spins ? now() + SPIN_SECONDS : 0;

	do
		for (int k = 0; k < SPIN_LOOKS; k++) {
			if (done(p, seen))
				return true;
			if (!p->spins)
				return false;
			relax();
		}
	while (now() < end);
	return false;
}

/* A piece of idle work; false: there is none. */
static bool take_step(struct pool *p)
{
	bool (*step)(void *arg);
	bool done;

	atomic_fetch_add(&p->stepping, 1);
	step = atomic_load(&p->step);
	done = step != NULL && step(p->step_arg);
	atomic_fetch_sub(&p->stepping, 1);
	return done;
}

static void wait_for_run(struct pool *p, unsigned long seen)
{
	while (!is_called(p, seen)) {
		const unsigned wakes = atomic_load(&p->wakes);

		if (take_step(p))
			continue;
		if (spin(p, is_called, seen))
			return;
		pthread_mutex_lock(&p->lock);
		atomic_fetch_add(&p->sleeping, 1);
		while (!is_called(p, seen) && atomic_load(&p->wakes) == wakes)
			pthread_cond_wait(&p->start, &p->lock);
		atomic_fetch_sub(&p->sleeping, 1);
		pthread_mutex_unlock(&p->lock);
	}
}

static void *worker_main(void *arg)
{
	struct pool *p = arg;
	unsigned long seen = 0;
	unsigned thread;

	pthread_mutex_lock(&p->lock);
	thread = ++p->started;
	pthread_mutex_unlock(&p->lock);
	for (;;) {
		wait_for_run(p, seen);
		if (atomic_load(&p->quit))
			return NULL;
		atomic_fetch_add(&p->active, 1);
		const unsigned long open = atomic_load(&p->open);
		if (open != 0 && open != seen) {
			seen = open;
			work(p, thread);
		}
		if (atomic_fetch_sub(&p->active, 1) == 1 && atomic_load(&p->waiting)) {
			pthread_mutex_lock(&p->lock);
			pthread_cond_signal(&p->idle);
			pthread_mutex_unlock(&p->lock);
		}
	}
}

struct pool *pool_new(unsigned threads)
{
	struct pool *p = xcalloc_aligned(1, sizeof(*p));
	sigset_t all, old;

	p->threads = threads;
	p->spins = threads <= pool_cores();
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
	atomic_store(&p->quit, true);
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

static void rouse(struct pool *p)
{
	if (atomic_load(&p->sleeping) == 0)
		return;
	pthread_mutex_lock(&p->lock);
	pthread_cond_broadcast(&p->start);
	pthread_mutex_unlock(&p->lock);
}

void pool_set_idle(struct pool *p, bool (*step)(void *arg), void *arg)
{
	atomic_store(&p->step, NULL);
	while (atomic_load(&p->stepping) > 0)
		sched_yield();
	p->step_arg = arg;
	atomic_store(&p->step, step);
	pool_wake(p);
}

void pool_wake(struct pool *p)
{
	atomic_fetch_add(&p->wakes, 1);
	rouse(p);
}

void pool_run(
	struct pool *p, size_t jobs, void (*job)(void *arg, size_t k, unsigned thread), void *arg)
{
	if (p->threads == 1 || jobs <= 1) {
		for (size_t k = 0; k < jobs; k++)
			job(arg, k, 0);
		return;
	}
	p->job = job;
	p->arg = arg;
	for (size_t t = 0; t < p->threads; t++) {
		atomic_store_explicit(
			&p->stripe[t].next, t * jobs / p->threads, memory_order_relaxed);
		p->stripe[t].end = (t + 1) * jobs / p->threads;
	}
	atomic_store(&p->open, ++p->run);
	rouse(p);
	work(p, 0);
	atomic_store(&p->open, 0);
	if (spin(p, is_idle, 0))
		return;
	pthread_mutex_lock(&p->lock);
	atomic_store(&p->waiting, true);
	while (atomic_load(&p->active) > 0)
		pthread_cond_wait(&p->idle, &p->lock);
	atomic_store(&p->waiting, false);
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
