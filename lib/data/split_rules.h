/* split_rules: what decides the part of a row, for tables in memory (split) and on the disk
   (disk_split). */
#ifndef SPLIT_RULES_H
#define SPLIT_RULES_H

#include "base/rng.h"
#include "data/split.h"

#include <string.h>

#define NO_ROW UINT32_MAX

/* The latest and second latest row of a user, or NO_ROW. */
struct held_out {
	uint32_t row[2];
	int64_t time[2];
};

#define HELD_OUT_NONE ((struct held_out){ .row = { NO_ROW, NO_ROW } })

/* Is a row (of a number, at a time) later than row k of the two? */
static inline bool held_out_is_before(
	const struct held_out *held, int k, uint32_t row, int64_t time)
{
	return held->row[k] == NO_ROW || time > held->time[k] ||
	       (time == held->time[k] && row < held->row[k]);
}

/* Another row of the user, in any order. */
static inline void held_out_take(struct held_out *held, uint32_t row, int64_t time)
{
	if (held_out_is_before(held, 0, row, time)) {
		held->row[1] = held->row[0];
		held->time[1] = held->time[0];
		held->row[0] = row;
		held->time[0] = time;
	} else if (held_out_is_before(held, 1, row, time)) {
		held->row[1] = row;
		held->time[1] = time;
	}
}

/* Rows that a user needs for leave-one-out. */
static inline uint32_t split_least_rows(const struct split_config *c)
{
	return c->valid ? 3 : 2;
}

/* random: one number in [0, 1) per pair of raw ids, so that a row's part does not depend on others.
   */
static inline enum split_part split_random_part(
	const struct split_config *c, uint32_t user, uint32_t item)
{
	double test = c->ratio, valid = c->valid ? 2 * test : test, v;
	struct rng rng;

	rng_start(&rng, c->seed, RNG_SPLIT, 0,
		c->user_hash[user] * UINT64_C(0x9e3779b97f4a7c15) + c->item_hash[item]);
	v = rng_real(&rng);
	return v < test ? PART_TEST : v < valid ? PART_VALID : PART_TRAIN;
}

/* global-time: how many of `num` rows are test, and how many test or valid. */
static inline uint32_t split_test_rows(const struct split_config *c, uint32_t num)
{
	return (uint32_t)(c->ratio * num + 0.5);
}

static inline uint32_t split_held_out_rows(const struct split_config *c, uint32_t num)
{
	uint32_t part = split_test_rows(c, num);

	return !c->valid ? part : num - part < part ? num : 2 * part;
}

/* global-time: the rows later than `time`, and those at `time` with a number below `end`. */
struct cut {
	int64_t time;
	uint32_t end;
};

static inline bool cut_is_before(const struct cut *cut, uint32_t row, int64_t time)
{
	return time > cut->time || (row < cut->end && time == cut->time);
}

static inline enum split_part split_cut_part(
	const struct cut *test, const struct cut *valid, uint32_t row, int64_t time)
{
	return cut_is_before(test, row, time)	 ? PART_TEST
	       : cut_is_before(valid, row, time) ? PART_VALID
						 : PART_TRAIN;
}

enum { SELECT_PASSES = 4, SELECT_DIGITS = 1 << 16 };

/*
 * The n-th greatest of many values, n >= 1, 16 bits in each of SELECT_PASSES passes over all of
 * them: select_start, and in each pass select_count for every value, then select_step.
 */
struct selection {
	uint64_t found;
	int shift;
	uint32_t left;	/* of the n: those equal to the value, once it is found */
	uint32_t *rows; /* SELECT_DIGITS, zeros at the start */
};

#define SELECT_SIGN (UINT64_C(1) << 63) /* makes the unsigned order that of the values */

static inline void select_count(struct selection *s, int64_t value)
{
	uint64_t key = (uint64_t)value ^ SELECT_SIGN;

	if (s->shift == 48 || key >> (s->shift + 16) == s->found)
		s->rows[key >> s->shift & (SELECT_DIGITS - 1)]++;
}

static inline void select_step(struct selection *s)
{
	uint32_t digit = SELECT_DIGITS - 1;

	for (; s->rows[digit] < s->left; digit--)
		s->left -= s->rows[digit];
	s->found = s->found << 16 | digit;
	s->shift -= 16;
	memset(s->rows, 0, SELECT_DIGITS * sizeof(*s->rows));
}

static inline int64_t select_value(const struct selection *s)
{
	return (int64_t)(s->found ^ SELECT_SIGN);
}

#endif
