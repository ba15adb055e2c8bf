/*
 * item_knn: item-based nearest neighbours (Sarwar et al. 2001; cosine of binary vectors with
 * shrinkage).
 *
 *   sim(i, j)   = n_ij / (sqrt(n_i n_j) + shrink), rounded to float32; n_i users have item i,
 *                 n_ij have both
 *   N(i)        = the `neighbours` items j != i of greatest sim(i, j) > 0, of equal ones those
 *                 with smaller ids
 *   score(u, i) = sum of sim(i, j) over the items j of user u in N(i), ascending, in double
 *
 * Memory: 8 bytes per interaction, 8 per neighbour (16 during the search), 8 per user, 28 per item,
 * and 12 per item for each thread. Never a square matrix: co-occurrences are counted one item at a
 * time, and only for items with users.
 */
#ifndef ITEM_KNN_H
#define ITEM_KNN_H

#include "rank/scorer.h"

#include <stdint.h>

struct item_knn;
struct pool;
struct rec_reader;

/*
 * Read `train`, interactions, to its verified end and find the neighbours. Reader and pool stay the
 * caller's; the pool is used until item_knn_free.
 */
struct item_knn *item_knn_new(
	struct rec_reader *train, uint32_t neighbours, double shrink, struct pool *pool);
void item_knn_free(struct item_knn *m);

/* Its users and items are those of the train stream. Other users it scores from their items. */
struct scorer item_knn_scorer(struct item_knn *m);

#endif
