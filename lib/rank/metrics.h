/*
 * metrics: what the rank rows of one user say, at several cutoffs, under every tie policy.
 *
 * A user has P distinct positives (one rank row each) and C candidates; n of the positives are
 * among the candidates, the rest lie outside (above = candidates) and are missed at every cutoff.
 * Positives of equal score form a group: a = above, T = ties + 1 candidates, m of them positives.
 * N = C - n negatives.
 *
 * Once the order of tied candidates is fixed, r_1 < ... < r_n are the positions of the positives,
 * from 0. At a cutoff K:
 *   HR         1 if r_1 < K
 *   NDCG       (sum over r_j < K of 1 / log2(r_j + 2))
 *              / (sum over j < min(P, K) of 1 / log2(j + 2))
 *                                                      Järvelin & Kekäläinen 2002, binary gain
 *   MRR        1 / (r_1 + 1) if r_1 < K, else 0        Voorhees 1999
 *   MAP        (sum over r_j < K of j / (r_j + 1)) / min(P, K)
 *   precision  (number of r_j < K) / K
 *   recall     (number of r_j < K) / P
 *   AUC        mean over the P positives of the share of the N negatives below them; a positive
 *              outside has 0. Other positives do not count as negatives. Undefined for N = 0.
 *
 * Tie policies:
 *   worst   in a group the positives come last: positions a + T - m ... a + T - 1
 *   best    they come first: a ... a + m - 1
 *   id      the smaller item id first: a + ties_before
 *   mean    the expected value over all orders of the tied (McSherry & Najork 2008): the positives
 *           of a group are a uniformly random m-subset of its T positions, groups are independent.
 *           With h = the positions of the group below K, and b = the positives of earlier groups:
 *             number of r_j < K   m h / T
 *             NDCG's sum          m / T x sum over t < h of 1 / log2(a + t + 2)
 *                                 (their section 2.6)
 *             MAP's sum           m / T x sum over t < h of
 *                                 (b + 1 + t (m - 1) / (T - 1)) / (a + t + 1):
 *                                 a positive at t has rank b + 1 plus the positives expected among
 *                                 the t before it
 *             HR, MRR             the first group alone decides, since it holds a positive. Its
 *                                 first positive is at t with probability p_t: p_0 = m / T,
 *                                 p_(t+1) = p_t (T - m - t) / (T - 1 - t), which is
 *                                 C(T-1-t, m-1) / C(T, m).
 *                                 MRR = sum over t < h of p_t / (a + t + 1);
 *                                 HR = 1 - product over i < m of (T - h - i) / (T - i)
 *             AUC                 a tied negative counts one half (Mann & Whitney 1947)
 */
#ifndef METRICS_H
#define METRICS_H

#include "stream/record.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum tie_policy { TIES_MEAN, TIES_WORST, TIES_BEST, TIES_ID, NUM_TIE_POLICIES };
enum metric {
	METRIC_HR,
	METRIC_NDCG,
	METRIC_MRR,
	METRIC_MAP,
	METRIC_PRECISION,
	METRIC_RECALL,
	NUM_CUTOFF_METRICS,
	METRIC_AUC = NUM_CUTOFF_METRICS /* without a cutoff */
};

extern const char *const tie_policy_names[], *const metric_names[]; /* NULL-terminated */

enum { METRICS_MAX_CUTOFFS = 16 };

struct metrics_cutoffs {
	uint32_t value[METRICS_MAX_CUTOFFS]; /* each at least 1 */
	unsigned num;
};

/* The values of one user under one policy. */
struct metrics_values {
	double at[METRICS_MAX_CUTOFFS][NUM_CUTOFF_METRICS];
	double auc; /* 0 without negatives */
};

struct metrics_user {
	uint32_t positives, outside, candidates, negatives; /* P, P - n, C, N */
	double tied; /* mean over the n of ties / (C - 1), the share of other candidates tied */
	struct metrics_values by[NUM_TIE_POLICIES];
};

/*
 * Sort one user's rank rows as metrics_user expects them, by (above, item), and drop rows given
 * twice; *n becomes their number. Returns NULL, or what is contradictory about them: candidates
 * that differ, above and ties beyond them, groups that overlap.
 */
const char *metrics_prepare(struct rank *rows, size_t *n);

/* The metrics of one user from n >= 1 prepared rows. */
void metrics_user(const struct metrics_cutoffs *k, const struct rank *rows, size_t n,
	struct metrics_user *out);

#endif
