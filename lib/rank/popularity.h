/*
 * popularity: recall by how popular the positives are: by how many users of train have the item, in
 * quarters of the rows of train.
 *
 * Each of the quarters (quarters.h) has a fourth of train's rows, the least popular items first, so
 * that the last is few items that everybody has and the first the long tail.
 *
 * recall@K of a group is the share of its positives, of whatever users, that stand in the first K
 * places: a mean over positives, not over users, who have few of a group each. Of m positives among
 * T candidates of one score from place a on, h = min(max(K - a, 0), T) places are in front:
 *   mean   each positive is there with probability h / T
 *   worst  max(0, h - (T - m)) of them are
 *   best   min(h, m)
 *   id     those with ties_before < h
 */
#ifndef POPULARITY_H
#define POPULARITY_H

#include "rank/metrics.h"
#include "rank/quarters.h"

#include <stddef.h>
#include <stdint.h>

struct user_items;

struct popularity {
	struct metrics_cutoffs cutoffs;
	enum tie_policy ties;
	struct quarters quarters;
	struct popularity_group {
		uint64_t positives;
		double found[METRICS_MAX_CUTOFFS]; /* of them in the first places */
	} group[QUARTERS_MAX_GROUPS];
	uint32_t *users;	 /* by item */
	struct tied_group *tied; /* of one user */
	size_t capacity;
};

/* From the finished interactions of train, whose bound of items is that of the rows to come.
   Memory: 4 bytes per item, 8 more while it is made. */
void popularity_init(struct popularity *p, const struct metrics_cutoffs *k, enum tie_policy ties,
	const struct user_items *train);

/* One user's n >= 1 rows, as metrics_prepare leaves them. */
void popularity_add(struct popularity *p, const struct rank *rows, size_t n);

/* NaN for a group without a positive. */
double popularity_recall(const struct popularity_group *g, unsigned cutoff);

#endif
