/*
 * placement: where the positives of a user stand among the candidates.
 *
 * Rows are those of one user as metrics_prepare leaves them, n >= 1: by (above, item), those outside
 * the candidates last. A group is the positives of one score.
 */
#ifndef PLACEMENT_H
#define PLACEMENT_H

#include "rank/metrics.h"

#include <stddef.h>
#include <stdint.h>

struct tied_group {
	uint32_t a;	 /* candidates above */
	uint32_t t;	 /* candidates of this score */
	uint32_t m;	 /* positives among them */
	uint32_t before; /* positives of greater score */
};

/* How many rows are among the candidates: the first ones. */
size_t placement_inside(const struct rank *rows, size_t n);

/* Make groups of rows that are among the candidates; `group` has capacity for n. Returns how many. */
size_t placement_groups(const struct rank *rows, size_t n, struct tied_group *group);

/* The positions of these n rows from 0, ascending, under a policy that fixes the order of the tied:
   any but TIES_MEAN. */
void placement_fix(enum tie_policy policy, const struct rank *rows, const struct tied_group *group,
	size_t n, uint32_t *position);

/* The gain of a positive at a position, 1 / log2(position + 2), and the sum of the first n. */
double placement_gain(uint32_t position);
double placement_ideal_gain(uint32_t n);

#endif
