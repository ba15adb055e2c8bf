#include "base/js.h"
#include "rank/referee.h"
#include "stream/stream.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { NAME_SIZE = 64 };

/* Call `each` for every metric at every cutoff that has a value. */
static void for_each(const struct referee *r,
	void (*each)(void *arg, const struct referee *r, unsigned metric, unsigned cutoff),
	void *arg)
{
	for (unsigned m = 0; r->tool->metric[m].name; m++)
		for (unsigned c = 0; c < r->cutoffs.num; c++)
			if (r->tool->metric[m].at_cutoff == (c + 1 < r->cutoffs.num) &&
				!isnan(referee_value(r, m, c)))
				each(arg, r, m, c);
}

/* Our own figures, and where they go. */
struct beside {
	const struct evaluation *own;
	enum tie_policy ties;
	struct stream_out *out;
	struct js *array;
};

/* What stands beside a metric; NaN: nothing does. */
static double own_value(
	const struct beside *b, const struct referee *r, unsigned metric, unsigned cutoff)
{
	const int own = r->tool->metric[metric].own;

	return own < 0 || (own == METRIC_AUC && r->lists)
		       ? (double)NAN
		       : evaluation_mean(b->own, b->ties,
				 (struct evaluation_name){ (enum metric)own, cutoff });
}

/* Do two figures print differently? */
static bool differ(double a, double b)
{
	char x[NAME_SIZE], y[NAME_SIZE];

	snprintf(x, sizeof(x), "%.4f", a);
	snprintf(y, sizeof(y), "%.4f", b);
	return strcmp(x, y) != 0;
}

/* Why a figure may be another than ours: its definition, the order of ties, the users counted. */
static void reasons(const struct beside *b, const struct referee *r, unsigned metric,
	unsigned cutoff, char *text, size_t size)
{
	const struct referee_metric *m = &r->tool->metric[metric];
	const double own = own_value(b, r, metric, cutoff);
	const struct beside ordered = { b->own, r->ties, NULL, NULL };
	const bool ties = !isnan(own) && differ(own, own_value(&ordered, r, metric, cutoff)) &&
			  differ(own, referee_value(r, metric, cutoff));
	const bool users = !isnan(own) && r->users < b->own->users && !m->without_list;

	snprintf(text, size, "%s%s%s%s%s", m->definition ? m->definition : "",
		m->definition && (ties || users) ? "; " : "", ties ? "ties" : "",
		ties && users ? "; " : "", users ? "users" : "");
}

static void print_row(void *arg, const struct referee *r, unsigned metric, unsigned cutoff)
{
	const struct beside *b = arg;
	const double own = own_value(b, r, metric, cutoff);
	char name[NAME_SIZE], beside[NAME_SIZE] = "-", text[2 * NAME_SIZE];

	referee_name(r, metric, cutoff, name, sizeof(name));
	if (!isnan(own))
		snprintf(beside, sizeof(beside), "%.4f", own);
	stream_printf(b->out, "%-16s  %-12.4f  ", name, referee_value(r, metric, cutoff));
	reasons(b, r, metric, cutoff, text, sizeof(text));
	stream_printf(b->out, *text ? "%-8s  %s\n" : "%s\n", beside, text);
}

void referee_table(const struct referee *r, const struct evaluation *own, enum tie_policy ties,
	struct stream_out *out)
{
	struct beside b = { own, ties, out, NULL };

	stream_printf(out, "\nas          %s: %s\n", r->tool->name, r->tool->source);
	stream_printf(out, "users       %" PRIu64 "%s\n", r->users,
		r->tool->leaves_listless && r->lists ? ", those with a list" : "");
	if (!r->lists || r->tool->order == REFEREE_NAME)
		stream_printf(out, "ties        %s%s%s\n", r->tool->ties,
			r->tool->order == REFEREE_OPEN ? "; here " : "",
			r->tool->order == REFEREE_OPEN ? tie_policy_names[ties] : "");
	stream_printf(out, "\n%-16s  %-12s  cofilter\n", "", r->tool->name);
	for_each(r, print_row, &b);
}

static void append_row(void *arg, const struct referee *r, unsigned metric, unsigned cutoff)
{
	const struct beside *b = arg;
	const struct referee_metric *m = &r->tool->metric[metric];
	struct js *v = js_object();
	char name[NAME_SIZE], text[2 * NAME_SIZE];

	referee_name(r, metric, cutoff, name, sizeof(name));
	js_put(v, "name", js_string(name));
	js_put(v, "value", js_real(referee_value(r, metric, cutoff)));
	if (m->own >= 0) {
		snprintf(name, sizeof(name), m->own == METRIC_AUC ? "%s" : "%s@%" PRIu32,
			metric_names[m->own], r->cutoffs.value[cutoff]);
		js_put(v, "own_name", js_string(name));
		js_put(v, "own", js_real(own_value(b, r, metric, cutoff)));
	}
	reasons(b, r, metric, cutoff, text, sizeof(text));
	if (*text)
		js_put(v, "definition", js_string(text));
	js_append(b->array, v);
}

struct js *referee_json(const struct referee *r, const struct evaluation *own, enum tie_policy ties)
{
	struct beside b = { own, ties, NULL, js_array() };
	struct js *v = js_object();

	js_put(v, "tool", js_string(r->tool->name));
	js_put(v, "source", js_string(r->tool->source));
	js_put(v, "users", js_int((int64_t)r->users));
	js_put(v, "ties", js_string(r->tool->ties));
	for_each(r, append_row, &b);
	js_put(v, "metrics", b.array);
	return v;
}
