/*
 * draw: one number of 0..n-1 that is not in a list, uniformly or by weight, and the same one wherever
 * it is drawn: it depends on (seed, epoch, record) and the list alone.
 *
 * A draw picks from all numbers and looks whether the list has it; after a few misses it picks
 * exactly among those that are left, so that it also ends where nearly all are in the list. The
 * distribution is the same either way.
 */
#ifndef DRAW_H
#define DRAW_H

#include "base/alias.h"
#include "base/on_gpu.h"
#include "base/rng.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct draw_from {
	uint64_t seed;
	uint32_t num;	  /* n */
	uint32_t surplus; /* 2^32 mod n: a product whose low half is below it is biased */
	bool weighted;
	struct alias alias; /* of n numbers, where they are weighted */
};

/* What must not be drawn: ascending, distinct. */
struct draw_list {
	const uint32_t *item;
	uint32_t num;
};

enum { DRAW_TRIES = 8 };

/* Does the list have the item? */
static inline ON_GPU bool draw_list_has(struct draw_list l, uint32_t item)
{
	while (l.num > 1) { // if there, it is among the first l.num; no branch to mispredict
		const uint32_t half = l.num / 2;

		l.item += (l.item[half - 1] < item) * half;
		l.num -= half;
	}
	return l.num == 1 && *l.item == item;
}

/* The r-th number, from 0, that is not in the list. */
static inline ON_GPU uint32_t draw_nth_allowed(struct draw_list l, uint32_t r)
{
	uint32_t low = 0, high = l.num; // item[k] - k numbers below item[k] are allowed

	while (low < high) {
		const uint32_t middle = low + (high - low) / 2;

		if (l.item[middle] - middle <= r)
			low = middle + 1;
		else
			high = middle;
	}
	return r + low;
}

/*
 * The first draw of the record hit the list, or was biased: continue with other numbers. may_have
 * (NULL: always) says quickly, for most items, that the list does not have them.
 */
static inline ON_GPU uint32_t draw_again(const struct draw_from *d, uint32_t epoch, uint64_t record,
	struct draw_list l, bool (*may_have)(const void *arg, uint32_t item), const void *arg)
{
	struct rng r;

	rng_start(&r, d->seed, RNG_NEGATIVE_AGAIN, epoch, record);
	for (int k = 0; k < DRAW_TRIES; k++) {
		uint32_t item = rng_below(&r, d->num);

		if (d->weighted)
			item = alias_pick(&d->alias, item, rng_u32(&r));
		if ((may_have && !may_have(arg, item)) || !draw_list_has(l, item))
			return item;
	}
	if (d->weighted)
		return alias_draw_rest(&d->alias, l.item, l.num, &r);
	return draw_nth_allowed(l, rng_below(&r, d->num - l.num));
}

/*
 * The draw of a record: by word `record` of the blocks 0, 1, ... of the epoch, or by two of them
 * with weights. At least one number of positive weight is not in the list.
 */
static inline ON_GPU uint32_t draw_one(
	const struct draw_from *d, uint32_t epoch, uint64_t record, struct draw_list l)
{
	const uint64_t word = d->weighted ? 2 * record : record;
	const unsigned at = word % 4;
	uint32_t out[4], item;
	uint64_t product;
	struct rng r;

	rng_start(&r, d->seed, RNG_NEGATIVE, epoch, word / 4);
	rng_block(&r, out);
	product = (uint64_t)rng_word(out, at) * d->num;
	item = (uint32_t)(product >> 32);
	if (d->weighted)
		item = alias_pick(&d->alias, item, rng_word(out, at + 1));
	if ((uint32_t)product < d->surplus || draw_list_has(l, item))
		return draw_again(d, epoch, record, l, NULL, NULL);
	return item;
}

#endif
