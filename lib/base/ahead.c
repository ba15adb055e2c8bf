#include "base/ahead.h"

#include "base/mem.h"
#include "base/pool.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

/* Everything but the pieces is under the lock. */
struct ahead {
	struct ahead_config config;
	char *memory;	      // slots x slot_size
	uint64_t *made;	      // (slots) 1 + the piece that is ready there; 0: none yet
	uint64_t next, taken; // to be handed out; the one handed out, whose slot is in use
	uint64_t claimed;     // the first that nobody makes yet
	pthread_mutex_t lock;
	pthread_cond_t ready; // the next piece is there
	bool waiting;	      // the taker, for it
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

/* The pool's idle work. */
static bool step(void *arg)
{
	struct ahead *a = arg;
	bool can;

	pthread_mutex_lock(&a->lock);
	can = can_claim(a);
	if (can)
		make_one(a);
	pthread_mutex_unlock(&a->lock);
	return can;
}

struct ahead *ahead_new(const struct ahead_config *config)
{
	struct ahead *a = xcalloc(1, sizeof(*a));

	a->config = *config;
	a->config.slot_size = (config->slot_size + 63) / 64 * 64;
	a->memory = xcalloc_aligned(config->slots, a->config.slot_size);
	a->made = xcalloc(config->slots, sizeof(*a->made));
	a->next = a->taken = a->claimed = config->first;
	pthread_mutex_init(&a->lock, NULL);
	pthread_cond_init(&a->ready, NULL);
	pool_set_idle(config->pool, step, a);
	return a;
}

void *ahead_next(struct ahead *a)
{
	void *slot = NULL;
	bool low;

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
	low = a->claimed - a->taken <= a->config.slots / 2;
	pthread_mutex_unlock(&a->lock);
	if (low)
		pool_wake(a->config.pool);
	return slot;
}

void ahead_free(struct ahead *a)
{
	if (a == NULL)
		return;
	pool_set_idle(a->config.pool, NULL, NULL);
	pthread_mutex_destroy(&a->lock);
	pthread_cond_destroy(&a->ready);
	free(a->memory);
	free(a->made);
	free(a);
}
