/*
 * permute: a keyed permutation of 0..n-1 that is computed, not stored: a balanced Feistel network
 * on the smallest even number of bits that holds n, its round function Philox, walked along its
 * cycles until the image is below n (Black & Rogaway 2002).
 */
#ifndef PERMUTE_H
#define PERMUTE_H

#include <stdint.h>

struct permute {
	uint64_t n;
	unsigned half_bits;
	uint32_t key[4];
};

/* A permutation of 0..n-1, n >= 1, for (seed, epoch); purpose RNG_PERMUTE. */
void permute_init(struct permute *p, uint64_t n, uint64_t seed, uint32_t epoch);

/* The image of k < n. */
uint64_t permute_at(const struct permute *p, uint64_t k);

#endif
