/*
 * user_items: the items of each user as a CSR matrix: what they have seen, what is excluded for
 * them.
 *
 * Rows are added from one or more interaction streams in any order; then user_items_finish sorts
 * the items of each user and drops duplicates, and only then may they be read. Adding more rows and
 * finishing again is fine.
 *
 * Memory: 4 bytes per interaction and 8 per user. While rows are added, another 2 per interaction,
 * 8 per user and 2 MiB, but for streams whose users ascend. While they are sorted, 8 per
 * interaction of 128 users and thread.
 */
#ifndef USER_ITEMS_H
#define USER_ITEMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pool;
struct rec_reader;

/* Rows that are not yet in the matrix, user << 32 | item. */
struct user_items_pending {
	uint64_t *row;
	size_t num, capacity;
	uint32_t *of_user; /* (num_users) how many are of each */
};

struct behind;
struct user_items {
	uint32_t num_users, num_items;
	uint64_t *start; /* num_users + 1: user u has item[start[u]] .. item[start[u + 1] - 1] */
	uint32_t *item;

	/* while rows are added: one array takes them, the other may be on its way into the matrix */
	struct user_items_pending pending[2];
	unsigned turn;
	uint64_t merged;       /* rows that have left `pending` */
	struct behind *merger; /* NULL: none */
	uint32_t sorted;       /* users, from the first, whose items have been sorted, */
	bool repeats;	       /* and an item was found twice */
};

/* An empty matrix; ids added later must be below these bounds. */
void user_items_init(struct user_items *m, uint32_t num_users, uint32_t num_items);
void user_items_release(struct user_items *m);

/* Add one row. */
void user_items_add(struct user_items *m, uint32_t user, uint32_t item);

/* Add all rows of a stream of interactions or ratings up to its verified end; returns how many. Dies
   if the bounds of the stream exceed those of the matrix. With a pool of more than one thread (NULL:
   none), others sort the items of users while this one reads, or, where the users of the rows do
   not ascend, bring the rows into the matrix. */
uint64_t user_items_add_stream(struct user_items *m, struct rec_reader *r, struct pool *pool);

/* Move all rows into the matrix, sort the items of each user and drop duplicates; returns how many
   were dropped. */
uint64_t user_items_finish(struct user_items *m);

/* The same, except that duplicates stay; sorted by the threads of a pool (NULL: by the caller). */
void user_items_finish_all(struct user_items *m, struct pool *pool);

/* Initialise `to` as a copy of a finished user_items. */
void user_items_copy(struct user_items *to, const struct user_items *from);

/* Initialise `items` as the users of each item of a finished user_items. */
void user_items_transpose(struct user_items *items, const struct user_items *users);

/* How many users of a finished user_items have an item. */
uint32_t user_items_active_users(const struct user_items *m);

/* How many users each item of a finished user_items has, in a new array. */
uint32_t *user_items_count_users(const struct user_items *m);

/* The items of a user, ascending, borrowed; *n is their number. */
const uint32_t *user_items_get(const struct user_items *m, uint32_t user, uint32_t *n);

/* Whose item is item[place]? Of a finished user_items, place < user_items_size(). */
uint32_t user_items_user_at(const struct user_items *m, uint64_t place);

/* Does the user have the item? Binary search. */
bool user_items_has(const struct user_items *m, uint32_t user, uint32_t item);

/* The number of items of all users together. */
uint64_t user_items_size(const struct user_items *m);

#endif
