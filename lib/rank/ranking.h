/*
 * ranking: the place of a score among the scores of one user's candidates, and the best of them.
 *
 * A row holds the score of each candidate, items ascending. -inf means no candidate: it is never
 * above, tied with or better than anything. Comparison is that of float32: -0 equals 0. NaN has no
 * place here: rank_bad_score finds it first.
 */
#ifndef RANKING_H
#define RANKING_H

#include <stddef.h>
#include <stdint.h>

struct rank_place {
	uint32_t above, ties, ties_before; /* as in struct rank, record.h */
};

/*
 * What to rank in rows of scores. Row k has the places of `removed` from removed_start[k] up to
 * removed_start[k + 1], which are no candidates, and those of `wanted`, whose rank is asked for.
 */
struct rank_lists {
	const uint32_t *removed_start, *removed;
	const uint32_t *wanted_start, *wanted;
};

/* The place of score[at], which is finite, among score[0..n-1]. One pass, without branches. */
struct rank_place rank_place(const float *score, size_t n, size_t at);

/* Index of the first score that is not finite, n if there is none. */
size_t rank_bad_score(const float *score, size_t n);

/*
 * Indices of the k best of n scores, best first, of equal ones the smaller index first. Returns how
 * many: fewer than k where the row has fewer candidates. Room for k in `best`.
 */
size_t rank_top(const float *score, size_t n, size_t k, uint32_t *best);

#endif
