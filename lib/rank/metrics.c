#include "rank/metrics.h"

#include "base/mem.h"
#include "rank/placement.h"

#include <stdlib.h>
#include <string.h>

const char *const tie_policy_names[] = { "mean", "worst", "best", "id", NULL };
const char *const metric_names[] = { "HR", "NDCG", "MRR", "MAP", "precision", "recall", "AUC",
	NULL };

static uint32_t min32(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static int by_item(const void *a, const void *b)
{
	const struct rank *x = a, *y = b;

	return (x->item > y->item) - (x->item < y->item);
}

static int by_above(const void *a, const void *b)
{
	const struct rank *x = a, *y = b;

	if (x->above != y->above)
		return x->above > y->above ? 1 : -1;
	return by_item(a, b);
}

static bool is_outside(const struct rank *r)
{
	return r->above == r->candidates;
}

/* What is wrong with a row by itself, or NULL. */
static const char *row_fault(const struct rank *r)
{
	if (is_outside(r))
		return r->ties ? "an item outside the candidates has ties" : NULL;
	if ((uint64_t)r->above + r->ties + 1 > r->candidates)
		return "above and ties exceed the candidates";
	if (r->ties_before > r->ties)
		return "ties_before exceeds ties";
	return NULL;
}

/* What is wrong with two rows that follow each other in (above, item) order, or NULL. */
static const char *pair_fault(const struct rank *a, const struct rank *b)
{
	if (is_outside(b))
		return NULL;
	if (a->above == b->above) {
		if (a->ties != b->ties || a->ties_before >= b->ties_before)
			return "positives of one score disagree on its ties";
	} else if ((uint64_t)a->above + a->ties + 1 > b->above) {
		return "groups of tied items overlap";
	}
	return NULL;
}

/* Drop equal rows from rows sorted by item. */
static const char *drop_repeats(struct rank *rows, size_t *n)
{
	size_t kept = 1;

	for (size_t k = 1; k < *n; k++) {
		if (rows[k].item != rows[kept - 1].item)
			rows[kept++] = rows[k];
		else if (memcmp(&rows[k], &rows[kept - 1], sizeof(*rows)) != 0)
			return "an item is given twice with different ranks";
	}
	*n = kept;
	return NULL;
}

const char *metrics_prepare(struct rank *rows, size_t *n)
{
	const char *fault = NULL;

	qsort(rows, *n, sizeof(*rows), by_item);
	fault = drop_repeats(rows, n);
	qsort(rows, *n, sizeof(*rows), by_above);
	for (size_t k = 0; k < *n && !fault; k++) {
		fault = row_fault(&rows[k]);
		if (!fault && rows[k].candidates != rows[0].candidates)
			fault = "the number of candidates differs within a user";
		if (!fault && k > 0)
			fault = pair_fault(&rows[k - 1], &rows[k]);
	}
	return fault;
}

/* The metrics at one cutoff that follow from sums; `positives` is P. */
static void finish(
	double *at, uint32_t cutoff, uint32_t positives, double hits, double dcg, double ap)
{
	uint32_t most = min32(positives, cutoff);

	at[METRIC_NDCG] = dcg / placement_ideal_gain(most);
	at[METRIC_MAP] = ap / most;
	at[METRIC_PRECISION] = hits / cutoff;
	at[METRIC_RECALL] = hits / positives;
}

/* All metrics at one cutoff when the order is fixed: r[0..n-1] are positions, ascending. */
static void fixed_at(double *at, uint32_t cutoff, uint32_t positives, const uint32_t *r, size_t n)
{
	size_t hits = 0;
	double dcg = 0, ap = 0;

	for (; hits < n && r[hits] < cutoff; hits++) {
		dcg += placement_gain(r[hits]);
		ap += (hits + 1.0) / (r[hits] + 1.0);
	}
	at[METRIC_HR] = hits > 0;
	at[METRIC_MRR] = hits > 0 ? 1 / (r[0] + 1.0) : 0;
	finish(at, cutoff, positives, (double)hits, dcg, ap);
}

/* Expected HR and MRR from the first group. */
static void first_hit(double *at, uint32_t cutoff, const struct tied_group *g)
{
	uint32_t h = g->a < cutoff ? min32(cutoff - g->a, g->t) : 0;
	double none = 1, p = (double)g->m / g->t, mrr = 0;

	for (uint32_t i = 0; i < g->m && none > 0; i++)
		none *= i < g->t - h ? (double)(g->t - h - i) / (g->t - i) : 0;
	for (uint32_t t = 0; t < h && p > 0; t++) {
		mrr += p / (g->a + t + 1.0);
		p *= t + 1 < g->t ? (double)(g->t - g->m - t) / (g->t - 1 - t) : 0;
	}
	at[METRIC_HR] = 1 - none;
	at[METRIC_MRR] = mrr;
}

/* All metrics at one cutoff in expectation over the orders of the tied. */
static void expected_at(double *at, uint32_t cutoff, uint32_t positives,
	const struct tied_group *group, size_t num_groups)
{
	double hits = 0, dcg = 0, ap = 0;

	for (size_t k = 0; k < num_groups && group[k].a < cutoff; k++) {
		const struct tied_group *g = &group[k];
		uint32_t h = min32(cutoff - g->a, g->t);
		double share = (double)g->m / g->t;
		double more = g->t > 1 ? (g->m - 1.0) / (g->t - 1.0) : 0;

		hits += share * h;
		for (uint32_t t = 0; t < h; t++) {
			dcg += share * placement_gain(g->a + t);
			ap += share * (g->before + 1 + t * more) / (g->a + t + 1.0);
		}
	}
	at[METRIC_HR] = at[METRIC_MRR] = 0;
	if (num_groups > 0)
		first_hit(at, cutoff, &group[0]);
	finish(at, cutoff, positives, hits, dcg, ap);
}

/* AUC under every policy, from the rows and groups of the n positives among the candidates. */
static void areas(
	struct metrics_user *out, const struct rank *rows, const struct tied_group *group, size_t n)
{
	double worst = 0, best = 0, id = 0;
	double pairs = (double)out->positives * out->negatives;

	for (size_t k = 0; k < n; group++) {
		double below = out->negatives - (double)(group->a - group->before); /* or tied */

		for (uint32_t j = 0; j < group->m; j++, k++) {
			worst += below - (group->t - group->m);
			best += below;
			id += below - (rows[k].ties_before - j);
		}
	}
	if (out->negatives == 0)
		return;
	out->by[TIES_WORST].auc = worst / pairs;
	out->by[TIES_BEST].auc = best / pairs;
	out->by[TIES_ID].auc = id / pairs;
	out->by[TIES_MEAN].auc = (worst + best) / 2 / pairs;
}

void metrics_user(const struct metrics_cutoffs *k, const struct rank *rows, size_t n,
	struct metrics_user *out)
{
	const size_t inside = placement_inside(rows, n);
	size_t num_groups;
	struct tied_group *group = xmalloc(n, sizeof(*group));
	uint32_t *r = xmalloc(n, sizeof(*r));

	num_groups = placement_groups(rows, inside, group);
	*out = (struct metrics_user){ .positives = (uint32_t)n,
		.outside = (uint32_t)(n - inside),
		.candidates = rows[0].candidates,
		.negatives = rows[0].candidates - (uint32_t)inside };
	for (size_t j = 0; j < inside; j++)
		if (rows[j].candidates > 1)
			out->tied += rows[j].ties / (rows[j].candidates - 1.0) / (double)inside;

	for (unsigned p = 0; p < NUM_TIE_POLICIES; p++) {
		if (p != TIES_MEAN)
			placement_fix(p, rows, group, inside, r);
		for (unsigned c = 0; c < k->num; c++) {
			double *at = out->by[p].at[c];

			if (p == TIES_MEAN)
				expected_at(at, k->value[c], out->positives, group, num_groups);
			else
				fixed_at(at, k->value[c], out->positives, r, inside);
		}
	}
	areas(out, rows, group, inside);
	free(group);
	free(r);
}
