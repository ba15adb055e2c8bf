/*
 * ranking: the place of a score among the scores of one user's candidates, and the best of them.
 *
 * A row holds scores, items ascending. -inf marks an item that is not a candidate: it is never
 * above, tied with or better than anything. Scores compare as float32: -0 equals 0. A row must not
 * hold NaN: rank_bad_score finds it first.
 */
#ifndef RANKING_H
#define RANKING_H

#include <stddef.h>
#include <stdint.h>

struct rank_place {
	uint32_t above, ties, ties_before; /* as in struct rank, record.h */
};

/*
 * What to rank in rows of scores. In row k, the places removed[removed_start[k]] ..
 * removed[removed_start[k + 1] - 1] are not candidates, and those of `wanted`, given likewise, are
 * the ones whose rank is asked for.
 */
struct rank_lists {
	const uint32_t *removed_start, *removed;
	const uint32_t *wanted_start, *wanted;
};

/* The place of score[at], which is finite, among score[0..n-1]. One pass, no branches. */
struct rank_place rank_place(const float *score, size_t n, size_t at);

/* How many of the scores are candidates'. */
uint32_t rank_candidates(const float *score, size_t n);

/* Index of the first score that is not finite, n if there is none. */
size_t rank_bad_score(const float *score, size_t n);

/*
 * Indices of the k best of n scores into `best`, which has room for k: best first, of equal scores
 * the smaller index first. Returns how many: fewer than k where the row has fewer candidates.
 */
size_t rank_top(const float *score, size_t n, size_t k, uint32_t *best);

#endif
