#include "base/permute.h"

#include "base/die.h"
#include "base/processor.h"

#include <math.h>

enum { LANES = 64, SMALL_N = 1024, ROUNDS = 6 };

void permute_init(struct permute *p, uint64_t n, struct rng *keys)
{
	uint64_t a;

	if (n - 1 >= UINT64_C(1) << 61)
		BUG("a permutation of %llu numbers", (unsigned long long)n);
	a = (uint64_t)ceil(sqrt((double)n));
	a += a % 2;
	p->n = n;
	p->a = (uint32_t)a;
	p->b = (uint32_t)((n + a - 1) / a);
	p->rounds = n < SMALL_N ? PERMUTE_MAX_ROUNDS : ROUNDS;
	for (unsigned r = 0; r < p->rounds; r++)
		p->key[r] = rng_u32(keys);
}

/* Add a hash of each y to its x, modulo `range`: half a round of `lanes` pairs. */
static inline void half_round(uint32_t *restrict x, const uint32_t *restrict y, size_t lanes,
	uint32_t key, uint32_t range)
{
	for (size_t k = 0; k < lanes; k++)
		x[k] = permute_half_round(x[k], y[k], key, range);
}

static inline __attribute__((always_inline)) void encipher(
	const struct permute *p, uint32_t *x, uint32_t *y, size_t lanes)
{
	for (unsigned r = 0; r < p->rounds; r += 2) {
		half_round(x, y, lanes, p->key[r], p->a);
		half_round(y, x, lanes, p->key[r + 1], p->b);
	}
}

static inline __attribute__((always_inline)) void encipher_lanes_inline(
	const struct permute *p, uint32_t *x, uint32_t *y)
{
	encipher(p, x, y, LANES);
}

PROCESSOR_LEVELS(
	void, encipher_lanes, (const struct permute *p, uint32_t *x, uint32_t *y), (p, x, y))

/* The LANES pairs from (x, y) on; those past the last are not asked for. */
static void fill_pairs(const struct permute *p, uint32_t x, uint32_t y, uint32_t *xs, uint32_t *ys)
{
	if (p->b - y >= LANES) {
		for (uint32_t k = 0; k < LANES; k++) {
			xs[k] = x;
			ys[k] = y + k;
		}
		return;
	}
	for (size_t k = 0; k < LANES; k++) {
		xs[k] = x;
		ys[k] = y;
		if (++y == p->b) {
			y = 0;
			x = x + 1 < p->a ? x + 1 : 0;
		}
	}
}

void permute_run(const struct permute *p, uint64_t first, size_t count, uint64_t *out)
{
	for (size_t done = 0; done < count; done += LANES) {
		const size_t lanes = count - done < LANES ? count - done : LANES;
		const uint64_t index = first + done;
		uint32_t xs[LANES], ys[LANES];

		fill_pairs(p, (uint32_t)(index / p->b), (uint32_t)(index % p->b), xs, ys);
		encipher_lanes(p, xs, ys);
		for (size_t k = 0; k < lanes; k++) {
			const uint64_t image = (uint64_t)xs[k] * p->b + ys[k];

			out[done + k] = image < p->n ? image : permute_at(p, image);
		}
	}
}
