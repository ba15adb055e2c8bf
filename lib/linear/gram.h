/*
 * gram: G = X'X + l2 I, where X is users x items, 1 where the user has the item: how many users have
 * both items of a pair. Of the items only those that have a row of G count.
 *
 * Pairs are counted in the lists of the users of each item. Or, where the processor counts bits and
 * that is less work, a bit of each user for each row is kept, and the common ones are counted: 64
 * users at a time of 8 pairs.
 *
 * Memory, until gram_release: 8 bytes per interaction, 8 per user and 8 per item, and 4 per row and
 * thread; or a bit per user and row, and 4 bytes per row, which are less than half of G.
 */
#ifndef GRAM_H
#define GRAM_H

#include "data/user_items.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pool;

struct gram {
	uint32_t rows;
	const uint32_t *row_of;	 /* per item, ascending, or NO_ROW; borrowed */
	const uint32_t *item_of; /* per row; borrowed */
	bool dense;		 /* by bits */

	struct user_items items; /* users of each item */
	uint64_t *start;	 /* of each user's list: of the rows of their items, and NO_ROW */
	uint32_t *list;

	size_t words;	  /* of 64 users */
	uint64_t *bits;	  /* GRAM_PANEL rows, word by word, then the next */
	uint32_t *number; /* of users, per row */
};

enum { NO_ROW = UINT32_MAX, GRAM_PANEL = 16 };

/* Choose the way for finished `users` without repeats. */
void gram_init(struct gram *g, const struct user_items *users, const uint32_t *row_of,
	const uint32_t *item_of, uint32_t rows);

/* What pairs are counted in; both at a time if you like. */
void gram_take_items(struct gram *g, const struct user_items *users);
void gram_take_users(struct gram *g, const struct user_items *users);

/* Write G, and behind its rows those of a unit matrix, as a triangle of n rows, g->rows rounded up to
   SPD_MULTIPLE (spd_inverse.h). */
void gram_make(const struct gram *g, double l2, float *triangle, size_t n, struct pool *pool);
void gram_release(struct gram *g);

#endif
