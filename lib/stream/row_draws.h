/*
 * row_draws: what the rows of epochs (negsample.1) are drawn from, and one row of them by its number:
 * the definition, in plain C that a GPU compiles too. lib/data makes the same rows many at a time.
 */
#ifndef ROW_DRAWS_H
#define ROW_DRAWS_H

#include "base/draw.h"
#include "base/on_gpu.h"
#include "base/permute.h"

#include <stdbool.h>
#include <stdint.h>

/* One cache line: the items of some positives, and what tells their users. */
enum { POSITIVES_PER_LINE = 14 };
struct positive_index_line {
	uint32_t before; /* users whose items begin before this line */
	uint32_t begins; /* bit k: item[k] is the first of its user */
	uint32_t item[POSITIVES_PER_LINE];
};

/* All arrays are borrowed. */
struct row_draws {
	bool pointwise;		 /* samples, else triples */
	uint64_t rows_per_epoch; /* of an epoch, at least 1: copies of each positive in turn */
	struct draw_from from;

	uint64_t num_positives;
	uint32_t num_positive_users;
	const uint32_t *user;			/* those with a positive, ascending */
	const struct positive_index_line *line; /* of the positives, by user, then item */

	uint32_t num_users;
	const uint64_t *start; /* user u must not get item[start[u]] .. item[start[u + 1] - 1], */
	const uint32_t *item;  /* which ascend */
};

/* Of a sample, `item` is drawn or the positive; of a triple it is the positive, beside `negative`. */
struct drawn_row {
	uint32_t user, item, negative;
	bool label;
};

/* Bits set in x (Warren, Hacker's Delight, 5-1); compilers recognise it. */
static inline ON_GPU uint32_t row_draws_bits(uint32_t x)
{
	x -= x >> 1 & 0x55555555;
	x = (x & 0x33333333) + (x >> 2 & 0x33333333);
	return ((x + (x >> 4)) & 0x0f0f0f0f) * 0x01010101 >> 24;
}

/* The order of an epoch's rows: row r is made from number permute_at(order, r). */
static inline void row_draws_order(
	uint64_t seed, uint64_t rows_per_epoch, uint32_t epoch, struct permute *order)
{
	struct rng keys;

	rng_start(&keys, seed, RNG_PERMUTE, epoch, 0);
	permute_init(order, rows_per_epoch, &keys);
}

/* Row `row` of an epoch, from 0, whose order is `order`; `place` is that of the row there. */
static inline ON_GPU struct drawn_row row_draws_at(const struct row_draws *d,
	const struct permute *order, struct permute_place place, uint32_t epoch, uint64_t row)
{
	const uint64_t number = permute_from(order, place);
	const uint64_t positive = on_gpu_modulo(number, d->num_positives);
	const struct positive_index_line *line = &d->line[positive / POSITIVES_PER_LINE];
	const unsigned at = positive % POSITIVES_PER_LINE;
	const uint32_t begun = line->before + row_draws_bits(line->begins << (31 - at));
	struct drawn_row r = { d->user[begun - 1], line->item[at], 0, number < d->num_positives };
	const uint64_t first = d->start[r.user];
	const struct draw_list list = { d->item + first, (uint32_t)(d->start[r.user + 1] - first) };

	if (!d->pointwise)
		r.negative = draw_one(&d->from, epoch, row, list);
	else if (!r.label)
		r.item = draw_one(&d->from, epoch, row, list);
	return r;
}

#endif
