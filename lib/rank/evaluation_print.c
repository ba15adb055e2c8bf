#include "rank/evaluation_print.h"

#include "base/js.h"
#include "rank/activity.h"
#include "rank/exposure.h"
#include "rank/popularity.h"
#include "rank/referee.h"
#include "rank/top_lists.h"
#include "stream/stream.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CELL_SIZE = 64 };

/* "0.2163", or "0.2163 [0.2153, 0.2174]" where the interval is wider than rounding. */
static int print_cell(const struct evaluation *e, enum tie_policy policy,
	struct evaluation_name name, char cell[CELL_SIZE])
{
	double worst = evaluation_mean(e, TIES_WORST, name),
	       best = evaluation_mean(e, TIES_BEST, name);
	char low[CELL_SIZE / 4], high[CELL_SIZE / 4];
	int length = snprintf(cell, CELL_SIZE, "%.4f", evaluation_mean(e, policy, name));

	snprintf(low, sizeof(low), "%.4f", worst);
	snprintf(high, sizeof(high), "%.4f", best);
	if (strcmp(low, high) != 0)
		length += snprintf(
			cell + length, (size_t)(CELL_SIZE - length), " [%s, %s]", low, high);
	return length;
}

static const char *const policy_texts[] = { "expected over all orders of the tied",
	"positives after the negatives they tie with",
	"positives before the negatives they tie with", "smaller item id first" };

/* What was evaluated, above the metrics. */
static void print_input(const struct evaluation_result *r, struct stream_out *out)
{
	const struct evaluation *e = r->sums;

	stream_printf(out, "users       %" PRIu64 "\n", e->users);
	stream_printf(out, "positives   %" PRIu64, e->positives);
	if (e->outside)
		stream_printf(out, ", %" PRIu64 " of them outside the %s: missed", e->outside,
			r->lists ? "lists" : "candidates");
	if (r->lists) {
		stream_printf(out,
			"\nlists       %" PRIu64 ", %.1f items each, the longest %" PRIu32 "\n",
			r->lists->lists, (double)r->lists->items / (double)r->lists->lists,
			r->lists->longest);
		stream_printf(out, "ties        none: the order is that of the lists\n");
		return;
	}
	stream_printf(out, "\ncandidates  %.1f a user; %.2f %% of the others tie with a positive\n",
		(double)e->candidates / (double)e->users, 100 * evaluation_tied(e));
	if (r->sampled)
		stream_printf(out,
			"sampled     %" PRIu32
			" negatives a positive, each once: expected over all draws\n",
			r->sampled);
	stream_printf(out, "ties        %s: %s; [worst, best]\n", tie_policy_names[r->ties],
		policy_texts[r->ties]);
}

static void print_exposure_cell(const struct evaluation_result *r, enum exposure_metric metric,
	unsigned cutoff, char cell[CELL_SIZE])
{
	const double v = exposure_value(r->exposure, metric, cutoff);

	snprintf(cell, CELL_SIZE, isnan(v) ? "undefined" : "%.4f", v);
}

/* The widest cell of a column. */
static int column_width(const struct evaluation_result *r, unsigned cutoff)
{
	char cell[CELL_SIZE];
	int width = snprintf(cell, sizeof(cell), "@%" PRIu32, r->sums->cutoffs.value[cutoff]);

	for (unsigned m = 0; m < NUM_CUTOFF_METRICS; m++) {
		int length =
			print_cell(r->sums, r->ties, (struct evaluation_name){ m, cutoff }, cell);

		width = length > width ? length : width;
	}
	for (unsigned m = 0; r->exposure && m < NUM_EXPOSURE_METRICS; m++) {
		print_exposure_cell(r, m, cutoff, cell);
		width = (int)strlen(cell) > width ? (int)strlen(cell) : width;
	}
	return width;
}

/* A cell of column c, padded unless it is the last. */
static void put_cell(const struct evaluation_result *r, unsigned c, const int *width,
	const char *cell, struct stream_out *out)
{
	stream_printf(out, c + 1 < r->sums->cutoffs.num ? "  %-*s" : "  %.*s", width[c], cell);
}

/* A cell of the table of groups, under the name of its metric. */
static void put_group_cell(unsigned metric, const char *cell, struct stream_out *out)
{
	const int name = (int)strlen(metric_names[metric]);

	stream_printf(out, metric + 1 < NUM_CUTOFF_METRICS ? "  %-*s" : "  %.*s",
		name > 6 ? name : 6, cell);
}

static void put_range(const struct quarters_group *range, struct stream_out *out)
{
	char cell[CELL_SIZE];

	snprintf(cell, sizeof(cell), "%" PRIu32 " to %" PRIu32, range->from, range->to);
	stream_printf(out, "%-14s", cell);
}

/* The metrics of the groups of users, at the first cutoff. */
static void print_activity(const struct evaluation_result *r, struct stream_out *out)
{
	char cell[CELL_SIZE];

	stream_printf(out, "\nby items in train, @%" PRIu32 "\n%-14s  %-7s",
		r->sums->cutoffs.value[0], "items", "users");
	for (unsigned m = 0; m < NUM_CUTOFF_METRICS; m++)
		put_group_cell(m, metric_names[m], out);
	stream_printf(out, "\n");
	for (unsigned g = 0; g < r->activity->quarters.num; g++) {
		const struct evaluation *sums = &r->activity->sums[g];

		if (sums->users == 0)
			continue;
		put_range(&r->activity->quarters.group[g], out);
		stream_printf(out, "  %-7" PRIu64, sums->users);
		for (unsigned m = 0; m < NUM_CUTOFF_METRICS; m++) {
			snprintf(cell, sizeof(cell), "%.4f",
				evaluation_mean(sums, r->ties, (struct evaluation_name){ m, 0 }));
			put_group_cell(m, cell, out);
		}
		stream_printf(out, "\n");
	}
}

/* Recall of the groups of items, at the first cutoff. */
static void print_popularity(const struct evaluation_result *r, struct stream_out *out)
{
	stream_printf(out, "\nby users of the item in train, @%" PRIu32 "\n%-14s  %-9s  recall\n",
		r->sums->cutoffs.value[0], "users", "positives");
	for (unsigned g = 0; g < r->popularity->quarters.num; g++) {
		const struct popularity_group *group = &r->popularity->group[g];

		if (group->positives == 0)
			continue;
		put_range(&r->popularity->quarters.group[g], out);
		stream_printf(out, "  %-9" PRIu64 "  %.4f\n", group->positives,
			popularity_recall(group, 0));
	}
}

void evaluation_table(const struct evaluation_result *r, struct stream_out *out)
{
	const struct evaluation *e = r->sums;
	char cell[CELL_SIZE];
	int width[METRICS_MAX_CUTOFFS];

	print_input(r, out);
	stream_printf(out, "\n%-10s", "");
	for (unsigned c = 0; c < e->cutoffs.num; c++) {
		width[c] = column_width(r, c);
		snprintf(cell, sizeof(cell), "@%" PRIu32, e->cutoffs.value[c]);
		put_cell(r, c, width, cell, out);
	}
	stream_printf(out, "\n");
	for (unsigned m = 0; m < NUM_CUTOFF_METRICS; m++) {
		stream_printf(out, "%-10s", metric_names[m]);
		for (unsigned c = 0; c < e->cutoffs.num; c++) {
			print_cell(e, r->ties, (struct evaluation_name){ m, c }, cell);
			put_cell(r, c, width, cell, out);
		}
		stream_printf(out, "\n");
	}
	for (unsigned m = 0; r->exposure && m < NUM_EXPOSURE_METRICS; m++) {
		stream_printf(out, "%-10s", exposure_names[m]);
		for (unsigned c = 0; c < e->cutoffs.num; c++) {
			print_exposure_cell(r, m, c, cell);
			put_cell(r, c, width, cell, out);
		}
		stream_printf(out, "\n");
	}
	if (!r->lists) {
		print_cell(e, r->ties, (struct evaluation_name){ METRIC_AUC, 0 }, cell);
		stream_printf(out, "%-10s  %s\n", metric_names[METRIC_AUC],
			e->negative_users ? cell : "undefined");
	}
	if (r->activity)
		print_activity(r, out);
	if (r->popularity)
		print_popularity(r, out);
	if (r->referee)
		referee_table(r->referee, e, r->ties, out);
}

/* {"HR@10": ..., ..., "AUC": ...} */
static struct js *metrics_json(const struct evaluation *e, enum tie_policy policy)
{
	struct js *v = js_object();
	char name[CELL_SIZE];

	for (unsigned c = 0; c < e->cutoffs.num; c++) {
		for (unsigned m = 0; m < NUM_CUTOFF_METRICS; m++) {
			snprintf(name, sizeof(name), "%s@%" PRIu32, metric_names[m],
				e->cutoffs.value[c]);
			js_put(v, name,
				js_real(evaluation_mean(
					e, policy, (struct evaluation_name){ m, c })));
		}
	}
	js_put(v, metric_names[METRIC_AUC],
		js_real(evaluation_mean(e, policy, (struct evaluation_name){ METRIC_AUC, 0 })));
	return v;
}

static void put_exposure(struct js *metrics, const struct exposure *e)
{
	char name[CELL_SIZE];

	for (unsigned c = 0; c < e->cutoffs.num; c++) {
		for (unsigned m = 0; m < NUM_EXPOSURE_METRICS; m++) {
			snprintf(name, sizeof(name), "%s@%" PRIu32, exposure_names[m],
				e->cutoffs.value[c]);
			js_put(metrics, name, js_real(exposure_value(e, m, c)));
		}
	}
}

static struct js *range_json(const struct quarters_group *range)
{
	struct js *v = js_object();

	js_put(v, "from", js_int(range->from));
	js_put(v, "to", js_int(range->to));
	return v;
}

static struct js *activity_json(const struct evaluation_result *r)
{
	struct js *groups = js_array();

	for (unsigned g = 0; g < r->activity->quarters.num; g++) {
		const struct evaluation *sums = &r->activity->sums[g];
		struct js *v;

		if (sums->users == 0)
			continue;
		v = range_json(&r->activity->quarters.group[g]);
		js_put(v, "users", js_int((int64_t)sums->users));
		js_put(v, "metrics", metrics_json(sums, r->ties));
		js_append(groups, v);
	}
	return groups;
}

static struct js *popularity_json(const struct evaluation_result *r)
{
	struct js *groups = js_array();
	char name[CELL_SIZE];

	for (unsigned g = 0; g < r->popularity->quarters.num; g++) {
		const struct popularity_group *group = &r->popularity->group[g];
		struct js *v, *metrics;

		if (group->positives == 0)
			continue;
		metrics = js_object();
		for (unsigned c = 0; c < r->sums->cutoffs.num; c++) {
			snprintf(name, sizeof(name), "%s@%" PRIu32, metric_names[METRIC_RECALL],
				r->sums->cutoffs.value[c]);
			js_put(metrics, name, js_real(popularity_recall(group, c)));
		}
		v = range_json(&r->popularity->quarters.group[g]);
		js_put(v, "positives", js_int((int64_t)group->positives));
		js_put(v, "metrics", metrics);
		js_append(groups, v);
	}
	return groups;
}

static struct js *lists_json(const struct top_lists_report *l)
{
	struct js *v = js_object();

	js_put(v, "lists", js_int((int64_t)l->lists));
	js_put(v, "items", js_real((double)l->items / (double)l->lists));
	js_put(v, "longest", js_int(l->longest));
	js_put(v, "without_list", js_int((int64_t)l->without_list));
	js_put(v, "without_positive", js_int((int64_t)l->without_positive));
	return v;
}

void evaluation_json(const struct evaluation_result *r, struct stream_out *out)
{
	const struct evaluation *e = r->sums;
	struct js *v = js_object(), *metrics = metrics_json(e, r->ties);
	char *text;

	js_put(v, "users", js_int((int64_t)e->users));
	js_put(v, "positives", js_int((int64_t)e->positives));
	js_put(v, "outside", js_int((int64_t)e->outside));
	if (r->lists) {
		js_put(v, "lists", lists_json(r->lists));
	} else {
		js_put(v, "candidates", js_real((double)e->candidates / (double)e->users));
		js_put(v, "ties", js_string(tie_policy_names[r->ties]));
		js_put(v, "tied", js_real(evaluation_tied(e)));
		if (r->sampled)
			js_put(v, "sampled", js_int(r->sampled));
	}
	if (r->exposure)
		put_exposure(metrics, r->exposure);
	js_put(v, "metrics", metrics);
	if (!r->lists) {
		js_put(v, "worst", metrics_json(e, TIES_WORST));
		js_put(v, "best", metrics_json(e, TIES_BEST));
	}
	if (r->activity)
		js_put(v, "activity", activity_json(r));
	if (r->popularity)
		js_put(v, "popularity", popularity_json(r));
	if (r->referee)
		js_put(v, "as", referee_json(r->referee, e, r->ties));
	text = js_dump(v, true);
	stream_printf(out, "%s\n", text);
	free(text);
	js_free(v);
}

void evaluation_user_heading(const struct evaluation *e, struct stream_out *out)
{
	stream_printf(out, "user\tpositives\tcandidates");
	for (unsigned c = 0; c < e->cutoffs.num; c++)
		for (unsigned m = 0; m < NUM_CUTOFF_METRICS; m++)
			stream_printf(out, "\t%s@%" PRIu32, metric_names[m], e->cutoffs.value[c]);
	stream_printf(out, "\t%s\n", metric_names[METRIC_AUC]);
}

void evaluation_user_line(const struct evaluation *e, enum tie_policy policy, uint32_t user,
	const struct metrics_user *u, struct stream_out *out)
{
	const struct metrics_values *v = &u->by[policy];

	stream_printf(out, "%" PRIu32 "\t%" PRIu32 "\t%" PRIu32, user, u->positives, u->candidates);
	for (unsigned c = 0; c < e->cutoffs.num; c++)
		for (unsigned m = 0; m < NUM_CUTOFF_METRICS; m++)
			stream_printf(out, "\t%.9g", v->at[c][m]);
	if (u->negatives)
		stream_printf(out, "\t%.9g\n", v->auc);
	else
		stream_printf(out, "\tnan\n");
}
