#include "base/rng.h"

#include "base/real.h"

#include <math.h>

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
