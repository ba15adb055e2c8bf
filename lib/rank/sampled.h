/*
 * sampled: the metrics that a list of sampled negatives would give, in expectation over all draws,
 * from ranks among all candidates. No draw is made: the numbers are exact.
 *
 * A user has P positives and N negatives among the candidates. n = min(S P, N) of the negatives are
 * drawn uniformly and without replacement, S for each positive, as negsample --candidates S does,
 * and ranked together with all the positives. Once the order of the tied is fixed, x_j negatives
 * are above positive j = 0, 1, ... Of the drawn ones X are, with
 *
 *     P(X) = C(x_j, X) C(N - x_j, n - X) / C(N, n)       hypergeometric
 *
 * and its position is X + j. A sum over positives needs the P of each alone, so that HR@K is
 * P(X < K) of the first positive, recall@K the mean of P(X + j < K), and NDCG's, MAP's and MRR's
 * sums those of metrics.h with the position's expected share; AUC does not change. (Krichene &
 * Rendle 2020, section 4, with replacement: a binomial instead; Li et al. 2020, section 3, without.)
 *
 * Ties: worst, best and id as in metrics.h. mean is the expectation over the orders of the tied as
 * well: of the s tied negatives, t are before the i-th of m tied positives, i from 1, with
 * probability C(t + i - 1, i - 1) C(s - t + m - i, m - i) / C(s + m, m).
 *
 * How: with A of the drawn above a group and D of its tied negatives drawn, both hypergeometric, the
 * T = D + m candidates of the group in the list follow A, and each of these positions has one of its
 * m positives with m / T, which has b + 1 + t (m - 1) / (T - 1) positives up to it where t positions
 * of the group are before: sums over A and D alone, however many are tied. Only the first positive
 * of m > 1 needs a sum over t.
 *
 * Values of A, D and X of less than 1e-20 times the most probable one are left out (hypergeometric.h).
 */
#ifndef SAMPLED_H
#define SAMPLED_H

#include "rank/metrics.h"

#include <stddef.h>
#include <stdint.h>

struct sampled;

/* S >= 1 negatives for each positive. Memory: 56 bytes per place of a user's list with the negatives
   drawn, down to the last cutoff. */
struct sampled *sampled_new(uint32_t negatives);
void sampled_free(struct sampled *s);

/* As metrics_user, but for the metrics, which are those expected of the sampled list. */
void sampled_user(struct sampled *s, const struct metrics_cutoffs *k, const struct rank *rows,
	size_t n, struct metrics_user *out);

#endif
