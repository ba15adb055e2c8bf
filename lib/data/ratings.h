/*
 * ratings: a table of ratings in memory, in input order, and how it is cleaned before a split.
 *
 * Stored by column, 20 bytes per rating. The latest of several rows is the one with the greatest
 * time, and among equal times the first in the input. Where no row has a time the order of the
 * input takes its place: ratings_order_as_times.
 */
#ifndef RATINGS_H
#define RATINGS_H

#include "stream/record.h"

#include <stddef.h>
#include <stdint.h>

/* Row numbers are u32. */
#define RATINGS_MAX (UINT32_MAX - 1)

struct ratings {
	uint32_t num, num_users, num_items;
	size_t capacity;
	uint32_t *user, *item; /* below num_users and num_items */
	float *rating;
	int64_t *time;
};

/* Make room for one more row. */
void ratings_grow(struct ratings *r);
void ratings_release(struct ratings *r);

/* Append one row. Its ids must be below the bounds by the time any function below is called. */
static inline void ratings_add(struct ratings *r, const struct rating *row)
{
	if (r->num == r->capacity)
		ratings_grow(r);
	r->user[r->num] = row->user;
	r->item[r->num] = row->item;
	r->rating[r->num] = row->rating;
	r->time[r->num] = row->time;
	r->num++;
}

/* Row k < num. */
static inline struct rating ratings_row(const struct ratings *r, uint32_t k)
{
	return (struct rating){ r->user[k], r->item[k], r->rating[k], r->time[k] };
}

/* What becomes of the rows of one user and item: one of them stays, in its place. */
enum duplicates {
	DUPLICATES_LATEST, /* the latest */
	DUPLICATES_FIRST,  /* the first in the input */
	DUPLICATES_SUM,	   /* the latest, with the sum of their ratings, added as doubles */
	DUPLICATES_MAX,	   /* the latest, with the greatest of their ratings */
	DUPLICATES_ERROR   /* nobody decides */
};
extern const char *const duplicates_names[]; /* NULL-terminated */

/* What ratings_merge did. */
struct merged {
	uint32_t dropped;
	/* what makes the table no good, unless first == second: two rows of one user and item, of
	   DUPLICATES_ERROR, or of a sum that is no finite float */
	uint32_t first, second;
	uint32_t user, item;
};

/*
 * Merge the rows of each (user, item). Takes 4 bytes per rating, user and item during the call, and
 * for a sum 8 more per rating.
 */
struct merged ratings_merge(struct ratings *r, enum duplicates how);

/* Make each row's time its number: for a table without times, whose last row is then the latest. */
void ratings_order_as_times(struct ratings *r);

/*
 * Drop the rows of users with fewer than min_user rows and of items with fewer than min_item rows,
 * repeatedly, until no such user or item is left (the k-core of Seidman 1983, on the graph of users
 * and items); returns how many rows were dropped. Takes 4 bytes per user and item during the call.
 */
uint32_t ratings_core(struct ratings *r, uint32_t min_user, uint32_t min_item);

/* The number of rows of each user (num_users) or item (num_items), in a new array. */
uint32_t *ratings_count_users(const struct ratings *r);
uint32_t *ratings_count_items(const struct ratings *r);

/* Renumber users or items: id k becomes new_id[k], which is below num. */
void ratings_number_users(struct ratings *r, const uint32_t *new_id, uint32_t num);
void ratings_number_items(struct ratings *r, const uint32_t *new_id, uint32_t num);

#endif
