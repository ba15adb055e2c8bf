/*
 * ease: a linear model of items from items, in closed form (Steck 2019, "Embarrassingly Shallow
 * Autoencoders for Sparse Data").
 *
 *   G = X'X + l2 I           X: users x items, 1 where the user has the item
 *   P = G^-1
 *   B_ij = -P_ij / P_jj      B_ii = 0
 *   score(u, i) = sum of B_ji over the items j of user u
 *
 * P is float32. Since P is symmetric, a score is the sum of P_ij over the user's other items j,
 * ascending, in double, times -1 / P_ii, and rounded once. An item without users scores 0 and is
 * not in the matrix.
 *
 * Memory: one matrix of float32, items with users x items with users; beside it at most 512 floats
 * per item while it is inverted, 12 bytes per interaction, 16 per user and 28 per item, and 12 per
 * item for each thread.
 */
#ifndef EASE_H
#define EASE_H

#include "rank/scorer.h"

struct ease;
struct pool;
struct rec_reader;

/*
 * Read `train`, interactions, to its verified end and compute P. Reader and pool stay the caller's;
 * the pool is used until ease_free. Dies, with the number of bytes, where the matrix exceeds the
 * memory that is available, and where l2 > 0 is too small for float32: a pivot that is not positive,
 * or an estimated error of P above 1 %.
 */
struct ease *ease_new(struct rec_reader *train, double l2, struct pool *pool);
void ease_free(struct ease *m);

/* Its users and items are those of the train stream. Other users it scores from their items. */
struct scorer ease_scorer(struct ease *m);

#endif
