/*
 * from_items: the scorer of a model that knows a user by their items: what item_knn and ease share.
 * It looks up the items of a user of the train stream, or takes those it is given, and hands them
 * to the model.
 */
#ifndef FROM_ITEMS_H
#define FROM_ITEMS_H

#include "rank/scorer.h"

#include <stddef.h>
#include <stdint.h>

struct packed_items;
struct pool;

struct from_items_model {
	/* Optional: the rows of the n items own[], in any order, will be needed. Called before the
	   two below, by one thread. */
	void (*need)(void *model, const uint32_t *own, size_t n);

	/* Both take the n items own[] of one user, ascending, each once, and must agree to the bit. */

	/* score[i - first] of item i, first <= i < end; sum: scratch of the thread, one per item. */
	void (*score_row)(const void *model, const uint32_t *own, size_t n, uint32_t first,
		uint32_t end, double *sum, float *score);

	/* score[k] of item[k], k < num. */
	void (*score_some)(const void *model, const uint32_t *own, size_t n, const uint32_t *item,
		size_t num, double *sum, float *score);
};

struct from_items {
	const struct from_items_model *ops;
	void *model;
	uint32_t num_items;
	const struct packed_items *users; /* items of each user of the train stream, or NULL */
	struct pool *pool;
	double **sum;	/* per thread */
	uint32_t **own; /* per thread, where there are users: the items of one */
};

/* `model` is the first argument of ops; all is borrowed until from_items_release. `users`: NULL where
   the model knows none. */
void from_items_init(struct from_items *f, const struct from_items_model *ops, void *model,
	uint32_t num_items, const struct packed_items *users, struct pool *pool);
void from_items_release(struct from_items *f);

/* All but score_from_items is for the users of `users`, and is not there where these are NULL. */
struct scorer from_items_scorer(struct from_items *f);

#endif
