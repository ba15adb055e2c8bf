/*
 * thread_exchange: an exchange (exchange.h) whose processes are threads of a test: process 0 is the
 * caller, the others run backend_follow. A message is copied into a queue of the pair.
 */
#ifndef THREAD_EXCHANGE_H
#define THREAD_EXCHANGE_H

#include "base/mem.h"
#include "base/pool.h"
#include "model/backend.h"
#include "model/exchange.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_PROCESSES = 40 };

struct message {
	struct message *next;
	size_t bytes;
	char data[];
};

struct threads;

struct thread {
	struct exchange exchange; /* first: it is what the functions get */
	struct threads *all;
	pthread_t thread;
	bool ended;
};

struct threads {
	pthread_mutex_t lock;
	pthread_cond_t arrived;
	struct thread process[MOST_PROCESSES];
	struct message *first[MOST_PROCESSES][MOST_PROCESSES],
		*last[MOST_PROCESSES][MOST_PROCESSES];
};

static inline void thread_send(struct exchange *x, unsigned to, const void *data, size_t bytes)
{
	struct threads *all = ((struct thread *)x)->all;
	struct message *m = xmalloc(sizeof(*m) + bytes, 1);

	m->next = NULL;
	m->bytes = bytes;
	if (bytes > 0)
		memcpy(m->data, data, bytes);
	pthread_mutex_lock(&all->lock);
	if (all->first[x->rank][to] == NULL)
		all->first[x->rank][to] = m;
	else
		all->last[x->rank][to]->next = m;
	all->last[x->rank][to] = m;
	pthread_cond_broadcast(&all->arrived);
	pthread_mutex_unlock(&all->lock);
}

static inline void thread_receive(struct exchange *x, unsigned from, void *data, size_t bytes)
{
	struct threads *all = ((struct thread *)x)->all;
	struct message **first = &all->first[from][x->rank], *m;

	pthread_mutex_lock(&all->lock);
	while (*first == NULL)
		pthread_cond_wait(&all->arrived, &all->lock);
	m = *first;
	*first = m->next;
	pthread_mutex_unlock(&all->lock);
	if (m->bytes != bytes)
		abort(); /* who sends and who receives do not agree */
	if (bytes > 0)
		memcpy(data, m->data, bytes);
	free(m);
}

static inline void thread_broadcast(struct exchange *x, unsigned root, void *data, size_t bytes)
{
	for (unsigned q = 0; q < x->size && x->rank == root; q++)
		if (q != root)
			thread_send(x, q, data, bytes);
	if (x->rank != root)
		thread_receive(x, root, data, bytes);
}

static inline void thread_all_to_all(struct exchange *x, const void *out, const size_t *out_bytes,
	void *in, const size_t *in_bytes)
{
	const char *from = out;
	char *to = in;

	for (unsigned q = 0; q < x->size; from += out_bytes[q++])
		thread_send(x, q, from, out_bytes[q]);
	for (unsigned q = 0; q < x->size; to += in_bytes[q++])
		thread_receive(x, q, to, in_bytes[q]);
}

static inline void thread_end(struct exchange *x)
{
	((struct thread *)x)->ended = true;
}

static inline void *thread_follow(void *arg)
{
	struct thread *t = arg;
	struct pool *pool = pool_new(1 + t->exchange.rank % 2);

	backend_follow(&t->exchange, pool);
	t->exchange.end(&t->exchange);
	pool_free(pool);
	return NULL;
}

/* Start processes; the exchange of the first. */
static inline struct exchange *threads_start(struct threads *all, unsigned size)
{
	*all = (struct threads){ .lock = PTHREAD_MUTEX_INITIALIZER,
		.arrived = PTHREAD_COND_INITIALIZER };
	for (unsigned q = 0; q < size; q++) {
		struct thread *t = &all->process[q];

		t->all = all;
		t->exchange = (struct exchange){ .rank = q,
			.size = size,
			.broadcast = thread_broadcast,
			.all_to_all = thread_all_to_all,
			.send = thread_send,
			.receive = thread_receive,
			.end = thread_end };
		if (q > 0 && pthread_create(&t->thread, NULL, thread_follow, t))
			abort();
	}
	return &all->process[0].exchange;
}

/* After the backend is destroyed: have all others ended, and read all they were sent? */
static inline bool threads_join(struct threads *all)
{
	const unsigned size = all->process[0].exchange.size;
	bool ok = true;

	for (unsigned q = 1; q < size; q++) {
		pthread_join(all->process[q].thread, NULL);
		ok = ok && all->process[q].ended;
	}
	for (unsigned q = 0; q < size * size; q++)
		ok = ok && all->first[q / size][q % size] == NULL;
	return ok;
}

#endif
