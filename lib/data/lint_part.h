/*
 * lint_part: the streams of an experiment as cof-lint looks at them: the rows of train, valid or
 * test, and candidate lists.
 *
 * Memory: 4 bytes per row, 24 per user of a part and 16 of lists; while they are read, 5 more per
 * row.
 */
#ifndef LINT_PART_H
#define LINT_PART_H

#include "data/user_items.h"
#include "stream/record.h"

#include <stdbool.h>
#include <stdint.h>

/* Ratings or interactions. */
struct lint_part {
	char *name;
	struct rec_header header;
	struct user_items items;   /* duplicates dropped */
	uint64_t rows, duplicates; /* of all rows, those that repeat a user and item */

	bool has_times;		/* some time is not 0 */
	int64_t newest;		/* time */
	int64_t *first, *last;	/* of the rows of each user; INT64_MAX and INT64_MIN without any */
	float least, greatest;	/* rating; least is above greatest where there are none */
	uint64_t beyond;	/* rows whose user or item is not below the bounds of train */
	uint64_t before_train;	/* rows older than the newest row of train */
	uint64_t before_itself; /* rows older than a row of their user in train */
};

/* Read a stream to its verified end. `train` is the part that this one is held against; NULL: it is
   train itself. Warns of a shard; dies where train is one that lacks users of this part. */
void lint_part_read(struct lint_part *p, const char *path, const struct lint_part *train);
void lint_part_release(struct lint_part *p);
bool lint_part_has(const struct lint_part *p, uint32_t user, uint32_t item);
uint32_t lint_part_num(const struct lint_part *p, uint32_t user); /* items of a user */

/* Candidate lists: sample records. */
struct lint_lists {
	char *name;
	struct rec_header header;
	struct user_items positives, negatives; /* labels above 0, and others */
	uint64_t rows, repeats;			/* rows that repeat a user, item and sign */
	uint64_t beyond;
};

void lint_lists_read(struct lint_lists *l, const char *path, const struct lint_part *train);
void lint_lists_release(struct lint_lists *l);

#endif
