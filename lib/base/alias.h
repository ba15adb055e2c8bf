/*
 * alias: draw from 0..n-1 with given weights in constant time (Walker 1977, Vose 1991), and exactly
 * from what is left when some may not be drawn.
 *
 * Memory: 16 bytes per number, also while it is made.
 */
#ifndef ALIAS_H
#define ALIAS_H

#include "base/rng.h"

#include <stdint.h>

struct alias_bucket {
	uint32_t threshold; /* a number below it keeps the bucket, */
	uint32_t other;	    /* any other draws this */
};

struct alias {
	uint32_t n;
	struct alias_bucket *bucket;
	uint64_t *before; /* n + 1: sums of the weights of 0..i-1, scaled: before[n] is near 2^62 */
};

/*
 * Weights (n) are finite and >= 0, at least one above 0; weight 0 is never drawn. Weights are
 * rounded to 2^-62 of their sum, probabilities of alias_pick to 2^-32 of 1 / n. alias_init takes
 * the array over and frees it.
 */
void alias_init(struct alias *a, uint32_t n, double *weight);
void alias_release(struct alias *a);

/* The draw that a bucket and a number in 0..2^32-1, both uniform, make. */
static inline uint32_t alias_pick(const struct alias *a, uint32_t bucket, uint32_t number)
{
	const struct alias_bucket *b = &a->bucket[bucket];

	return number < b->threshold ? bucket : b->other;
}

/* The scaled weight of i. */
static inline uint64_t alias_weight(const struct alias *a, uint32_t i)
{
	return a->before[i + 1] - a->before[i];
}

/* Scaled weight of all numbers but the `num_excluded` ascending, different ones in `excluded`. */
uint64_t alias_rest_weight(const struct alias *a, const uint32_t *excluded, uint32_t num_excluded);

/* Draw from all but those, by their weights; alias_rest_weight must be above 0. */
uint32_t alias_draw_rest(
	const struct alias *a, const uint32_t *excluded, uint32_t num_excluded, struct rng *r);

#endif
