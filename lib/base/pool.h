/*
 * pool: a fixed set of threads that run one function over numbered jobs.
 *
 * Waiting threads soon sleep, since other processes of the pipe share the cores. Which thread runs a
 * job is not fixed; a job must write only what is its own, so that results do not depend on threads.
 */
#ifndef POOL_H
#define POOL_H

#include <stdbool.h>
#include <stddef.h>

struct pool;

/* `threads` >= 1 includes the caller, which works too: pool_new(1) starts none. Dies if it cannot.
   */
struct pool *pool_new(unsigned threads);
void pool_free(struct pool *p);
unsigned pool_threads(const struct pool *p);

/* Run job(arg, k, thread) for every k < jobs and return when all have ended; thread < pool_threads.
   */
void pool_run(
	struct pool *p, size_t jobs, void (*job)(void *arg, size_t k, unsigned thread), void *arg);

/*
 * While no run is open, threads but the caller's call step(arg) again and again: a short piece of
 * work; false: there is none now, until pool_wake(). NULL: none any more; returns when no thread is
 * in it.
 */
void pool_set_idle(struct pool *p, bool (*step)(void *arg), void *arg);
void pool_wake(struct pool *p);

/* The number of cores this process may use (its affinity), at least 1: the default of --threads. */
unsigned pool_cores(void);

#endif
