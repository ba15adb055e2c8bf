/* planted: the draws follow the stated preferences; counts, directions and ratings are as
   documented. */
#include "check.h"
#include "data/planted.h"

#include <math.h>
#include <string.h>

enum { ITEMS = 8, USERS = 40000 };

static struct planted make(double strength, uint64_t ratings)
{
	const struct planted_config c = { .num_users = USERS,
		.num_items = ITEMS,
		.num_ratings = ratings,
		.factors = 3,
		.skew = 2,
		.strength = strength,
		.seed = 4 };
	struct planted w;

	planted_init(&w, &c);
	return w;
}

/*
 * All users get the direction of the first, and two items each. Items x and y together have the
 * probability w_x w_y / W x (1 / (W - w_x) + 1 / (W - w_y)), W the sum of the preferences w; either
 * comes first half the time. 56 ordered pairs, 55 df, critical value 93.17 at p = 0.001.
 */
static void check_pairs(double strength)
{
	struct planted w = make(strength, 2 * USERS);
	struct planted_scratch s;
	double preference[ITEMS], sum = 0, chi2 = 0;
	uint32_t count[ITEMS][ITEMS] = { 0 };

	for (uint32_t u = 1; u < USERS; u++)
		memcpy(w.user + u * 3, w.user, 3 * sizeof(*w.user));
	planted_scratch_init(&s, &w);
	for (uint32_t u = ITEMS; u < USERS; u++) // the first have an item assigned
		if (planted_draw_items(&w, u, &s) == 2)
			count[s.item[0]][s.item[1]]++;
	for (uint32_t i = 0; i < ITEMS; i++) {
		double cosine = 0;

		for (int f = 0; f < 3; f++)
			cosine += (double)w.user[f] * w.item[i * 3 + f];
		sum += preference[i] = exp(w.popularity[i] + strength * cosine);
	}
	for (uint32_t x = 0; x < ITEMS; x++)
		for (uint32_t y = 0; y < ITEMS; y++) {
			const double both = preference[x] * preference[y] / sum *
					    (1 / (sum - preference[x]) + 1 / (sum - preference[y]));
			const double expected = (USERS - ITEMS) * both / 2;

			if (x != y)
				chi2 += (count[x][y] - expected) * (count[x][y] - expected) /
					expected;
			else if (count[x][y])
				chi2 = INFINITY;
		}
	CHECK(chi2 < 93.17, "pairs of items at strength %g: chi-square %.1f < 93.17 (55 df)",
		strength, chi2);
	planted_scratch_release(&s);
	planted_release(&w);
}

/* b = -skew log(10 + rank), each rank once; directions of length 1. */
static void check_world(void)
{
	struct planted w = make(1, 2 * USERS);
	int rank_seen[ITEMS] = { 0 }, bad = 0;
	double longest = 0, mean = 0;

	for (int i = 0; i < ITEMS; i++) {
		const double rank = exp(-w.popularity[i] / 2) - 10;

		bad += fabs(rank - round(rank)) > 1e-9 || rank < -0.5 || rank > ITEMS - 0.5 ||
		       rank_seen[(int)round(rank)]++;
	}
	CHECK(!bad, "popularity ranks are 0..7, each once");
	for (uint32_t u = 0; u < USERS; u++) {
		double square = 0;

		for (int f = 0; f < 3; f++)
			square += (double)w.user[u * 3 + f] * w.user[u * 3 + f];
		longest = fmax(longest, fabs(square - 1));
		mean += w.user[u * 3] / USERS;
	}
	/* a coordinate of a uniform direction in 3 dimensions has variance 1 / 3 */
	CHECK(longest < 1e-6 && fabs(mean) < 4 * sqrt(1.0 / 3 / USERS),
		"directions: length 1 within %.1g, mean %.4f", longest, mean);
	planted_release(&w);
}

/* Counts add up, even where nearly everyone has the most there can be. */
static void check_counts(void)
{
	struct planted_config c = { .num_users = 1000, .num_items = 401, .factors = 2, .seed = 1 };
	const uint64_t low = planted_fewest(&c), high = planted_most(&c);
	const uint64_t ratings[] = { low, low + 1, 20000, high - 1, high };

	CHECK(low == 2000 && high == 100000, "1000 users, 401 items: %d to %d ratings", (int)low,
		(int)high);
	for (int k = 0; k < 5; k++) {
		struct planted w;
		uint64_t least = UINT64_MAX, greatest = 0;

		c.num_ratings = ratings[k];
		planted_init(&w, &c);
		for (uint32_t u = 0; u < c.num_users; u++) {
			const uint64_t n = w.first[u + 1] - w.first[u];

			least = n < least ? n : least;
			greatest = n > greatest ? n : greatest;
		}
		CHECK(w.first[1000] == ratings[k] && least >= 2 && greatest <= 100,
			"%d ratings: %d to %d a user", (int)ratings[k], (int)least, (int)greatest);
		planted_release(&w);
	}
	c.num_items = 5000; // more than 4 x 1000: five assigned to each, yet a quarter is more
	CHECK(planted_fewest(&c) == 5000 && planted_most(&c) == 1250000, "1000 users, 5000 items");
}

/* The mean of many ratings of one pair: 3 + 1.5 cos, where rounding and the bounds hardly bend it. */
static void check_ratings(void)
{
	struct planted w = make(1, 2 * USERS);
	const double expected = 3 + 1.5 * planted_cosine(&w, 0, 0);
	double sum = 0;
	struct rng r;

	w.item[0] *= 0.3f, w.item[1] *= 0.3f, w.item[2] *= 0.3f;
	rng_start(&r, 1, RNG_TEST, 0, 0);
	for (int k = 0; k < 20000; k++)
		sum += planted_draw_rating(&w, 0, 0, &r);
	CHECK(fabs(sum / 20000 - (3 + 0.3 * (expected - 3))) < 0.03,
		"mean rating %.3f, expected %.3f", sum / 20000, 3 + 0.3 * (expected - 3));
	planted_release(&w);
}

int main(void)
{
	check_pairs(0);
	check_pairs(2);
	check_world();
	check_counts();
	check_ratings();
	return CHECK_EXIT;
}
