/*
 * split: which rows of a rating table are test, which valid, which train.
 *
 *   leave-one-out  each user's latest row is test, the second latest valid (latest: see ratings.h).
 *                  A user with fewer than 2 rows, or 3 with a valid part, stays in train.
 *   random         a row is test with probability R and valid with probability R: a number of
 *                  Philox, keyed by the seed and the raw ids of user and item, is below R or 2 R
 *   global-time    a share R of all rows, the latest, is test, the same share before them valid
 */
#ifndef SPLIT_H
#define SPLIT_H

#include "data/ratings.h"

#include <stdbool.h>
#include <stdint.h>

enum split_mode { SPLIT_LEAVE_ONE_OUT, SPLIT_RANDOM, SPLIT_GLOBAL_TIME };
extern const char *const split_mode_names[]; /* NULL-terminated */

enum split_part { PART_TRAIN, PART_TEST, PART_VALID, NUM_PARTS };

struct split_config {
	enum split_mode mode;
	bool valid;   /* is there a valid part? */
	double ratio; /* R of random and global-time, in (0, 1), or (0, 1/2) with a valid part */
	uint64_t seed;
	const uint64_t *user_hash, *item_hash; /* random: raw_id_hash of each id; borrowed */
};

struct split;

/* `ratings` is borrowed and must not change. Takes 1 byte per rating; during the call, 28 bytes per
   user with leave-one-out, else 1. */
struct split *split_new(const struct ratings *ratings, const struct split_config *config);
void split_free(struct split *s);

enum split_part split_part(const struct split *s, uint32_t row);

/*
 * The row numbers of a part by (user, time, input order), in a new array of
 * split_counts()->rows[part]. Takes 4 bytes per user during the call.
 */
uint32_t *split_select(const struct split *s, enum split_part part);

/* What split_new found. A user without any row is none of these. */
struct split_counts {
	uint32_t rows[3];	  /* of each part */
	uint32_t short_users;	  /* leave-one-out: too few rows */
	uint32_t untrained_users; /* without a row in train */
};
const struct split_counts *split_counts(const struct split *s);

#endif
