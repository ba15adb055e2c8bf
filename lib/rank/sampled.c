#include "rank/sampled.h"

#include "base/mem.h"
#include "rank/placement.h"

#include <math.h>
#include <stdlib.h>

struct sampled {
	uint32_t negatives;    /* S */
	double *log_factorial; /* of 0 .. num - 1 */
	size_t num, capacity;
};

/* A user's list: what all its sums need. */
struct list {
	const double *log_factorial;
	const struct metrics_cutoffs *k;
	uint32_t negatives, drawn; /* N, n */
	double *at; /* (cutoffs, NUM_CUTOFF_METRICS): hits in precision, sums in NDCG and MAP */
};

struct sampled *sampled_new(uint32_t negatives)
{
	struct sampled *s = xcalloc(1, sizeof(*s));

	s->negatives = negatives;
	return s;
}

/* Have the factorials up to n. */
static void need(struct sampled *s, uint32_t n)
{
	if (s->num > n)
		return;
	s->log_factorial =
		xgrow(s->log_factorial, &s->capacity, (size_t)n + 1, sizeof(*s->log_factorial));
	for (; s->num <= n; s->num++)
		s->log_factorial[s->num] = lgamma((double)s->num + 1);
}

void sampled_free(struct sampled *s)
{
	free(s->log_factorial);
	free(s);
}

static double log_binomial(const double *log_factorial, uint32_t n, uint32_t k)
{
	return log_factorial[n] - log_factorial[k] - log_factorial[n - k];
}

/* Add positive j, with x negatives above in the whole list, times `weight`. */
static void add_positive(const struct list *l, double weight, uint32_t x, uint32_t j)
{
	const double *lf = l->log_factorial;
	const double all = log_binomial(lf, l->negatives, l->drawn);
	const uint32_t below = l->negatives - x;
	const uint32_t least = l->drawn > below ? l->drawn - below : 0,
		       most = x < l->drawn ? x : l->drawn;
	uint32_t last = 0;

	for (unsigned c = 0; c < l->k->num; c++)
		last = l->k->value[c] > last ? l->k->value[c] : last;
	for (uint32_t above = least; above <= most && (uint64_t)above + j < last; above++) {
		const double p = weight * exp(log_binomial(lf, x, above) +
						  log_binomial(lf, below, l->drawn - above) - all);
		const double gain = p * placement_gain(above + j), rank = above + j + 1.0;

		for (unsigned c = 0; c < l->k->num; c++) {
			double *at = l->at + (size_t)c * NUM_CUTOFF_METRICS;

			if (above + j >= l->k->value[c])
				continue;
			at[METRIC_PRECISION] += p;
			at[METRIC_NDCG] += gain;
			at[METRIC_MAP] += p * (j + 1) / rank;
			if (j == 0) {
				at[METRIC_HR] += p;
				at[METRIC_MRR] += p / rank;
			}
		}
	}
}

/* The positives of a group, over all orders of the tied. */
static void add_tied(const struct list *l, const struct tied_group *g)
{
	const uint32_t tied = g->t - g->m; /* negatives */
	const double all = log_binomial(l->log_factorial, g->t, g->m);

	for (uint32_t i = 0; i < g->m; i++) {
		for (uint32_t t = 0; t <= tied; t++) {
			const double weight = exp(
				log_binomial(l->log_factorial, t + i, i) +
				log_binomial(l->log_factorial, g->t - 1 - t - i, g->m - 1 - i) -
				all);

			add_positive(l, weight, g->a - g->before + t, g->before + i);
		}
	}
}

/* From sums to metrics. */
static void finish(const struct list *l, uint32_t positives)
{
	for (unsigned c = 0; c < l->k->num; c++) {
		double *at = l->at + (size_t)c * NUM_CUTOFF_METRICS;
		const uint32_t cutoff = l->k->value[c],
			       most = positives < cutoff ? positives : cutoff;

		at[METRIC_RECALL] = at[METRIC_PRECISION] / positives;
		at[METRIC_PRECISION] /= cutoff;
		at[METRIC_NDCG] /= placement_ideal_gain(most);
		at[METRIC_MAP] /= most;
	}
}

void sampled_user(struct sampled *s, const struct metrics_cutoffs *k, const struct rank *rows,
	size_t n, struct metrics_user *out)
{
	const size_t inside = placement_inside(rows, n);
	struct tied_group *group = xmalloc(n, sizeof(*group));
	uint32_t *position = xmalloc(n, sizeof(*position));
	const size_t num_groups = placement_groups(rows, inside, group);
	struct list l = { .k = k };

	metrics_user(&(struct metrics_cutoffs){ .num = 0 }, rows, n, out); /* all but the metrics */
	need(s, out->candidates);
	l.log_factorial = s->log_factorial;
	l.negatives = out->negatives;
	l.drawn =
		(uint64_t)s->negatives * n < l.negatives ? s->negatives * (uint32_t)n : l.negatives;
	for (unsigned p = 0; p < NUM_TIE_POLICIES; p++) {
		l.at = &out->by[p].at[0][0];
		if (p == TIES_MEAN) {
			for (size_t g = 0; g < num_groups; g++)
				add_tied(&l, &group[g]);
		} else {
			placement_fix(p, rows, group, inside, position);
			for (uint32_t j = 0; j < inside; j++)
				add_positive(&l, 1, position[j] - j, j);
		}
		finish(&l, out->positives);
	}
	free(group);
	free(position);
}
