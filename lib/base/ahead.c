#include "base/ahead.h"

#include "base/die.h"
#include "base/mem.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>

/* Everything but the pieces is under the lock. */
struct ahead {
	struct ahead_config config;
	char *memory;	      // slots x slot_size
	uint64_t *made;	      // (slots) 1 + the piece that is ready there; 0: none yet
	uint64_t next, taken; // to be handed out; the one handed out, whose slot is in use
	uint64_t claimed;     // the first that nobody makes yet
	pthread_t *worker;
	pthread_mutex_t lock;
	pthread_cond_t free, ready; // there is something to make; the next piece is there
	unsigned sleeping;	    // workers
	bool waiting, quit;	    // the taker
};

static bool can_claim(const struct ahead *a)
{
	return a->claimed < a->config.end && a->claimed - a->taken < a->config.slots;
}

static void *slot_of(const struct ahead *a, uint64_t piece)
{
	return a->memory + piece % a->config.slots * a->config.slot_size;
}

static bool is_made(const struct ahead *a, uint64_t piece)
{
	return a->made[piece % a->config.slots] == piece + 1;
}

/* Claim a piece, make it without the lock, and say so. */
static void make_one(struct ahead *a)
{
	const uint64_t piece = a->claimed++;

	pthread_mutex_unlock(&a->lock);
	a->config.make(a->config.arg, piece, slot_of(a, piece));
	pthread_mutex_lock(&a->lock);
	a->made[piece % a->config.slots] = piece + 1;
	if (a->waiting && piece == a->next)
		pthread_cond_signal(&a->ready);
}

static void *worker_main(void *arg)
{
	struct ahead *a = arg;

	pthread_mutex_lock(&a->lock);
	while (!a->quit) {
		if (can_claim(a)) {
			make_one(a);
			continue;
		}
		a->sleeping++;
		pthread_cond_wait(&a->free, &a->lock);
		a->sleeping--;
	}
	pthread_mutex_unlock(&a->lock);
	return NULL;
}

struct ahead *ahead_new(const struct ahead_config *config)
{
	struct ahead *a = xcalloc(1, sizeof(*a));
	sigset_t all, old;

	a->config = *config;
	a->config.slot_size = (config->slot_size + 63) / 64 * 64;
	a->memory = xcalloc_aligned(config->slots, a->config.slot_size);
	a->made = xcalloc(config->slots, sizeof(*a->made));
	a->worker = xcalloc(config->threads, sizeof(*a->worker));
	a->next = a->taken = a->claimed = config->first;
	pthread_mutex_init(&a->lock, NULL);
	pthread_cond_init(&a->free, NULL);
	pthread_cond_init(&a->ready, NULL);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old); // signals go to the main thread
	for (unsigned k = 1; k < config->threads; k++) {
		errno = pthread_create(&a->worker[k - 1], NULL, worker_main, a);
		if (errno != 0)
			die("cannot start thread %u of %u:", k + 1, config->threads);
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return a;
}

void *ahead_next(struct ahead *a)
{
	void *slot = NULL;

	pthread_mutex_lock(&a->lock);
	a->taken = a->next;
	while (a->next < a->config.end && !is_made(a, a->next)) {
		if (can_claim(a)) {
			make_one(a);
			continue;
		}
		a->waiting = true;
		pthread_cond_wait(&a->ready, &a->lock);
		a->waiting = false;
	}
	if (a->next < a->config.end)
		slot = slot_of(a, a->next++);
	/* not for each piece: waking takes longer than making a small one */
	if (a->sleeping > 0 && a->claimed - a->taken <= a->config.slots / 2)
		pthread_cond_broadcast(&a->free);
	pthread_mutex_unlock(&a->lock);
	return slot;
}

void ahead_free(struct ahead *a)
{
	if (a == NULL)
		return;
	pthread_mutex_lock(&a->lock);
	a->quit = true;
	pthread_cond_broadcast(&a->free);
	pthread_mutex_unlock(&a->lock);
	for (unsigned k = 1; k < a->config.threads; k++)
		pthread_join(a->worker[k - 1], NULL);
	pthread_mutex_destroy(&a->lock);
	pthread_cond_destroy(&a->free);
	pthread_cond_destroy(&a->ready);
	free(a->memory);
	free(a->made);
	free(a->worker);
	free(a);
}
