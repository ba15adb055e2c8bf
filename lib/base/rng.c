#include "base/rng.h"

#include "base/die.h"
#include "base/processor.h"
#include "base/real.h"

#include <math.h>
#include <Random123/philox.h>

void rng_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4])
{
	philox4x32_ctr_t c = { { counter[0], counter[1], counter[2], counter[3] } };
	philox4x32_key_t k = { { key[0], key[1] } };

	c = philox4x32_R(10, c, k);
	for (int i = 0; i < 4; i++)
		out[i] = c.v[i];
}

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

void rng_start(
	struct rng *r, uint64_t seed, enum rng_purpose purpose, uint32_t epoch, uint64_t index)
{
	r->seed = seed;
	r->index = index;
	r->epoch = epoch;
	r->purpose = purpose;
	r->block = 0;
	r->left = 0;
}

void rng_block(struct rng *r, uint32_t out[4])
{
	const uint32_t counter[4] = { (uint32_t)r->index, (uint32_t)(r->index >> 32), r->epoch,
		r->purpose << 24 | r->block };
	const uint32_t key[2] = { (uint32_t)r->seed, (uint32_t)(r->seed >> 32) };

	if (r->left || r->block >> 24)
		BUG("block %u of a record, %u numbers left", r->block, r->left);
	rng_philox(counter, key, out);
	r->block++;
}

void rng_extend(struct rng *r)
{
	if (r->block > (1u << 24) - (1u << 16))
		rng_start(r, r->seed, r->purpose, r->epoch + (1u << 16), r->index);
}

uint32_t rng_u32(struct rng *r)
{
	if (r->left == 0) {
		rng_block(r, r->out);
		r->left = 4;
	}
	return r->out[4 - r->left--];
}

uint64_t rng_u64(struct rng *r)
{
	uint64_t low = rng_u32(r);

	return low | (uint64_t)rng_u32(r) << 32;
}

uint32_t rng_below(struct rng *r, uint32_t n)
{
	uint64_t product = (uint64_t)rng_u32(r) * n;

	if ((uint32_t)product < n) {
		const uint32_t surplus = -n % n; // 2^32 mod n

		while ((uint32_t)product < surplus)
			product = (uint64_t)rng_u32(r) * n;
	}
	return (uint32_t)(product >> 32);
}

uint64_t rng_below64(struct rng *r, uint64_t n)
{
	const uint64_t surplus = -n % n; // 2^64 mod n
	uint64_t x;

	do
		x = rng_u64(r);
	while (x < surplus);
	return x % n;
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
