/*
 * referee: the metrics of other tools, as each defines them, beside our own.
 *
 * A tool is a table of metrics (referee_tools.c), each a weighted mean over users of a value that
 * depends on where the user's positives stand, with the file that defines it and, where it is not
 * our definition, a line that says what it is. In these formulas, beside those of metrics.h,
 * H_n = 1 + 1/2 + ... + 1/n. rank-eval(1) lists all of them with their sources.
 */
#ifndef REFEREE_H
#define REFEREE_H

#include "rank/evaluation.h"
#include "rank/metrics.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct stream_out;
struct js;

/* How a tool orders candidates of equal score. */
enum referee_order {
	REFEREE_OPEN,  /* it leaves that to its sort: any policy of ours */
	REFEREE_WORST, /* positives last */
	REFEREE_ID,    /* the smaller id first */
	REFEREE_NAME   /* by name, descending bytes: ties_before of the rank rows counts by that */
};

/* A positive at a position: surely, or with a probability over the orders of the tied. */
struct referee_spot {
	double p;
	uint32_t position; /* r, from 0 */
	double before;	   /* positives before it, expected */
};

/* A user, for the formulas. */
struct referee_user {
	uint32_t positives, candidates, negatives, num_items; /* P, C, N, the bound of items */
	const struct metrics_user *metrics;
	const struct metrics_values
		*v; /* under the order of the tool; the last cutoff is no cutoff */
	const struct referee_spot *spot; /* positions ascending */
	size_t num_spots;
	const struct rank *rows; /* of the positives among the candidates */
	size_t num_rows;
};

enum referee_weight { REFEREE_USERS, REFEREE_POSITIVES, REFEREE_CAPPED /* min(P, K) */ };

struct referee_metric {
	const char *name; /* what the tool calls it, before the cutoff if there is one */
	bool at_cutoff;
	bool full; /* needs all candidates: not of lists */
	enum referee_weight weight;
	bool without_list; /* counts users without a list, though the tool leaves them out */
	int own;	   /* enum metric of ours beside it, at the cutoff; -1: there is none */
	double (*value)(const struct referee_user *u, unsigned cutoff, uint32_t k);
	const char *definition; /* how it differs from ours; NULL: it does not */
};

struct referee_tool {
	const char *name, *source;
	enum referee_order order;
	const char *ties;		     /* what it does with them */
	bool leaves_listless;		     /* users without a list are left out */
	bool inside_only;		     /* a positive outside the candidates is no positive */
	const struct referee_metric *metric; /* ends with a NULL name */
};

enum { REFEREE_TOOLS = 10, REFEREE_MAX_METRICS = 16 };
extern const struct referee_tool referee_tools[REFEREE_TOOLS];
extern const char *const referee_names[]; /* NULL-terminated */

struct referee {
	const struct referee_tool *tool;
	struct metrics_cutoffs cutoffs; /* those asked for, then no cutoff */
	enum tie_policy ties;		/* the policy of ours that is the tool's order */
	bool lists;
	uint32_t num_items;
	uint64_t users; /* counted */
	struct {
		double sum, weight;
	} at[METRICS_MAX_CUTOFFS][REFEREE_MAX_METRICS];
};

/* `ties` is for a tool that leaves their order open; `lists` says that ranks are those of lists.
   There may be METRICS_MAX_CUTOFFS - 1 cutoffs. */
void referee_init(struct referee *r, const struct referee_tool *tool,
	const struct metrics_cutoffs *k, enum tie_policy ties, bool lists, uint32_t num_items);

/* Add a user's n >= 1 prepared rows. Lists have 0 candidates where the user has none. */
void referee_add(struct referee *r, const struct rank *rows, size_t n);

/* A metric of a tool by the name that is printed, "map_cut_10"; its cutoff, if it has one, is found in
   `k` or appended. False where the tool has none of that name, or there are too many cutoffs. */
bool referee_parse(const struct referee_tool *tool, const char *name, struct metrics_cutoffs *k,
	unsigned *metric, unsigned *cutoff);

/* NaN where no user counts, or it has no value for lists; any cutoff for a metric without. */
double referee_value(const struct referee *r, unsigned metric, unsigned cutoff);

/* The printed name of a metric: "MAP@10". */
void referee_name(
	const struct referee *r, unsigned metric, unsigned cutoff, char *name, size_t size);

/* Beside our own figures: a table, and a JSON object. */
void referee_table(const struct referee *r, const struct evaluation *own, enum tie_policy ties,
	struct stream_out *out);
struct js *referee_json(
	const struct referee *r, const struct evaluation *own, enum tie_policy ties);

#endif
