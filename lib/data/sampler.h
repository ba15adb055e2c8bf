/*
 * sampler: draws negatives for users: items that are not excluded for them, uniformly or by weight.
 *
 * A draw with replacement picks from all items and checks whether the user may have it; after a few
 * misses it picks exactly among the items that are left, so that it also ends for a user for whom
 * nearly everything is excluded. The distribution is the same either way. A draw depends on (seed,
 * epoch, record) and the user's excluded items only.
 *
 * Memory: filter_bits per excluded item; with weights, 16 bytes per item.
 */
#ifndef SAMPLER_H
#define SAMPLER_H

#include "base/draw.h"
#include "data/user_items.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sampler;

/*
 * `excluded` is finished, without duplicates, and borrowed. `weight` is NULL for uniform draws,
 * else (num_items), >= 0, and handed over; items of weight 0 are never drawn. A filter of
 * `filter_bits` per excluded item (0: none) answers most membership tests without a search; it
 * affects speed only; the threads of the pool make it.
 */
struct pool;
struct sampler *sampler_new(const struct user_items *excluded, double *weight, unsigned filter_bits,
	uint64_t seed, struct pool *pool);
void sampler_free(struct sampler *s);

/* Is there an item that can be drawn for the user? */
bool sampler_can_draw(const struct sampler *s, uint32_t user);

/* What it draws from, by draw.h: draw_one() gives each draw of sampler_draw() by itself. Its arrays
   are the sampler's. */
struct draw_from sampler_from(const struct sampler *s);

/* Draw item[k] for user[k], with replacement, for records first .. first + n - 1 of an epoch. Every
   user[k] must satisfy sampler_can_draw(). */
void sampler_draw(const struct sampler *s, uint32_t epoch, uint64_t first, size_t n,
	const uint32_t *user, uint32_t *item);

/*
 * The same of up to SAMPLER_DRAWS records, for who has other work besides: what is called for from
 * memory takes some hundred nanoseconds to come, and a processor waits for few lines at a time.
 *
 * Begin n records; call for and then test records from .. to - 1 of them, SAMPLER_STEP at a time; in
 * the end settle. item[k] is a draw only then; user[k] is needed from sampler_call on.
 */
enum { SAMPLER_DRAWS = 512, SAMPLER_STEP = 32 };
struct sampler_draws {
	const struct sampler *sampler;
	uint32_t epoch;
	uint64_t first;
	const uint32_t *user;
	uint32_t *item;
	size_t num_doubtful;
	uint16_t doubtful[SAMPLER_DRAWS + 1]; /* records that the filter does not let pass */
	uint64_t bit[SAMPLER_DRAWS];	      /* of the filter */
	unsigned char again[SAMPLER_DRAWS];   /* a biased draw */
};
void sampler_begin(struct sampler_draws *d, const struct sampler *s, uint32_t epoch, uint64_t first,
	size_t n, const uint32_t *user, uint32_t *item);
void sampler_call(struct sampler_draws *d, size_t from, size_t to);
void sampler_test(struct sampler_draws *d, size_t from, size_t to);
void sampler_settle(struct sampler_draws *d);

/*
 * Draw `wanted` distinct items for the user, in the order of the draws, each by the weights of
 * those not drawn yet; if no more than that can be drawn, all of them, ascending. Returns how many
 * it wrote to `out`, which has room for the smaller of wanted and num_items. Takes one more bit per
 * item; not thread-safe.
 */
uint32_t sampler_distinct(struct sampler *s, uint32_t user, uint64_t wanted, uint32_t *out);

#endif
