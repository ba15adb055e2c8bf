/*
 * rng: counter-based random numbers, Philox4x32-10 (Salmon et al. 2011) from Random123.
 *
 * A draw depends on (seed, purpose, epoch, index, number of the draw) and on nothing else, so that
 * threads, buffers and order never change a result.
 */
#ifndef RNG_H
#define RNG_H

#include "base/die.h"
#include "base/on_gpu.h"

#include <stddef.h>
#include <stdint.h>

/* Philox uses no vector intrinsics; their headers are longer than all others that a file includes. */
#ifndef R123_USE_SSE
#define R123_USE_SSE 0
#endif
#ifndef R123_USE_X86INTRIN_H
#define R123_USE_X86INTRIN_H 0
#endif
#ifdef __cplusplus
extern "C++" {
#endif
#include <Random123/philox.h>
#ifdef __cplusplus
}
#endif

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

/* The raw function, which has published test vectors. */
static inline ON_GPU void rng_philox(
	const uint32_t counter[4], const uint32_t key[2], uint32_t out[4])
{
	philox4x32_ctr_t c = { { counter[0], counter[1], counter[2], counter[3] } };
	philox4x32_key_t k = { { key[0], key[1] } };

	c = philox4x32_R(10, c, k);
	for (int i = 0; i < 4; i++)
		out[i] = c.v[i];
}

static inline ON_GPU void rng_start(
	struct rng *r, uint64_t seed, enum rng_purpose purpose, uint32_t epoch, uint64_t index)
{
	r->seed = seed;
	r->index = index;
	r->epoch = epoch;
	r->purpose = purpose;
	r->block = 0;
	r->left = 0;
}

/* The next four numbers at once; only when none of the last four is left. */
static inline ON_GPU void rng_block(struct rng *r, uint32_t out[4])
{
	const uint32_t counter[4] = { (uint32_t)r->index, (uint32_t)(r->index >> 32), r->epoch,
		r->purpose << 24 | r->block };
	const uint32_t key[2] = { (uint32_t)r->seed, (uint32_t)(r->seed >> 32) };

#ifndef __CUDA_ARCH__
	if (r->left || r->block >> 24)
		BUG("block %u of a record, %u numbers left", r->block, r->left);
#endif
	rng_philox(counter, key, out);
	r->block++;
}

/* Number k of a block. No index: a GPU would take it to local memory. */
static inline ON_GPU uint32_t rng_word(const uint32_t block[4], unsigned k)
{
	return k == 0 ? block[0] : k == 1 ? block[1] : k == 2 ? block[2] : block[3];
}

static inline ON_GPU uint32_t rng_u32(struct rng *r)
{
	if (r->left == 0) {
		rng_block(r, r->out);
		r->left = 4;
	}
	r->left--;
	return rng_word(r->out, 3 - r->left);
}

static inline ON_GPU uint64_t rng_u64(struct rng *r)
{
	uint64_t low = rng_u32(r);

	return low | (uint64_t)rng_u32(r) << 32;
}

/* Uniform in 0..n-1, n >= 1, without bias (Lemire 2019). */
static inline ON_GPU uint32_t rng_below(struct rng *r, uint32_t n)
{
	uint64_t product = (uint64_t)rng_u32(r) * n;

	if ((uint32_t)product < n) {
		const uint32_t surplus = -n % n; // 2^32 mod n

		while ((uint32_t)product < surplus)
			product = (uint64_t)rng_u32(r) * n;
	}
	return (uint32_t)(product >> 32);
}

/* The same of 64 bits, by rejection. */
static inline ON_GPU uint64_t rng_below64(struct rng *r, uint64_t n)
{
	const uint64_t surplus = on_gpu_modulo(-n, n); // 2^64 mod n
	uint64_t x;

	do
		x = rng_u64(r);
	while (x < surplus);
	return on_gpu_modulo(x, n);
}

/* The first four numbers of n records, index, index + 1 ..., side by side. */
void rng_first_blocks(uint64_t seed, enum rng_purpose purpose, uint32_t epoch, uint64_t index,
	size_t n, uint32_t *out);

/* A record that draws until something happens calls this at least once every 2^16 blocks: where its
   numbers run out, it goes on with those of epoch + 2^16. */
void rng_extend(struct rng *r);

/* Uniform in [0, 1), 53 bits. */
double rng_real(struct rng *r);

/* N(0, 1) (Box & Muller 1958), the same on every machine (real.h); takes four numbers. */
double rng_normal(struct rng *r);

/* The first rng_normal of each of n records, from `index` on: a tenth of the time (rng_normals.c). */
void rng_normals(uint64_t seed, enum rng_purpose purpose, uint32_t epoch, uint64_t index, size_t n,
	double *out);

#endif
