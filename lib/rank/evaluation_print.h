/*
 * evaluation_print: what an evaluation found, for people and for programs.
 */
#ifndef EVALUATION_PRINT_H
#define EVALUATION_PRINT_H

#include "rank/evaluation.h"

struct activity;
struct exposure;
struct popularity;
struct referee;
struct stream_out;
struct top_lists_report;

struct evaluation_result {
	const struct evaluation *sums;
	enum tie_policy ties;
	uint32_t sampled; /* negatives per positive that the metrics are expected for; 0: all */

	/* NULL where there is none of it */
	const struct top_lists_report *lists; /* of top records: no ties, no AUC */
	const struct exposure *exposure;
	const struct activity *activity;
	const struct popularity *popularity;
	const struct referee *referee;
};

/*
 * A table for people: a row per metric, a column per cutoff; [worst, best] wherever they print
 * differently. Below it the groups of users and of items, at the first cutoff.
 */
void evaluation_table(const struct evaluation_result *r, struct stream_out *out);

/* One JSON object, with the members that rank-eval(1) lists. */
void evaluation_json(const struct evaluation_result *r, struct stream_out *out);

/* The tab-separated lines of --per-user: the heading, and one user. */
void evaluation_user_heading(const struct evaluation *e, struct stream_out *out);
void evaluation_user_line(const struct evaluation *e, enum tie_policy policy, uint32_t user,
	const struct metrics_user *u, struct stream_out *out);

#endif
