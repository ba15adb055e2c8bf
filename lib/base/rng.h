/*
 * rng: counter-based random numbers, Philox4x32-10 (Salmon et al. 2011) from Random123.
 *
 * A draw depends on (seed, purpose, epoch, index, number of the draw) and on nothing else, so that
 * threads, buffers and order never change a result.
 */
#ifndef RNG_H
#define RNG_H

#include <stddef.h>
#include <stdint.h>

/* What the numbers are for, which keeps the draws of different uses apart. At most 255. */
enum rng_purpose {
	RNG_NEGATIVE = 1,
	RNG_PERMUTE,
	RNG_CANDIDATE,
	RNG_SPLIT,
	RNG_INIT,
	RNG_PLANTED_USER,
	RNG_PLANTED_ITEM,
	RNG_PLANTED_RATING,
	RNG_NEGATIVE_AGAIN,
	RNG_TEST,
	RNG_BOOTSTRAP,
	RNG_RANDOMIZATION,
	RNG_FOLD_IN
};

/* The draws of one record. */
struct rng {
	uint64_t seed, index;
	uint32_t epoch, purpose;
	uint32_t block; /* blocks of four numbers taken so far, at most 2^24 */
	uint32_t left;	/* numbers of `out` not used yet */
	uint32_t out[4];
};

void rng_start(
	struct rng *r, uint64_t seed, enum rng_purpose purpose, uint32_t epoch, uint64_t index);

/* The next four numbers at once; only when none of the last four is left. */
void rng_block(struct rng *r, uint32_t out[4]);

/* The first four numbers of n records, index, index + 1 ..., side by side. */
void rng_first_blocks(uint64_t seed, enum rng_purpose purpose, uint32_t epoch, uint64_t index,
	size_t n, uint32_t *out);

/* A record that draws until something happens calls this at least once every 2^16 blocks: where its
   numbers run out, it goes on with those of epoch + 2^16. */
void rng_extend(struct rng *r);

uint32_t rng_u32(struct rng *r);
uint64_t rng_u64(struct rng *r);

/* Uniform in 0..n-1, n >= 1, without bias (Lemire 2019). */
uint32_t rng_below(struct rng *r, uint32_t n);
uint64_t rng_below64(struct rng *r, uint64_t n); /* by rejection of 64-bit numbers */

/* Uniform in [0, 1), 53 bits. */
double rng_real(struct rng *r);

/* N(0, 1) (Box & Muller 1958), the same on every machine (real.h); takes four numbers. */
double rng_normal(struct rng *r);

/* The first rng_normal of each of n records, from `index` on: a tenth of the time (rng_normals.c). */
void rng_normals(uint64_t seed, enum rng_purpose purpose, uint32_t epoch, uint64_t index, size_t n,
	double *out);

/* The raw function, for the published test vectors. */
void rng_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]);

#endif
