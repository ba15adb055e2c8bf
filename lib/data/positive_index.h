/*
 * positive_index: the interactions of an epoch, numbered from 0 by user, then item. A number gives
 * its user and item for one cache miss, although no user is stored per interaction.
 *
 * Memory: 4.6 bytes per interaction, 4 per user.
 */
#ifndef POSITIVE_INDEX_H
#define POSITIVE_INDEX_H

#include "data/user_items.h"
#include "stream/row_draws.h"

#include <stddef.h>
#include <stdint.h>

struct positive_index {
	uint64_t num;
	uint32_t num_users;
	uint32_t *user; /* those with a positive, ascending */
	struct positive_index_line *line;
};

/* All items of a finished user_items; an item listed twice is two positives. Made by the threads of
   the pool. */
struct pool;
void positive_index_init(
	struct positive_index *p, const struct user_items *seen, struct pool *pool);
void positive_index_release(struct positive_index *p);

/* Drop the positives of the users in the set `skip` (bitset.h) and renumber the rest. */
void positive_index_drop(struct positive_index *p, const unsigned char *skip);

/* Call for the cache lines of these positives, for who has other work until it gets them. */
void positive_index_call(const struct positive_index *p, const uint64_t *number, size_t count);

/* user, item (count): those of the positives with these numbers. */
void positive_index_get(const struct positive_index *p, const uint64_t *number, size_t count,
	uint32_t *user, uint32_t *item);

#endif
