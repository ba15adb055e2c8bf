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
 * Memory: one matrix of float32, items with users x items with users; beside it 1 or 2 bytes per
 * interaction (packed_items.h), 8 per user, 28 per item, and 12 per item for each thread. Until it is
 * inverted the matrix takes half of that, and so leaves room for the rest: 13 bytes per interaction
 * before pairs are counted, 10 then, and at most 512 floats per item during the inversion.
 */
#ifndef EASE_H
#define EASE_H

#include "rank/scorer.h"

struct ease;
struct item_weights;
struct js;
struct pool;
struct rec_header;
struct rec_reader;
struct stream_out;

#define EASE_METHOD "ease-score" /* of item_weights.h */

/*
 * Read `train`, interactions, to its verified end and compute P. Reader and pool stay the caller's;
 * the pool is used until ease_free. Dies, with the number of bytes, where the matrix exceeds the
 * memory that is available, and where l2 > 0 is too small for float32: a pivot that is not positive,
 * or an estimated error of P above 1 %.
 */
struct ease *ease_new(struct rec_reader *train, double l2, struct pool *pool);
void ease_free(struct ease *m);

/* Write the model, learned from a stream with the header `train`, to `out` (item_weights_save). */
void ease_save(const struct ease *m, struct stream_out *out, const struct rec_header *train,
	const struct js *provenance);

/*
 * A model that ease_save wrote: the same scores, to the bit, for users given by their items; it knows
 * no others. The file, which is the caller's, is read as scores need it until ease_free. Memory: the
 * rows of the items of the users scored, and 24 bytes per item.
 */
struct ease *ease_load(struct item_weights *w, struct pool *pool);

/* Its users and items are those of the train stream. Other users it scores from their items. */
struct scorer ease_scorer(struct ease *m);

#endif
