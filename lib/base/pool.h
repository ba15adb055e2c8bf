/*
 * pool: a fixed set of threads that run one function over numbered jobs.
 *
 * Waiting threads sleep: other processes of the pipe share the cores. Which thread runs a job is
 * not fixed; a job must write only what is its own, so that results do not depend on the threads.
 */
#ifndef POOL_H
#define POOL_H

#include <stddef.h>

struct pool;

/* `threads` >= 1 counts the caller, who works too: pool_new(1) starts none. Dies when it cannot. */
struct pool *pool_new(unsigned threads);
void pool_free(struct pool *p);
unsigned pool_threads(const struct pool *p);

/* Run job(arg, k, thread) for every k < jobs and return when
   all have ended; thread < pool_threads. */
void pool_run(
	struct pool *p, size_t jobs, void (*job)(void *arg, size_t k, unsigned thread), void *arg);

/* Cores this process may use (affinity, at least 1): the default of --threads. */
unsigned pool_cores(void);

#endif
