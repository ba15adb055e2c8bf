/*
 * activity: metrics by how active users are: by their number of items in train, in quarters of the
 * users (quarters.h).
 *
 * The quarters are those of all users of train who have an item, whether they are evaluated or not,
 * so that two systems, or two tests, have the same groups.
 */
#ifndef ACTIVITY_H
#define ACTIVITY_H

#include "rank/evaluation.h"
#include "rank/quarters.h"

#include <stdint.h>

struct user_items;

struct activity {
	const struct user_items *train;
	struct quarters quarters;
	struct evaluation sums[QUARTERS_MAX_GROUPS];
};

/* From the finished interactions of train, which must stay. */
void activity_init(
	struct activity *a, const struct metrics_cutoffs *k, const struct user_items *train);

void activity_add(struct activity *a, uint32_t user, const struct metrics_user *u);

#endif
