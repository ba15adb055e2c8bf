/*
 * candidates: one user's list of candidates, as read from a stream: items with a label (above 0: a
 * positive) and a score. An item whose score is -inf is no candidate, and a positive is missed then.
 */
#ifndef CANDIDATES_H
#define CANDIDATES_H

#include "stream/record.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct candidates {
	size_t num, capacity;
	uint32_t *item;
	float *label, *score;
	bool unordered;	 /* items did not come in ascending order */
	uint32_t *place; /* of a finished, unordered list: where each row was in order of arrival */
	uint64_t *keys;	 /* scratch for sorting */
	float *scratch;	 /* two floats per row */
};

/* Problems found while deduplicating, summed over lists. */
struct candidates_report {
	uint64_t repeats; /* rows dropped because their item was listed already */
	uint64_t mixed;	  /* users with a positive among their own negatives */
};

void candidates_init(struct candidates *c);
void candidates_release(struct candidates *c);

/* Empty the list. */
void candidates_clear(struct candidates *c);

/* Add n rows, all of one user. */
void candidates_add(struct candidates *c, const struct score *rows, size_t n);

/*
 * Sort by item and keep one row per item: the greatest label, the first place that has it. Returns
 * false with *item set when an item is listed with two scores.
 */
bool candidates_finish(struct candidates *c, struct candidates_report *report, uint32_t *item);

/* Another order of candidates of equal score than the smaller id first: is item a before item b? */
struct tie_order {
	bool (*before)(void *arg, uint32_t a, uint32_t b);
	void *arg;
};

/* Where row k of a finished list was in order of arrival. */
size_t candidates_place(const struct candidates *c, size_t k);

/*
 * The rank rows of the positives of a finished list of n, in item order, into `out`, which has room
 * for one per positive. Returns their number.
 */
size_t candidates_ranks(uint32_t user, const uint32_t *item, const float *label, const float *score,
	size_t n, struct rank *out);

/* Count ties_before of n rank rows, of the positives of the same list, by another order, and bring
   them into the order (above, ties_before). */
void candidates_reorder(
	const struct candidates *c, const struct tie_order *order, struct rank *rows, size_t n);

#endif
