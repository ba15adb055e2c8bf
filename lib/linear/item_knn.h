/*
 * item_knn: item-based nearest neighbours (Sarwar et al. 2001). n_i users have item i, n_ij have
 * both i and j, n_u is the number of items of user u.
 *
 *   cosine    sim(i, j) = n_ij / (sqrt(n_i n_j) + shrink), of binary vectors, with shrinkage
 *   jaccard   sim(i, j) = n_ij / (n_i + n_j - n_ij + shrink)
 *   rp3beta   sim(i, j) = (sum of n_u^-alpha over the users u with both) n_j^-alpha n_i^-beta: how
 *             likely a walk is that goes from j to one of its users and on to i, each step drawn
 *             with its probability to the power alpha, i weighted by n_i^-beta (Paudel et al. 2017,
 *             "Updatable, Accurate, Diverse, and Scalable Recommendations for Interactive
 *             Applications"; P3alpha, Cooper et al. 2014, is beta 0)
 *
 * rounded to float32. N(i), from which item i is scored, holds
 *
 *   cosine, jaccard   the `neighbours` items j != i of greatest sim(i, j) > 0
 *   rp3beta           the items j for which i is among the `neighbours` items of greatest
 *                     sim(i, j) > 0: each item a walk may begin with keeps its most likely ends
 *
 * of equal ones those with smaller ids, and
 *
 *   score(u, i) = sum of sim(i, j) over the items j of user u in N(i), ascending, in double
 *
 * Centered (cosine, jaccard), where m_i is the share that n_i has in the users with items, of the
 * columns of zeros and ones less their means (Desrosiers and Karypis 2011, "A Comprehensive Survey
 * of Neighborhood-based Recommendation Methods", item mean-centering):
 *
 *   score(u, i) = b_i + sum of w(i, j) over the items j of user u in N(i)
 *   w(i, j) = sim(i, j) / sum of sim(i, j') over j' in N(i)
 *   b_i = m_i - sum of w(i, j) m_j over N(i)
 *
 * with w and b rounded to float32. An item without users has score 0.
 *
 * Memory: 8 bytes per interaction during the search, then 1 or 2 (packed_items.h); 8 per neighbour
 * (16 during the search), 8 per user, 28 per item (32 centered), and 24 per item for each thread;
 * rp3beta 8 more per user and 16 per item. Never a square matrix: the pairs of one item are counted
 * at a time, and only for items with users.
 */
#ifndef ITEM_KNN_H
#define ITEM_KNN_H

#include "rank/scorer.h"

#include <stdbool.h>
#include <stdint.h>

struct item_knn;
struct item_weights;
struct js;
struct pool;
struct rec_header;
struct rec_reader;
struct stream_out;

#define ITEM_KNN_METHOD "knn-score" /* of item_weights.h */

enum item_similarity { SIMILARITY_COSINE, SIMILARITY_JACCARD, SIMILARITY_RP3BETA };

/* Names of the above in their order, NULL-terminated. */
extern const char *const item_similarity_names[];

struct item_knn_config {
	enum item_similarity similarity;
	uint32_t neighbours;
	double shrink;	    /* of cosine and jaccard */
	bool center;	    /* the same */
	double alpha, beta; /* of rp3beta */
};

/*
 * Read `train`, interactions, to its verified end and find the neighbours. Reader and pool stay the
 * caller's; the pool is used until item_knn_free.
 */
struct item_knn *item_knn_new(
	struct rec_reader *train, const struct item_knn_config *config, struct pool *pool);
void item_knn_free(struct item_knn *m);

/* Write the model, learned from a stream with the header `train`, to `out` (item_weights_save). */
void item_knn_save(const struct item_knn *m, struct stream_out *out, const struct rec_header *train,
	const struct js *provenance);

/*
 * A model that item_knn_save wrote: the same scores, to the bit, for users given by their items; it
 * knows no others. The file, which is the caller's, is read as scores need it until item_knn_free.
 * Memory: the lists of the items of the users scored, and 17 bytes per item (21 centered).
 */
struct item_knn *item_knn_load(struct item_weights *w, struct pool *pool);

/* Its users and items are those of the train stream. Other users it scores from their items. */
struct scorer item_knn_scorer(struct item_knn *m);

#endif
