#include "rank/evaluation.h"

#include "base/js.h"
#include "base/number.h"
#include "stream/stream.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The index of cutoff K, which is appended if need be. */
static bool add_cutoff(struct metrics_cutoffs *k, uint32_t value, unsigned *index)
{
	for (*index = 0; *index < k->num; ++*index)
		if (k->value[*index] == value)
			return true;
	if (k->num == METRICS_MAX_CUTOFFS)
		return false;
	k->value[k->num++] = value;
	return true;
}

bool evaluation_parse_name(
	const char *text, struct metrics_cutoffs *cutoffs, struct evaluation_name *name)
{
	const size_t length = strcspn(text, "@");
	const bool sign = text[length] == '@';
	uint64_t cutoff;

	for (unsigned m = 0; metric_names[m]; m++) {
		if (strlen(metric_names[m]) != length ||
			strncmp(text, metric_names[m], length) != 0)
			continue;
		*name = (struct evaluation_name){ m, 0 };
		if (m == METRIC_AUC)
			return !sign;
		return sign && number_parse_uint(text + length + 1, 1, UINT32_MAX, &cutoff) &&
		       add_cutoff(cutoffs, (uint32_t)cutoff, &name->cutoff);
	}
	return false;
}

void evaluation_add(struct evaluation *e, const struct metrics_user *u)
{
	e->users++;
	e->positives += u->positives;
	e->outside += u->outside;
	e->candidates += u->candidates;
	e->ranked_users += u->outside < u->positives;
	e->negative_users += u->negatives > 0;
	e->tied += u->tied;
	for (unsigned p = 0; p < NUM_TIE_POLICIES; p++) {
		for (unsigned c = 0; c < e->cutoffs.num; c++)
			for (unsigned m = 0; m < NUM_CUTOFF_METRICS; m++)
				e->sum[p].at[c][m] += u->by[p].at[c][m];
		e->sum[p].auc += u->by[p].auc;
	}
}

double evaluation_mean(
	const struct evaluation *e, enum tie_policy policy, struct evaluation_name name)
{
	const struct metrics_values *sum = &e->sum[policy];

	if (name.metric == METRIC_AUC)
		return e->negative_users ? sum->auc / (double)e->negative_users : NAN;
	return sum->at[name.cutoff][name.metric] / (double)e->users;
}

double evaluation_tied(const struct evaluation *e)
{
	return e->ranked_users ? e->tied / (double)e->ranked_users : 0;
}

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

void evaluation_table(const struct evaluation *e, enum tie_policy policy, struct stream_out *out)
{
	char cell[CELL_SIZE];
	int width[METRICS_MAX_CUTOFFS];

	stream_printf(out, "users       %" PRIu64 "\n", e->users);
	stream_printf(out, "positives   %" PRIu64, e->positives);
	if (e->outside)
		stream_printf(
			out, ", %" PRIu64 " of them outside the candidates: missed", e->outside);
	stream_printf(out, "\ncandidates  %.1f a user; %.2f %% of the others tie with a positive\n",
		(double)e->candidates / (double)e->users, 100 * evaluation_tied(e));
	stream_printf(out, "ties        %s: %s; in brackets worst and best\n\n%-10s",
		tie_policy_names[policy], policy_texts[policy], "");
	for (unsigned c = 0; c < e->cutoffs.num; c++) {
		width[c] = snprintf(cell, sizeof(cell), "@%" PRIu32, e->cutoffs.value[c]);
		for (unsigned m = 0; m < NUM_CUTOFF_METRICS; m++) {
			int length = print_cell(e, policy, (struct evaluation_name){ m, c }, cell);

			width[c] = length > width[c] ? length : width[c];
		}
		snprintf(cell, sizeof(cell), "@%" PRIu32, e->cutoffs.value[c]);
		stream_printf(out, c + 1 < e->cutoffs.num ? "  %-*s" : "  %.*s", width[c], cell);
	}
	stream_printf(out, "\n");
	for (unsigned m = 0; m < NUM_CUTOFF_METRICS; m++) {
		stream_printf(out, "%-10s", metric_names[m]);
		for (unsigned c = 0; c < e->cutoffs.num; c++) {
			print_cell(e, policy, (struct evaluation_name){ m, c }, cell);
			stream_printf(
				out, c + 1 < e->cutoffs.num ? "  %-*s" : "  %.*s", width[c], cell);
		}
		stream_printf(out, "\n");
	}
	print_cell(e, policy, (struct evaluation_name){ METRIC_AUC, 0 }, cell);
	stream_printf(out, "%-10s  %s\n", metric_names[METRIC_AUC],
		e->negative_users ? cell : "undefined");
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

void evaluation_json(const struct evaluation *e, enum tie_policy policy, struct stream_out *out)
{
	struct js *v = js_object();
	char *text;

	js_put(v, "users", js_int((int64_t)e->users));
	js_put(v, "positives", js_int((int64_t)e->positives));
	js_put(v, "outside", js_int((int64_t)e->outside));
	js_put(v, "candidates", js_real((double)e->candidates / (double)e->users));
	js_put(v, "ties", js_string(tie_policy_names[policy]));
	js_put(v, "tied", js_real(evaluation_tied(e)));
	js_put(v, "metrics", metrics_json(e, policy));
	js_put(v, "worst", metrics_json(e, TIES_WORST));
	js_put(v, "best", metrics_json(e, TIES_BEST));
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
