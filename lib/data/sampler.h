/*
 * sampler: negatives for users: items outside their excluded list, uniform or by weight.
 *
 * A draw with replacement takes an item from all and looks whether it is excluded to the user; after
 * a few misses it picks exactly among the open ones, so that it ends for users with nearly all
 * items excluded, and its distribution is the same either way. It depends on (seed, epoch, record)
 * and the user's list only.
 *
 * Memory: filter_bits bits a excluded item; with weights 16 bytes an item.
 */
#ifndef SAMPLER_H
#define SAMPLER_H

#include "data/user_items.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sampler;

/*
 * `excluded` is finished, without duplicates, and borrowed. `weight`: NULL for uniform, else one a
 * item, >= 0, handed over; items of weight 0 are never drawn. `filter_bits` bits a excluded item (0:
 * no filter) answer most questions for membership without a search; they change the speed only.
 */
struct sampler *sampler_new(
	const struct user_items *excluded, double *weight, unsigned filter_bits, uint64_t seed);
void sampler_free(struct sampler *s);

/* Is there an item that can be drawn for the user? */
bool sampler_can_draw(const struct sampler *s, uint32_t user);

/* Draw with replacement for records first .. first + n - 1 of an
   epoch: item[k] for user[k], each of whom can be drawn for. */
void sampler_draw(const struct sampler *s, uint32_t epoch, uint64_t first, size_t n,
	const uint32_t *user, uint32_t *item);

/*
 * Draw `wanted` different items for the user, in order of the draw, each by the weights of those
 * not yet drawn. Where fewer can be drawn all are given, ascending. `out` has room for the lesser
 * of wanted and num_items. Returns how many. Takes 1 bit an item more; not for several threads at
 * once.
 */
uint32_t sampler_distinct(struct sampler *s, uint32_t user, uint64_t wanted, uint32_t *out);

#endif
