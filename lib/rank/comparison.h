/*
 * comparison: several systems measured on the same users, and the differences between them.
 */
#ifndef COMPARISON_H
#define COMPARISON_H

#include "rank/evaluation.h"
#include "rank/significance.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rec_reader;
struct user_ranks_report;

enum { COMPARISON_MAX_METRICS = 16, COMPARISON_MAX_SYSTEMS = 26 };

struct comparison_user {
	uint32_t user, positives, candidates;
	uint64_t digest; /* of the positives' items, whatever their order */
};

struct comparison {
	/* what is measured; set before the first system is added */
	struct metrics_cutoffs cutoffs;
	struct evaluation_name metric[COMPARISON_MAX_METRICS];
	unsigned num_metrics;
	enum tie_policy ties;

	/* users ascending, as the first system has them */
	struct comparison_user *user;
	size_t num_users;

	struct comparison_system {
		const char *name;
		double *value; /* (num_users, num_metrics) */
	} system[COMPARISON_MAX_SYSTEMS];
	unsigned num_systems;
	uint64_t
		other_candidates; /* users with another number of candidates than in the first system */
};

/* A pair of systems in one metric. */
struct comparison_pair {
	unsigned metric, a, b;
	double difference, low, high; /* mean of b - a, 95 % interval */
	double t, wilcoxon, randomization;
	double holm_t, holm_wilcoxon, holm_randomization; /* over all pairs and metrics */
	double detectable;
};

struct comparison_result {
	double *mean, *low, *high; /* (num_metrics, num_systems), 95 % interval */
	struct comparison_pair *pair;
	size_t num_pairs; /* by metric, then pair of systems */
};

/*
 * Add the system whose ranks or scores `in` holds; `in` stays the caller's, whose name is borrowed.
 * Dies with one line naming a user if the users or their positives are not those of the first
 * system, if AUC is asked for and a user has no negative, and where user_ranks_read does.
 */
void comparison_add(struct comparison *c, struct rec_reader *in, struct user_ranks_report *report);

/* Compare each later system with the first or, with `all_pairs`, with each one before it. Needs two
   systems and two users. */
void comparison_run(const struct comparison *c, bool all_pairs,
	const struct significance_resampling *r, struct comparison_result *result);

void comparison_release(struct comparison *c);
void comparison_result_release(struct comparison_result *result);

/* A table for people, at most 80 columns unless names are long; or one JSON object. */
void comparison_table(const struct comparison *c, const struct comparison_result *result,
	const struct significance_resampling *r, struct stream_out *out);
void comparison_json(const struct comparison *c, const struct comparison_result *result,
	const struct significance_resampling *r, struct stream_out *out);

#endif
