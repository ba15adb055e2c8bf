/*
 * fold_in: users that a model was not trained on, given by their items. Their rows of the user
 * tables (gmf_user, mlp_user, user_bias) are fitted, and everything else stays as it is.
 *
 * The rows of a user, side by side, are d values w_k. Over the trained users these have means m_k
 * and variances v_k: what is known of a user before the first item. For a user with n items
 *
 *   w = argmin  n x mean of the loss over examples  +  1/20 x sum over k of (w_k - m_k)^2 / v_k
 *
 * with the loss that the model was trained with, and examples as in training: with bpr and hinge
 * each pairs an item of the user with a drawn one, uniformly, that is none of them; with bce one in
 * 5 is an item of the user and the others are drawn, and the mean counts 5 times. The factor 1/20 is
 * the best of those tried (tests/bench/NOTES.md).
 *
 * With w_k = m_k + sqrt(v_k) z_k, Adam (neumf.h; b2 0.99, rate 0.1 falling to 0) takes 60 steps from
 * z = 0, each with the gradient that the backend gives for 256 new examples.
 *
 * The same items give the same row, to the bit, whoever else is folded in, with any number of
 * threads, and with the cpu backend on every machine: a draw depends on step and example alone, and
 * a batch has 2^k examples, so that its mean is exact. A user without items keeps m: a typical user,
 * whose scores are much like popularity. So does one who has every item.
 */
#ifndef FOLD_IN_H
#define FOLD_IN_H

#include "model/backend.h"
#include "model/model_file.h"
#include "rank/scorer.h"

/* The users of m become those of `users`, each with the means of the trained ones, m_k. Shape and
   params are new. Dies where the machine cannot hold them. */
void fold_in_means(struct model *m, const struct item_lists *users);

/*
 * The same, and those with items are fitted; not of a model trained by ccl, whose examples are
 * groups. `ops` computes, with the pool. Takes some 15,000 rows of training per user, and for the
 * time being another copy of the items' parameters.
 */
void fold_in(struct model *m, const struct item_lists *users, const struct backend_ops *ops,
	struct pool *pool);

#endif
