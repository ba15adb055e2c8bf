/*
 * user_items: the items of each user, as a CSR matrix: what was seen, what is excluded.
 *
 * Rows are added from one or several interaction streams in any order, then user_items_finish sorts
 * each user's items and drops duplicates; only then may the items be asked for. Adding more rows
 * and finishing again is fine.
 *
 * Memory: 4 bytes an interaction + 8 a user; while rows are added 1 byte an interaction, 4 a user
 * and 1 MiB more.
 */
#ifndef USER_ITEMS_H
#define USER_ITEMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rec_reader;

struct user_items {
	uint32_t num_users, num_items;
	uint64_t *start; /* num_users + 1: user u has item[start[u]] .. item[start[u + 1] - 1] */
	uint32_t *item;

	/* rows not yet in the matrix, user << 32 | item */
	uint64_t *pending;
	size_t num_pending, capacity;
};

/* An empty matrix with bounds; ids given later must be below them. */
void user_items_init(struct user_items *h, uint32_t num_users, uint32_t num_items);
void user_items_release(struct user_items *h);

/* Add one row. */
void user_items_add(struct user_items *h, uint32_t user, uint32_t item);

/* Add all rows of an interaction stream up to its verified end; returns how many. Dies when the
   stream's bounds exceed the matrix's. */
uint64_t user_items_add_stream(struct user_items *h, struct rec_reader *r);

/* Open, add and close an interaction file (--seen, --exclude,
   --train); returns its number of rows. */
uint64_t user_items_add_file(struct user_items *h, const char *path);

/* Bring all rows into the matrix and sort each user's items.
   Drops duplicates and returns how many. */
uint64_t user_items_finish(struct user_items *h);

/* The same, but a row given twice stays twice in the list. */
void user_items_finish_all(struct user_items *h);

/* A copy of a finished user_items in `to`, which was not initialised. */
void user_items_copy(struct user_items *to, const struct user_items *from);

/* The items of a user, ascending; *n is their number. Borrowed. */
const uint32_t *user_items_get(const struct user_items *h, uint32_t user, uint32_t *n);

/* Does the user have the item? Binary search. */
bool user_items_has(const struct user_items *h, uint32_t user, uint32_t item);

/* Items of all users. */
uint64_t user_items_size(const struct user_items *h);

#endif
