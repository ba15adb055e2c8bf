/*
 * exposure: what lists show, whatever the users want: how many items, how popular they are.
 *
 * n_i users of train have item i; U users have any item; an item list is cut off after K items.
 *   coverage@K    items in the first K places of at least one list, divided by the bound of items
 *                                       (Ge et al. 2010, catalogue coverage)
 *   novelty@K     mean over the items of a list of -log2(n_i / U), mean over lists: the surprise of
 *                 meeting someone who has the item (Zhou et al. 2010, self-information). An item
 *                 that nobody has in train would be infinitely new: it is left out, and counted
 *   popularity@K  mean over the items of a list of n_i, mean over lists
 *                                       (Abdollahpouri et al. 2019, average popularity, ARP)
 *   long_tail@K   share of a list's items that are not in the head, mean over lists
 *                                       (Abdollahpouri et al. 2019, APLT). The head is the
 *                 shortest sequence of items, by falling n_i, of equal n_i the smaller id first,
 *                 that has at least 80 % of the interactions of train
 * A list that is shorter than K counts with the items that it has.
 */
#ifndef EXPOSURE_H
#define EXPOSURE_H

#include "rank/metrics.h"

#include <stdbool.h>
#include <stdint.h>

struct user_items;

enum exposure_metric {
	EXPOSURE_COVERAGE,
	EXPOSURE_NOVELTY,
	EXPOSURE_POPULARITY,
	EXPOSURE_LONG_TAIL,
	NUM_EXPOSURE_METRICS
};

extern const char *const exposure_names[]; /* "coverage" ..., NULL-terminated */

struct exposure {
	struct metrics_cutoffs cutoffs;
	uint32_t num_items, head_items;
	uint64_t lists;
	uint64_t unknown; /* items of lists, within the last cutoff, that nobody has in train */

	/* by item */
	uint32_t *count;
	double *surprise;
	unsigned char *head; /* bitset */
	uint32_t *first;     /* the best place that it has in any list, from 1; 0: none */

	/* by cutoff */
	struct exposure_sum {
		double novelty, popularity, long_tail; /* over lists */
		uint64_t novelty_lists;		       /* with an item of which novelty is known */
	} sum[METRICS_MAX_CUTOFFS];
};

/* From the finished interactions of train, whose bound of items is that of the lists.
   Memory: 16 bytes per item. */
void exposure_init(
	struct exposure *e, const struct metrics_cutoffs *k, const struct user_items *train);
void exposure_release(struct exposure *e);

/* Add a list of n >= 1 items, the best first. */
void exposure_add(struct exposure *e, const uint32_t *item, uint32_t n);

/* Of the lists added; NaN where there is none. */
double exposure_value(const struct exposure *e, enum exposure_metric metric, unsigned cutoff);

#endif
