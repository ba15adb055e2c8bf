#include "rank/comparison.h"

#include "base/js.h"
#include "stream/stream.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_SIZE = 24, P_SIZE = 16 };

/* "NDCG@10" */
static void metric_name(const struct comparison *c, unsigned metric, char name[NAME_SIZE])
{
	const struct evaluation_name n = c->metric[metric];

	if (n.metric == METRIC_AUC)
		snprintf(name, NAME_SIZE, "%s", metric_names[METRIC_AUC]);
	else
		snprintf(name, NAME_SIZE, "%s@%" PRIu32, metric_names[n.metric],
			c->cutoffs.value[n.cutoff]);
}

static const char *p_text(double p, char text[P_SIZE])
{
	snprintf(text, P_SIZE, p < 0.00005 ? "<.0001" : "%.4f", p);
	return text;
}

static void print_pair(const struct comparison_pair *p, struct stream_out *out)
{
	char t[P_SIZE], wilcoxon[P_SIZE], randomization[P_SIZE], holm[P_SIZE];

	stream_printf(out, "%c - %c  %+.4f [%+.4f, %+.4f]  %6s  %8s  %7s  %6s  %10.4f\n",
		(char)('A' + p->b), (char)('A' + p->a), p->difference, p->low, p->high,
		p_text(p->t, t), p_text(p->wilcoxon, wilcoxon),
		p_text(p->randomization, randomization), p_text(p->holm_randomization, holm),
		p->detectable);
}

static void print_metric(const struct comparison *c, const struct comparison_result *result,
	unsigned metric, struct stream_out *out)
{
	char name[NAME_SIZE];

	metric_name(c, metric, name);
	stream_printf(out, "\n%s\n", name);
	for (unsigned s = 0; s < c->num_systems; s++) {
		const size_t k = (size_t)metric * c->num_systems + s;

		stream_printf(out, "%c       %.4f [%.4f, %.4f]    %s\n", (char)('A' + s),
			result->mean[k], result->low[k], result->high[k], c->system[s].name);
	}
	stream_printf(out, "                                   %6s  %8s  %7s  %6s  %10s\n", "t",
		"Wilcoxon", "random.", "Holm", "detectable");
	for (size_t k = 0; k < result->num_pairs; k++)
		if (result->pair[k].metric == metric)
			print_pair(&result->pair[k], out);
}

void comparison_table(const struct comparison *c, const struct comparison_result *result,
	const struct significance_resampling *r, struct stream_out *out)
{
	stream_printf(out, "users       %zu, the same positives in all\n", c->num_users);
	stream_printf(out, "ties        %s\n", tie_policy_names[c->ties]);
	stream_printf(out, "intervals   95 %%, of %" PRIu32 " bootstrap resamples of the users\n",
		r->resamples);
	stream_printf(out,
		"p values    two-sided; Holm's is the randomization test's, for %zu comparisons\n",
		result->num_pairs);
	for (unsigned m = 0; m < c->num_metrics; m++)
		print_metric(c, result, m, out);
}

static struct js *interval(double low, double high)
{
	struct js *v = js_array();

	js_append(v, js_real(low));
	js_append(v, js_real(high));
	return v;
}

static struct js *system_json(
	const struct comparison *c, const struct comparison_result *result, unsigned s)
{
	struct js *v = js_object(), *metrics = js_object();
	char name[NAME_SIZE];

	js_put(v, "name", js_string(c->system[s].name));
	for (unsigned m = 0; m < c->num_metrics; m++) {
		const size_t k = (size_t)m * c->num_systems + s;
		struct js *one = js_object();

		metric_name(c, m, name);
		js_put(one, "mean", js_real(result->mean[k]));
		js_put(one, "interval", interval(result->low[k], result->high[k]));
		js_put(metrics, name, one);
	}
	js_put(v, "metrics", metrics);
	return v;
}

static struct js *pair_json(const struct comparison *c, const struct comparison_pair *p)
{
	struct js *v = js_object(), *one = js_object(), *holm = js_object();
	char name[NAME_SIZE];

	metric_name(c, p->metric, name);
	js_put(v, "metric", js_string(name));
	js_put(v, "a", js_string(c->system[p->a].name));
	js_put(v, "b", js_string(c->system[p->b].name));
	js_put(v, "difference", js_real(p->difference));
	js_put(v, "interval", interval(p->low, p->high));
	js_put(one, "t", js_real(p->t));
	js_put(one, "wilcoxon", js_real(p->wilcoxon));
	js_put(one, "randomization", js_real(p->randomization));
	js_put(v, "p", one);
	js_put(holm, "t", js_real(p->holm_t));
	js_put(holm, "wilcoxon", js_real(p->holm_wilcoxon));
	js_put(holm, "randomization", js_real(p->holm_randomization));
	js_put(v, "holm", holm);
	js_put(v, "detectable", js_real(p->detectable));
	return v;
}

void comparison_json(const struct comparison *c, const struct comparison_result *result,
	const struct significance_resampling *r, struct stream_out *out)
{
	struct js *v = js_object(), *systems = js_array(), *pairs = js_array();
	char *text;

	js_put(v, "users", js_int((int64_t)c->num_users));
	js_put(v, "ties", js_string(tie_policy_names[c->ties]));
	js_put(v, "resamples", js_int(r->resamples));
	js_put(v, "seed", js_int((int64_t)r->seed));
	for (unsigned s = 0; s < c->num_systems; s++)
		js_append(systems, system_json(c, result, s));
	for (size_t k = 0; k < result->num_pairs; k++)
		js_append(pairs, pair_json(c, &result->pair[k]));
	js_put(v, "systems", systems);
	js_put(v, "comparisons", pairs);
	text = js_dump(v, true);
	stream_printf(out, "%s\n", text);
	free(text);
	js_free(v);
}
