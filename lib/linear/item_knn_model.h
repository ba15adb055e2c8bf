/* item_knn_model: what the files of item_knn share. */
#ifndef ITEM_KNN_MODEL_H
#define ITEM_KNN_MODEL_H

#include "data/user_items.h"
#include "linear/from_items.h"
#include "linear/item_knn.h"
#include "linear/packed_items.h"

struct item_knn {
	uint32_t num_items;
	struct user_items users;    /* items of each user, until the search has ended */
	struct packed_items packed; /* from then on */
	struct pool *pool;

	/* For each j, the i with j in N(i): items that score more if the user has j */
	uint64_t *start; /* num_items + 1 */
	uint32_t *item;
	float *sim;  /* sim(i, j); centered, w(i, j) */
	float *base; /* centered: b_i, else NULL */

	struct from_items from_items;

	/* of a model of a file, else NULL: the rows of it that were needed are read */
	struct item_weights *weights;
	unsigned char *read; /* bitset of items */
};

/* Make the lists of m, whose users are there, from start on. */
void item_knn_search(struct item_knn *m, const struct item_knn_config *config);

#endif
