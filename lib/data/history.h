/*
 * history: the items of each user, as a CSR matrix: what was seen, what is excluded.
 *
 * Rows are added from one or several interaction streams in any order, then history_finish sorts
 * each user's items and drops duplicates; only then may the items be asked for. Adding more rows
 * and finishing again is fine.
 *
 * Memory: 4 bytes an interaction + 8 a user; while rows are added 1 byte an interaction, 4 a user
 * and 1 MiB more.
 */
#ifndef HISTORY_H
#define HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rec_reader;

struct history {
	uint32_t num_users, num_items;
	uint64_t *start; /* num_users + 1: user u has item[start[u]] .. item[start[u + 1] - 1] */
	uint32_t *item;

	/* rows not yet in the matrix, user << 32 | item */
	uint64_t *pending;
	size_t num_pending, room;
};

/* An empty history with bounds; ids given later must be below them. */
void history_init(struct history *h, uint32_t num_users, uint32_t num_items);
void history_release(struct history *h);

/* Add one row. */
void history_add(struct history *h, uint32_t user, uint32_t item);

/* Add all rows of an interaction stream up to its verified end; returns how many. Dies when the
   stream's bounds exceed the history's. */
uint64_t history_add_stream(struct history *h, struct rec_reader *r);

/* Open, add and close an interaction file (--seen, --exclude,
   --train); returns its number of rows. */
uint64_t history_add_file(struct history *h, const char *path);

/* Bring all rows into the matrix and sort each user's items.
   Drops duplicates and returns how many. */
uint64_t history_finish(struct history *h);

/* The same, but a row given twice stays twice in the list. */
void history_finish_all(struct history *h);

/* A copy of a finished history in `to`, which was not initialised. */
void history_copy(struct history *to, const struct history *from);

/* The items of a user, ascending; *n is their number. Borrowed. */
const uint32_t *history_items(const struct history *h, uint32_t user, uint32_t *n);

/* Does the user have the item? Binary search. */
bool history_has(const struct history *h, uint32_t user, uint32_t item);

/* Items of all users. */
uint64_t history_size(const struct history *h);

#endif
