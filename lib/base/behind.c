#include "base/behind.h"

#include "base/die.h"
#include "base/mem.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>

/* All of it but work and arg is under the lock. */
struct behind {
	void (*work)(void *arg, void *piece);
	void *arg;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t given, finished;
	void *piece; /* that is worked on, or to be; NULL: none */
	bool end;
};

static void *thread_main(void *arg)
{
	struct behind *b = arg;
	void *piece;

	pthread_mutex_lock(&b->lock);
	for (;;) {
		while (!b->piece && !b->end)
			pthread_cond_wait(&b->given, &b->lock);
		if (!b->piece)
			break;
		piece = b->piece;
		pthread_mutex_unlock(&b->lock);
		b->work(b->arg, piece);
		pthread_mutex_lock(&b->lock);
		b->piece = NULL;
		pthread_cond_signal(&b->finished);
	}
	pthread_mutex_unlock(&b->lock);
	return NULL;
}

/* The lock is held. */
static void wait_until_finished(struct behind *b)
{
	while (b->piece)
		pthread_cond_wait(&b->finished, &b->lock);
}

struct behind *behind_new(void (*work)(void *arg, void *piece), void *arg)
{
	struct behind *b = xcalloc(1, sizeof(*b));
	sigset_t all_but_pipe, old;

	b->work = work;
	b->arg = arg;
	pthread_mutex_init(&b->lock, NULL);
	pthread_cond_init(&b->given, NULL);
	pthread_cond_init(&b->finished, NULL);
	pthread_sigmask(SIG_SETMASK, NULL, &old);
	sigfillset(&all_but_pipe);
	if (!sigismember(&old, SIGPIPE)) /* it is sent to the thread that wrote */
		sigdelset(&all_but_pipe, SIGPIPE);
	pthread_sigmask(SIG_SETMASK, &all_but_pipe, NULL);
	errno = pthread_create(&b->thread, NULL, thread_main, b);
	if (errno != 0)
		die("cannot start a thread:");
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return b;
}

void behind_give(struct behind *b, void *piece)
{
	pthread_mutex_lock(&b->lock);
	wait_until_finished(b);
	b->piece = piece;
	pthread_cond_signal(&b->given);
	pthread_mutex_unlock(&b->lock);
}

void behind_free(struct behind *b)
{
	pthread_mutex_lock(&b->lock);
	wait_until_finished(b);
	b->end = true;
	pthread_cond_signal(&b->given);
	pthread_mutex_unlock(&b->lock);
	pthread_join(b->thread, NULL);
	pthread_mutex_destroy(&b->lock);
	pthread_cond_destroy(&b->given);
	pthread_cond_destroy(&b->finished);
	free(b);
}
