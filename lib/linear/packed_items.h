/*
 * packed_items: the items of each user in few bytes, to be read one user at a time: what a scorer
 * keeps of user_items once it has learned.
 *
 * In place of an item the number of items that are left out before it, in groups of 7 bits, lowest
 * first, each but the last with its highest bit set (LEB128).
 *
 * Memory: per interaction 1 byte, 2 where more than 127 items are left out, and so on; 8 per user.
 */
#ifndef PACKED_ITEMS_H
#define PACKED_ITEMS_H

#include <stdint.h>

struct user_items;

struct packed_items {
	uint32_t num_users, longest; /* the most items of a user */
	uint64_t *start;	     /* num_users + 1: of each user's bytes */
	unsigned char *bytes;
};

/* Those of a finished user_items without repeats. */
void packed_items_init(struct packed_items *p, const struct user_items *users);
void packed_items_release(struct packed_items *p);

/* Write the items of a user, ascending, to `to`, which has room for p->longest; returns how many. */
uint32_t packed_items_get(const struct packed_items *p, uint32_t user, uint32_t *to);

#endif
