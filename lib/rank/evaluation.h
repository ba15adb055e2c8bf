/*
 * evaluation: metrics averaged over users.
 *
 * Means are over all users added, that of AUC over those with a negative.
 */
#ifndef EVALUATION_H
#define EVALUATION_H

#include "rank/metrics.h"

struct evaluation {
	struct metrics_cutoffs cutoffs;
	uint64_t users, positives, candidates, outside;
	uint64_t ranked_users;	 /* with a positive among the candidates */
	uint64_t negative_users; /* with a negative */
	double tied;		 /* from here on sums over users */
	struct metrics_values sum[NUM_TIE_POLICIES];
};

/* A metric and the index of its cutoff (any for AUC). */
struct evaluation_name {
	enum metric metric;
	unsigned cutoff;
};

/* What evaluation_parse_name takes, for messages. */
#define EVALUATION_NAMES "HR@K, NDCG@K, MRR@K, MAP@K, precision@K, recall@K or AUC"

/* The index of cutoff K in `k`, which is appended if need be; false: there is no place for it. */
bool evaluation_add_cutoff(struct metrics_cutoffs *k, uint32_t value, unsigned *index);

/*
 * "NAME@K" with one of the NULL-terminated names: which, and the index of its cutoff, which is found
 * in `cutoffs` or appended. Returns false for any other text, or more cutoffs than there may be.
 */
bool evaluation_parse_at(const char *text, const char *const *names,
	struct metrics_cutoffs *cutoffs, unsigned *which, unsigned *cutoff);

/*
 * A metric by its printed name ("HR@10", "AUC"). Its cutoff is found in `cutoffs` or appended.
 * Returns false for any other text, or more cutoffs than there may be.
 */
bool evaluation_parse_name(
	const char *text, struct metrics_cutoffs *cutoffs, struct evaluation_name *name);

void evaluation_add(struct evaluation *e, const struct metrics_user *u);

/* Mean of a metric over users; NaN for AUC if no user has one. */
double evaluation_mean(
	const struct evaluation *e, enum tie_policy policy, struct evaluation_name name);

/*
 * Share of the other candidates tied with a positive: mean over the users with a positive among the
 * candidates.
 */
double evaluation_tied(const struct evaluation *e);

#endif
