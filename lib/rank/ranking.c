#include "rank/ranking.h"

#include "base/processor.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>

/*
 * Lanes of a counting loop: an inner loop of constant length over arrays of counters, which
 * compilers turn into vector compares and subtractions. Counters are as wide as a float, so that
 * the mask of a compare is the number to subtract.
 */
enum { LANES = 32 };

struct count {
	uint32_t above, equal;
};

static inline __attribute__((always_inline)) struct count count_inline(
	const float *score, size_t n, float s)
{
	uint32_t above[LANES] = { 0 }, equal[LANES] = { 0 };
	struct count c = { 0, 0 };
	size_t k = 0;

	for (; k + LANES <= n; k += LANES) {
		for (unsigned j = 0; j < LANES; j++) {
			above[j] += score[k + j] > s;
			equal[j] += score[k + j] == s;
		}
	}
	for (unsigned j = 0; j < LANES; j++) {
		c.above += above[j];
		c.equal += equal[j];
	}
	for (; k < n; k++) {
		c.above += score[k] > s;
		c.equal += score[k] == s;
	}
	return c;
}

PROCESSOR_LEVELS(struct count, count, (const float *score, size_t n, float s), (score, n, s))

struct rank_place rank_place(const float *score, size_t n, size_t at)
{
	struct count before = count(score, at, score[at]);
	struct count after = count(score + at + 1, n - at - 1, score[at]);

	return (struct rank_place){ before.above + after.above, before.equal + after.equal,
		before.equal };
}

uint32_t rank_candidates(const float *score, size_t n)
{
	return count(score, n, -INFINITY).above;
}

/* How many of the scores are finite, in as many pieces of LANES as there are. */
static inline __attribute__((always_inline)) size_t count_finite_inline(
	const float *score, size_t n)
{
	uint32_t good[LANES] = { 0 }, num_good = 0;

	for (size_t k = 0; k + LANES <= n; k += LANES)
		for (unsigned j = 0; j < LANES; j++)
			good[j] += fabsf(score[k + j]) <= FLT_MAX;
	for (unsigned j = 0; j < LANES; j++)
		num_good += good[j];
	return num_good;
}

PROCESSOR_LEVELS(size_t, count_finite, (const float *score, size_t n), (score, n))

size_t rank_bad_score(const float *score, size_t n)
{
	size_t k = n / LANES * LANES;

	if (count_finite(score, n) < k)
		k = 0; /* one of them is bad: find it */
	while (k < n && isfinite(score[k]))
		k++;
	return k;
}

/* Is candidate a worse than candidate b? */
static bool worse(const float *score, uint32_t a, uint32_t b)
{
	return score[a] != score[b] ? score[a] < score[b] : a > b;
}

/* Restore the heap, which has the worst candidate at its root, from place k down. */
static void sift_down(const float *score, uint32_t *heap, size_t n, size_t k)
{
	uint32_t moving = heap[k];

	for (size_t child; (child = 2 * k + 1) < n; k = child) {
		if (child + 1 < n && worse(score, heap[child + 1], heap[child]))
			child++;
		if (!worse(score, heap[child], moving))
			break;
		heap[k] = heap[child];
	}
	heap[k] = moving;
}

size_t rank_top(const float *score, size_t n, size_t k, uint32_t *best)
{
	size_t num = 0, i = 0;

	if (k == 0)
		return 0;
	for (; i < n && num < k; i++)
		if (score[i] > -INFINITY)
			best[num++] = (uint32_t)i;
	for (size_t j = num / 2; j-- > 0;)
		sift_down(score, best, num, j);
	for (; i < n; i++) {
		if (score[i] > score[best[0]]) { /* an equal one is worse: its index is greater */
			best[0] = (uint32_t)i;
			sift_down(score, best, num, 0);
		}
	}
	for (size_t left = num; left-- > 1;) { /* heap sort: the worst to the end */
		uint32_t last = best[0];

		best[0] = best[left];
		sift_down(score, best, left, 0);
		best[left] = last;
	}
	return num;
}
