/*
 * ahead: numbered pieces of work that the idle threads of a pool make ahead of the one who takes
 * them in order.
 *
 * Who takes a piece that is not ready makes pieces too, so that no core waits while there is work.
 * A piece depends on its number alone: which thread makes it changes nothing.
 */
#ifndef AHEAD_H
#define AHEAD_H

#include <stddef.h>
#include <stdint.h>

struct ahead;
struct pool;

struct ahead_config {
	struct pool *pool;   /* borrowed; it has no other idle work */
	unsigned slots;	     /* pieces held at a time, that of the taker included; 2 at least */
	size_t slot_size;    /* bytes of a piece */
	uint64_t first, end; /* pieces first .. end - 1 */

	/* Make a piece in `slot`, which is aligned to a cache line. It must not end the program: the
	   taker may not be there yet. */
	void (*make)(void *arg, uint64_t piece, void *slot);
	void *arg;
};

struct ahead *ahead_new(const struct ahead_config *config);

/* The next piece, which lasts until the next call; NULL: there is none. */
void *ahead_next(struct ahead *a);

/* At any time before pool_free(), also of NULL. */
void ahead_free(struct ahead *a);

#endif
