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

/* A number below `range` from v and a key: multiply, fold, multiply, then scale the high bits. */
static inline ON_GPU uint32_t permute_hash(uint32_t v, uint32_t key, uint32_t range)
{
	v = (v ^ key) * 0x9e3779b1u;
	v = (v ^ v >> 15) * 0x85ebca77u;
	return (uint32_t)((uint64_t)v * range >> 32);
}

/* Half a round of one pair: x < range and a hash of y, added modulo `range`. */
static inline ON_GPU uint32_t permute_half_round(
	uint32_t x, uint32_t y, uint32_t key, uint32_t range)
{
	x += permute_hash(y, key, range);
	return x >= range ? x - range : x;
}

/* Where k < a x b is among the pairs, and the place n after that, n < 2^31. */
struct permute_place {
	uint32_t x, y;
};

static inline struct permute_place permute_place(const struct permute *p, uint64_t k)
{
	const struct permute_place at = { (uint32_t)(k / p->b), (uint32_t)(k % p->b) };

	return at;
}

static inline ON_GPU struct permute_place permute_place_after(
	const struct permute *p, struct permute_place at, uint32_t n)
{
	at.y += n;
	at.x += at.y / p->b;
	at.y %= p->b;
	return at;
}

/* The image of the k < n that is there: its cycle is followed to the next member below n. */
static inline ON_GPU uint64_t permute_from(const struct permute *p, struct permute_place at)
{
	uint64_t k;

	do {
		for (unsigned r = 0; r < p->rounds; r += 2) {
			at.x = permute_half_round(at.x, at.y, p->key[r], p->a);
			at.y = permute_half_round(at.y, at.x, p->key[r + 1], p->b);
		}
		k = (uint64_t)at.x * p->b + at.y;
	} while (k >= p->n);
	return k;
}

/* The image of k < n. */
static inline uint64_t permute_at(const struct permute *p, uint64_t k)
{
	return permute_from(p, permute_place(p, k));
}

/* out (count): the images of first .. first + count - 1, all below n; much faster than one by one.
   */
void permute_run(const struct permute *p, uint64_t first, size_t count, uint64_t *out);

#endif
