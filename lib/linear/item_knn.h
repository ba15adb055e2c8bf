/*
 * knn: item-based nearest neighbours (Sarwar et al. 2001; cosine of binary vectors with shrinkage).
 *
 *   sim(i, j)   = n_ij / (sqrt(n_i n_j) + shrink), rounded to float32, where n_i users have item i and
 *                 n_ij have both
 *   N(i)        = the `neighbours` items j != i of greatest sim(i, j) > 0, of equal ones the smaller ids
 *   score(u, i) = sum of sim(i, j) over the items j of user u in N(i), ascending, in double
 *
 * Memory: 8 bytes an interaction, 8 a neighbour (16 while they are found), 8 a user, 28 an item, and
 * 12 an item for each thread. Never a square matrix: co-occurrences are counted one item at a time.
 */
#ifndef ITEM_KNN_H
#define ITEM_KNN_H

#include <stddef.h>
#include <stdint.h>

struct item_knn;
struct pool;

/* Find the neighbours in a file of interaction records. The pool is used, and stays the caller's. */
struct item_knn *item_knn_new(
	const char *path, uint32_t neighbours, double shrink, struct pool *pool);
void item_knn_free(struct item_knn *m);

/* Bounds of the file. */
uint32_t item_knn_num_users(const struct item_knn *m);
uint32_t item_knn_num_items(const struct item_knn *m);

/* As in score_options.h. */
void item_knn_score_pairs(
	struct item_knn *m, size_t n, const uint32_t *user, const uint32_t *item, float *score);
void item_knn_score_block(struct item_knn *m, size_t n, const uint32_t *user, uint32_t first,
	uint32_t end, float *score);

#endif
