/*
 * split: which rows of a rating table are test, which valid, which train.
 *
 *   leave-one-out  each user's latest row is test, the second latest valid (ratings.h: the latest).
 *                  A user with fewer than 2 rows, with valid 3, stays in train.
 *   random         a row is test with probability R and valid with R again: one number of
 *                  Philox keyed by (seed, the labels of user and item) below R, from R to 2 R
 *   global-time    the latest R of all rows are test, the R before them valid
 */
#ifndef SPLIT_H
#define SPLIT_H

#include "data/ratings.h"

#include <stdbool.h>
#include <stdint.h>

enum split_mode { SPLIT_LEAVE_ONE_OUT, SPLIT_RANDOM, SPLIT_GLOBAL_TIME };
extern const char *const split_mode_names[]; /* NULL-terminated */

enum split_part { PART_TRAIN, PART_TEST, PART_VALID };

struct split_config {
	enum split_mode mode;
	bool valid;   /* is there a valid part? */
	double ratio; /* R of random and global-time, in (0, 1), with valid in (0, 1/2) */
	uint64_t seed;
	const uint64_t *user_hash, *item_hash; /* random: raw_id_hash of each; borrowed */
};

struct split;

/* `ratings` is borrowed and must not change. 1 byte a rating; for the time of
   the call leave-one-out takes 28 bytes a user, the others 1. */
struct split *split_new(const struct ratings *ratings, const struct split_config *config);
void split_free(struct split *s);

enum split_part split_part(const struct split *s, uint32_t row);

/*
 * The numbers of a part's rows by (user, time, input order): a new array of
 * split_counts()->rows[part]. 4 bytes a user for the time of the call.
 */
uint32_t *split_select(const struct split *s, enum split_part part);

/* What split_new has found. */
struct split_counts {
	uint32_t rows[3];	  /* of each part */
	uint32_t short_users;	  /* leave-one-out: too few rows */
	uint32_t untrained_users; /* without a row in train */
};
const struct split_counts *split_counts(const struct split *s);

#endif
