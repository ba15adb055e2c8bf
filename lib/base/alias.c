#include "base/alias.h"

#include "base/mem.h"

#include <stdbool.h>
#include <stdlib.h>

/*
 * before[i] = sum of the weights of 0..i-1, scaled to whole numbers that add up to n x share. The
 * largest weight takes what rounding leaves over.
 */
static void sum_weights(const double *weight, uint32_t n, uint64_t share, uint64_t *before)
{
	const double total = (double)share * n;
	uint64_t left = share * n;
	double sum = 0;
	uint32_t largest = 0;

	for (uint32_t i = 0; i < n; i++) {
		sum += weight[i];
		largest = weight[i] > weight[largest] ? i : largest;
	}
	before[0] = 0;
	for (uint32_t i = 0; i < n; i++) {
		const uint64_t scaled = (uint64_t)(weight[i] / sum * total);

		left -= scaled;
		before[i + 1] = before[i] + scaled;
	}
	for (uint32_t i = largest; i < n; i++)
		before[i + 1] += left; // modulo 2^64: `left` may be negative
}

static void set_bucket(struct alias *a, uint32_t i, uint64_t own, uint64_t share, uint32_t other)
{
	const double threshold = (double)own / (double)share * 0x1p32;

	a->bucket[i].threshold = threshold < UINT32_MAX ? (uint32_t)threshold : UINT32_MAX;
	a->bucket[i].other = other;
}

static uint32_t next(const struct alias *a, uint32_t i, uint64_t share, bool heavy)
{
	while (i < a->n && (alias_weight(a, i) > share) != heavy)
		i++;
	return i;
}

/*
 * Fill the buckets: the bucket of a light number is topped up from the current heavy number; a
 * heavy number whose rest has become light gets its own bucket, topped up from the next heavy one.
 * Vose's method with two pointers instead of two stacks (Huebschle-Schneider & Sanders 2022,
 * "sweeping").
 */
static void fill_buckets(struct alias *a, uint64_t share)
{
	uint32_t light = next(a, 0, share, false), heavy = next(a, 0, share, true);
	uint64_t rest = heavy < a->n ? alias_weight(a, heavy) : 0;

	while (heavy < a->n) {
		if (rest > share) { // then a bucket is not full yet, so a light number is left
			set_bucket(a, light, alias_weight(a, light), share, heavy);
			rest -= share - alias_weight(a, light);
			light = next(a, light + 1, share, false);
		} else {
			const uint32_t other = next(a, heavy + 1, share, true);

			set_bucket(a, heavy, rest, share, other < a->n ? other : heavy);
			if (other < a->n)
				rest = alias_weight(a, other) - (share - rest);
			heavy = other;
		}
	}
	for (; light < a->n; light = next(a, light + 1, share, false))
		set_bucket(a, light, share, share, light); // its weight is share
}

void alias_init(struct alias *a, uint32_t n, double *weight)
{
	const uint64_t share = (UINT64_C(1) << 62) / n;

	a->n = n;
	a->before = xmalloc((size_t)n + 1, sizeof(*a->before));
	sum_weights(weight, n, share, a->before);
	free(weight);
	a->bucket = xmalloc(n, sizeof(*a->bucket));
	fill_buckets(a, share);
}

void alias_release(struct alias *a)
{
	free(a->bucket);
	free(a->before);
	*a = (struct alias){ 0 };
}
