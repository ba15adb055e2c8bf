/* ranking: places, best lists and the search for bad scores, against plain loops. */
#include "rank/ranking.h"

#include "base/rng.h"
#include "check.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

enum { MOST = 150 };

/* A row of n scores of few values; -0 stands for some zeros, -inf for no candidate. */
static void random_row(struct rng *r, float *score, size_t n)
{
	uint32_t levels = 1 + rng_below(r, 6);

	for (size_t k = 0; k < n; k++) {
		score[k] = (float)rng_below(r, levels) - 2;
		if (score[k] == 0 && rng_below(r, 2))
			score[k] = -0.0f;
		if (rng_below(r, 5) == 0)
			score[k] = -INFINITY;
	}
}

static bool place_is_right(const float *score, size_t n, size_t at)
{
	struct rank_place got = rank_place(score, n, at), want = { 0, 0, 0 };

	for (size_t k = 0; k < n; k++) {
		want.above += score[k] > score[at];
		want.ties += k != at && score[k] == score[at];
		want.ties_before += k < at && score[k] == score[at];
	}
	return got.above == want.above && got.ties == want.ties &&
	       got.ties_before == want.ties_before;
}

/* The best list by repeated search for the best one left. */
static bool top_is_right(const float *score, size_t n, size_t k)
{
	uint32_t got[MOST + 1];
	bool taken[MOST] = { false };
	size_t num = rank_top(score, n, k, got), want = 0;

	for (; want < k; want++) {
		size_t best = n;

		for (size_t i = 0; i < n; i++)
			if (!taken[i] && score[i] > -INFINITY &&
				(best == n || score[i] > score[best]))
				best = i;
		if (best == n)
			break;
		if (want >= num || got[want] != best)
			return false;
		taken[best] = true;
	}
	return num == want;
}

static void test_random(void)
{
	float score[MOST];
	struct rng r;
	unsigned places = 0, tops = 0, rows = 0;

	for (unsigned t = 0; t < 3000; t++) {
		size_t n;

		rng_start(&r, 2, RNG_TEST, 0, t);
		n = 1 + rng_below(&r, MOST);
		random_row(&r, score, n);
		score[rng_below(&r, (uint32_t)n)] = 1;
		for (size_t at = 0; at < n; at++)
			if (score[at] > -INFINITY)
				places += !place_is_right(score, n, at);
		tops += !top_is_right(score, n, rng_below(&r, (uint32_t)n + 2));
		rows++;
	}
	CHECK(places == 0, "places in %u random rows: %u wrong", rows, places);
	CHECK(tops == 0, "best lists of %u random rows: %u wrong", rows, tops);
}

static void test_bad_score(void)
{
	static const float bad[] = { INFINITY, -INFINITY, NAN };
	float score[MOST];
	unsigned wrong = 0;

	for (size_t k = 0; k < MOST; k++)
		score[k] = k % 2 ? 3e38f : -1e-44f;
	CHECK(rank_bad_score(score, MOST) == MOST,
		"finite scores, the largest and the smallest, are good");
	CHECK(rank_bad_score(score, 0) == 0, "no score is bad among none");
	for (unsigned b = 0; b < 3; b++) {
		for (size_t at = 0; at < MOST; at++) {
			float saved = score[at];

			score[at] = bad[b];
			wrong += rank_bad_score(score, MOST) != at;
			score[at] = saved;
		}
	}
	CHECK(wrong == 0, "a bad score is found in every place: %u missed", wrong);
}

static void test_by_hand(void)
{
	const float score[] = { 0.5f, 2, -0.0f, 0, 2, -INFINITY, 0 };
	struct rank_place zero = rank_place(score, 7, 3);
	uint32_t best[7];

	CHECK(zero.above == 3 && zero.ties == 2 && zero.ties_before == 1,
		"-0 equals 0, -inf is nobody");
	CHECK(rank_top(score, 7, 4, best) == 4 && best[0] == 1 && best[1] == 4 && best[2] == 0 &&
			best[3] == 2,
		"best four, ties by index");
	CHECK(rank_top(score, 7, 7, best) == 6 && rank_candidates(score, 7) == 6,
		"-inf is neither listed nor counted");
	CHECK(rank_top(score, 7, 0, best) == 0, "none of none");
}

int main(void)
{
	test_by_hand();
	test_random();
	test_bad_score();
	return CHECK_EXIT;
}
