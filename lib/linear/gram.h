/*
 * gram: G = X'X + l2 I, where X is users x items, 1 where the user has the item: how many users have
 * both items of a pair. Of the items only those that have a row of G count.
 *
 * Memory, until gram_free: 8 bytes per interaction, 4 per user and 8 per item, and 4 per row and
 * thread.
 */
#ifndef GRAM_H
#define GRAM_H

#include "data/user_items.h"

#include <stddef.h>
#include <stdint.h>

struct pool;

struct gram {
	uint32_t rows;
	const uint32_t *item_of; /* per row; borrowed until gram_free */
	struct user_items items; /* users of each item */
	uint64_t *start;	 /* of each user's list: of the rows of their items, and NO_ROW */
	uint32_t *list;
};

enum { NO_ROW = UINT32_MAX };

/* Both parts may be made at a time: the users of each item, and the rows of each user. row_of: per
   item, ascending. */
void gram_init_items(struct gram *g, const struct user_items *users);
void gram_init_lists(struct gram *g, const struct user_items *users, const uint32_t *row_of);
void gram_free(struct gram *g);

/* Write G, and behind its rows those of a unit matrix, as a triangle of n >= g->rows rows
   (spd_inverse.h). */
void gram_make(const struct gram *g, double l2, float *triangle, size_t n, struct pool *pool);

#endif
