/*
 * permute: a keyed permutation of 0..n-1 that is computed, not stored.
 *
 * A generalized Feistel network on pairs (x, y) of Z_a x Z_b, whose cycles are walked until the
 * image is below n (Black & Rogaway 2002, "Ciphers with arbitrary finite domains", methods 2 and
 * 3). a and b are close to sqrt(n), and a x b - n < a, so that few images need a second step. A
 * round adds a hash of one half to the other; its keys are Philox numbers. a is even, so that odd
 * permutations occur too. For large n the tests find no structure after 6 rounds (they do after 4);
 * small n, where the walk matters, takes 24.
 */
#ifndef PERMUTE_H
#define PERMUTE_H

#include "base/rng.h"

#include <stddef.h>
#include <stdint.h>

enum { PERMUTE_MAX_ROUNDS = 24 };

struct permute {
	uint64_t n;
	uint32_t a, b; /* index = x b + y, x < a, y < b */
	unsigned rounds;
	uint32_t key[PERMUTE_MAX_ROUNDS];
};

/* The permutation of 0..n-1, 1 <= n <= 2^61, that the next numbers of `keys` select. */
void permute_init(struct permute *p, uint64_t n, struct rng *keys);

/* The image of k < n. */
uint64_t permute_at(const struct permute *p, uint64_t k);

/* out (count): the images of first .. first + count - 1, all below n; much faster than one by one.
   */
void permute_run(const struct permute *p, uint64_t first, size_t count, uint64_t *out);

#endif
