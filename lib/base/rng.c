#include "base/rng.h"

#include "base/processor.h"
#include "base/real.h"

#include <math.h>

/* Philox4x32-10 of LANES counters side by side, each number in the low half of its lane. */
enum { LANES = 8, ROUNDS = 10 };
typedef uint64_t lanes __attribute__((vector_size(8 * LANES)));

struct counters {
	uint64_t index;
	uint32_t epoch, purpose, key[2];
};

static inline __attribute__((always_inline)) void philox_lanes_inline(
	const struct counters *c, uint32_t *out)
{
	const lanes low = (lanes){ 0 } + UINT32_MAX;
	const lanes index = (lanes){ 0, 1, 2, 3, 4, 5, 6, 7 } + c->index;
	lanes x[4] = { index & low, index >> 32, (lanes){ 0 } + c->epoch,
		(lanes){ 0 } + c->purpose };
	uint32_t key[2] = { c->key[0], c->key[1] };

	for (unsigned r = 0; r < ROUNDS; r++) {
		const lanes a = x[0] * PHILOX_M4x32_0, b = x[2] * PHILOX_M4x32_1;

		x[0] = (b >> 32) ^ x[1] ^ key[0];
		x[1] = b & low;
		x[2] = (a >> 32) ^ x[3] ^ key[1];
		x[3] = a & low;
		key[0] += PHILOX_W32_0;
		key[1] += PHILOX_W32_1;
	}
	for (unsigned k = 0; k < LANES; k++)
		for (unsigned j = 0; j < 4; j++)
			out[4 * k + j] = (uint32_t)x[j][k];
}

PROCESSOR_LEVELS(void, philox_lanes, (const struct counters *c, uint32_t *out), (c, out))

void rng_first_blocks(uint64_t seed, enum rng_purpose purpose, uint32_t epoch, uint64_t index,
	size_t n, uint32_t *out)
{
	struct counters c = { index, epoch, (uint32_t)purpose << 24,
		{ (uint32_t)seed, (uint32_t)(seed >> 32) } };
	size_t k = 0;

	for (; k + LANES <= n; k += LANES, c.index += LANES)
		philox_lanes(&c, out + 4 * k);
	for (; k < n; k++) {
		struct rng r;

		rng_start(&r, seed, purpose, epoch, index + k);
		rng_block(&r, out + 4 * k);
	}
}

void rng_extend(struct rng *r)
{
	if (r->block > (1u << 24) - (1u << 16))
		rng_start(r, r->seed, r->purpose, r->epoch + (1u << 16), r->index);
}

double rng_real(struct rng *r)
{
	return (double)(rng_u64(r) >> 11) * 0x1p-53;
}

double rng_normal(struct rng *r)
{
	double radius = sqrt(-2 * real_log(1 - rng_real(r))); // 1 - [0, 1) is never 0

	return radius * real_cos_turns(rng_real(r));
}
