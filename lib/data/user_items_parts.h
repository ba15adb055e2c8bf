/* user_items_parts: what the files of user_items share; users include user_items.h. */
#ifndef USER_ITEMS_PARTS_H
#define USER_ITEMS_PARTS_H

#include "data/user_items.h"

#include <stdatomic.h>

/* Add n rows of a stream, which begin with user and item, to those not yet in the matrix. */
void user_items_pend(struct user_items *m, const unsigned char *rows, size_t n, size_t row_size);

/* Bring a user_items_pending into the matrix `arg`. */
void user_items_merge(void *arg, void *pending);

/* Bring all rows into the matrix. */
void user_items_settle(struct user_items *m);

/* Sorting goes by jobs: job k is users k * job_users .. (k + 1) * job_users - 1. */
struct user_items_sort {
	const struct user_items *m;
	unsigned item_bits; /* of the greatest item */
	uint32_t job_users;
	atomic_bool repeats; /* has a user an item twice? */
};
void user_items_sort_init(struct user_items_sort *s, const struct user_items *m);
void user_items_sort_job(void *sort, size_t job, unsigned thread);

#endif
