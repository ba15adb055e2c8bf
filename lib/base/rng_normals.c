/* rng_normals: the numbers of many records side by side, in the lanes of the widest vectors. */
#include "base/processor.h"
#include "base/real.h"
#include "base/rng.h"

#include <math.h>
#include <string.h>

enum { LANES = 64, ROUNDS = 10 };

/* A block of four numbers for each lane. */
struct blocks {
	uint32_t x[4][LANES];
};

/* Philox4x32-10, as rng_philox: counters to numbers. */
static inline __attribute__((always_inline)) void philox(
	struct blocks *restrict b, uint32_t key0, uint32_t key1)
{
	for (int round = 0; round < ROUNDS; round++) {
		for (int k = 0; k < LANES; k++) {
			const uint64_t p = (uint64_t)0xd2511f53 * b->x[0][k];
			const uint64_t q = (uint64_t)0xcd9e8d57 * b->x[2][k];

			b->x[0][k] = (uint32_t)(q >> 32) ^ b->x[1][k] ^ key0;
			b->x[2][k] = (uint32_t)(p >> 32) ^ b->x[3][k] ^ key1;
			b->x[1][k] = (uint32_t)q;
			b->x[3][k] = (uint32_t)p;
		}
		key0 += 0x9e3779b9;
		key1 += 0xbb67ae85;
	}
}

static inline double unit(uint32_t low, uint32_t high)
{
	return (double)(int64_t)((low | (uint64_t)high << 32) >> 11) * 0x1p-53;
}

/* rng_normal in each lane. */
static inline __attribute__((always_inline)) void normals(
	uint32_t key0, uint32_t key1, struct blocks *restrict b, double *restrict out)
{
	double squares[LANES];

	philox(b, key0, key1);
	for (int k = 0; k < LANES; k++)
		squares[k] = -2 * real_log(1 - unit(b->x[0][k], b->x[1][k]));
	for (int k = 0; k < LANES; k++)
		out[k] = real_cos_turns(unit(b->x[2][k], b->x[3][k]));
	for (int k = 0; k < LANES; k++)
		out[k] *= sqrt(squares[k]);
}

#ifdef __x86_64__
__attribute__((target("arch=x86-64-v3"))) static void normals_v3(
	uint32_t key0, uint32_t key1, struct blocks *b, double *out)
{
	normals(key0, key1, b, out);
}

__attribute__((target("arch=x86-64-v4"))) static void normals_v4(
	uint32_t key0, uint32_t key1, struct blocks *b, double *out)
{
	normals(key0, key1, b, out);
}
#endif

static void normals_here(uint32_t key0, uint32_t key1, struct blocks *b, double *out)
{
#ifdef __x86_64__
	if (processor_level() >= 4) {
		normals_v4(key0, key1, b, out);
		return;
	}
	if (processor_level() >= 3) {
		normals_v3(key0, key1, b, out);
		return;
	}
#endif
	normals(key0, key1, b, out);
}

void rng_normals(uint64_t seed, enum rng_purpose purpose, uint32_t epoch, uint64_t index, size_t n,
	double *out)
{
	for (size_t done = 0; done < n; done += LANES) {
		const size_t lanes = n - done < LANES ? n - done : LANES;
		double all[LANES];
		struct blocks b;

		for (int k = 0; k < LANES; k++) {
			const uint64_t at = index + done + (size_t)k;

			b.x[0][k] = (uint32_t)at;
			b.x[1][k] = (uint32_t)(at >> 32);
			b.x[2][k] = epoch;
			b.x[3][k] = (uint32_t)purpose << 24;
		}
		normals_here((uint32_t)seed, (uint32_t)(seed >> 32), &b, all);
		memcpy(out + done, all, lanes * sizeof(*out));
	}
}
