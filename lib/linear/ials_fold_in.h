/*
 * ials_fold_in: users that a model of ials-train was not trained on. As the items stay what they
 * are, the row that makes the loss of ials.h least has a closed form, which is what an epoch solves
 * for a user of n items: with h_i the rows of the items, I of them,
 *
 *   w = (sum of h_i h_i' over the user's items + unobserved_weight x sum of h_i h_i' over all
 *        + l2 (n + unobserved_weight I)^l2_exponent x 1)^-1  sum of h_i over the user's items
 *
 * in double, by Cholesky, whatever the number of factors.
 */
#ifndef IALS_FOLD_IN_H
#define IALS_FOLD_IN_H

#include "base/js.h"
#include "linear/ials.h"
#include "rank/scorer.h"

#include <stdbool.h>

/*
 * Was the model with this provenance (NULL: none) made by ials-train? If so, the settings that the
 * solution needs. Dies, naming the file, where it was and they are not there.
 */
bool ials_settings(const char *file, const struct js *provenance, struct ials_config *config);

/*
 * Row u of `user`, (users->num, factors), for each u with items; others are left as they are. `item`
 * is (num_items, factors). Memory: factors^2 doubles for each thread and once more.
 */
void ials_fold_in(const struct ials_config *config, uint32_t num_items, uint32_t factors,
	const float *item, const struct item_lists *users, struct pool *pool, float *user);

#endif
