#include "base/rng.h"

#include "base/die.h"
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
