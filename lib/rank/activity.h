/*
 * activity: metrics by how active users are: by their number of items in train, in quarters of the
 * users.
 *
 * The quarters are those of all users of train who have an item, whether they are evaluated or not,
 * so that two systems, or two tests, have the same groups. Users of one number of items stay
 * together: a group ends at the number that the user at a quarter of the order has, and groups that
 * end at one number are one. Users without an item in train are a group of their own, 0 to 0.
 */
#ifndef ACTIVITY_H
#define ACTIVITY_H

#include "rank/evaluation.h"

#include <stdint.h>

struct user_items;

enum { ACTIVITY_QUARTERS = 4, ACTIVITY_MAX_GROUPS = ACTIVITY_QUARTERS + 1 };

struct activity {
	const struct user_items *train;
	unsigned num;
	struct activity_group {
		uint32_t from, to; /* items in train, ascending */
		struct evaluation sums;
	} group[ACTIVITY_MAX_GROUPS];
};

/* From the finished interactions of train, which must stay. */
void activity_init(
	struct activity *a, const struct metrics_cutoffs *k, const struct user_items *train);

void activity_add(struct activity *a, uint32_t user, const struct metrics_user *u);

#endif
