/*
 * alias: draws from 0..n-1 by given weights in constant time (Walker 1977, Vose 1991), and exactly
 * from the rest when some numbers must not be drawn.
 *
 * Memory: 16 bytes per number, also while alias_init runs.
 */
#ifndef ALIAS_H
#define ALIAS_H

#include "base/rng.h"

#include <stdint.h>

struct alias_bucket {
	uint32_t threshold; /* a random number below it draws the bucket itself, */
	uint32_t other;	    /* any other draws this one */
};

struct alias {
	uint32_t n;
	struct alias_bucket *bucket;
	uint64_t *
		before; /* n + 1: sum of the scaled weights of 0..i-1; before[n] is close to 2^62 */
};

/*
 * Weights (n) are finite and >= 0, at least one above 0; weight 0 is never drawn. Weights are
 * rounded to 2^-62 of their sum, probabilities of alias_pick to 2^-32 of 1 / n. alias_init takes
 * the array over and frees it.
 */
void alias_init(struct alias *a, uint32_t n, double *weight);
void alias_release(struct alias *a);

/* The draw that results from a bucket and a number in 0..2^32-1, both uniform. */
static inline ON_GPU uint32_t alias_pick(const struct alias *a, uint32_t bucket, uint32_t number)
{
	const struct alias_bucket *b = &a->bucket[bucket];

	return number < b->threshold ? bucket : b->other;
}

/* The scaled weight of i. */
static inline ON_GPU uint64_t alias_weight(const struct alias *a, uint32_t i)
{
	return a->before[i + 1] - a->before[i];
}

/* Scaled weight of all numbers except `excluded` (num_excluded), ascending and distinct. */
static inline ON_GPU uint64_t alias_rest_weight(
	const struct alias *a, const uint32_t *excluded, uint32_t num_excluded)
{
	uint64_t rest = a->before[a->n];

	for (uint32_t k = 0; k < num_excluded; k++)
		rest -= alias_weight(a, excluded[k]);
	return rest;
}

/* The number whose weight covers point t of the line: the last i with before[i] <= t. */
static inline ON_GPU uint32_t alias_covering(const struct alias *a, uint64_t t)
{
	uint32_t low = 0, high = a->n;

	while (high - low > 1) {
		const uint32_t middle = low + (high - low) / 2;

		if (a->before[middle] <= t)
			low = middle;
		else
			high = middle;
	}
	return low;
}

/* Draw from all numbers except those, by weight; alias_rest_weight must be above 0. */
static inline ON_GPU uint32_t alias_draw_rest(
	const struct alias *a, const uint32_t *excluded, uint32_t num_excluded, struct rng *r)
{
	uint64_t t = rng_below64(r, alias_rest_weight(a, excluded, num_excluded));

	for (uint32_t k = 0; k < num_excluded && a->before[excluded[k]] <= t; k++)
		t += alias_weight(a, excluded[k]); // step over it
	return alias_covering(a, t);
}

#endif
