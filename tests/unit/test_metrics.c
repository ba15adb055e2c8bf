/* metrics: cases worked out by hand, and random lists against every order of the tied, one by one. */
#include "rank/metrics.h"

#include "base/rng.h"
#include "check.h"

#include <math.h>
#include <string.h>

enum { MOST = 7 }; /* candidates of a random list: 5040 orders */

static const struct metrics_cutoffs cutoffs = { { 1, 2, 3, 5, 100 }, 5 };

static void near(double got, double want, const char *what)
{
	CHECK(fabs(got - want) < 1e-12, "%s: %.15g, expected %.15g", what, got, want);
}

/* One positive, tied with three negatives at the top of ten candidates, the second of the four by
   item id. */
static void test_one_positive(void)
{
	struct rank rows[] = { { 0, 5, 0, 3, 1, 10 } };
	struct metrics_user u;
	size_t n = 1;

	CHECK(metrics_prepare(rows, &n) == NULL, "one positive: no fault");
	metrics_user(&cutoffs, rows, n, &u);
	near(u.by[TIES_MEAN].at[1][METRIC_HR], 2 / 4.0, "mean HR@2");
	near(u.by[TIES_MEAN].at[1][METRIC_NDCG], (1 + 1 / log2(3)) / 4, "mean NDCG@2");
	near(u.by[TIES_MEAN].at[1][METRIC_MRR], (1 + 1 / 2.0) / 4, "mean MRR@2");
	near(u.by[TIES_MEAN].at[1][METRIC_MAP], (1 + 1 / 2.0) / 4, "mean MAP@2");
	near(u.by[TIES_MEAN].at[1][METRIC_PRECISION], 1 / 4.0, "mean precision@2");
	near(u.by[TIES_MEAN].at[1][METRIC_RECALL], 2 / 4.0, "mean recall@2");
	near(u.by[TIES_MEAN].auc, (6 + 1.5) / 9, "mean AUC");
	near(u.by[TIES_WORST].at[2][METRIC_HR], 0, "worst HR@3");
	near(u.by[TIES_WORST].at[3][METRIC_NDCG], 1 / log2(5), "worst NDCG@5");
	near(u.by[TIES_WORST].at[3][METRIC_MRR], 1 / 4.0, "worst MRR@5");
	near(u.by[TIES_WORST].auc, 6 / 9.0, "worst AUC");
	near(u.by[TIES_BEST].at[0][METRIC_NDCG], 1, "best NDCG@1");
	near(u.by[TIES_BEST].at[3][METRIC_PRECISION], 1 / 5.0, "best precision@5");
	near(u.by[TIES_BEST].auc, 1, "best AUC");
	near(u.by[TIES_ID].at[0][METRIC_HR], 0, "id HR@1");
	near(u.by[TIES_ID].at[1][METRIC_NDCG], 1 / log2(3), "id NDCG@2");
	near(u.by[TIES_ID].at[1][METRIC_MAP], 1 / 2.0, "id MAP@2");
	near(u.by[TIES_ID].auc, 8 / 9.0, "id AUC");
	near(u.tied, 3 / 9.0, "share of the other candidates tied");
}

/*
 * Two positives and a negative tied at the top, a negative below: the positives stand at {0,1}, {0,2}
 * or {1,2}, with probability 1/3 each. By item id: negative, positive, positive.
 */
static void test_two_tied_positives(void)
{
	struct rank rows[] = { { 0, 9, 0, 2, 2, 4 }, { 0, 4, 0, 2, 1, 4 } };
	const double second = 1 / log2(3), third = 1 / log2(4), ideal = 1 + second;
	struct metrics_user u;
	size_t n = 2;

	CHECK(metrics_prepare(rows, &n) == NULL && rows[0].item == 4, "two tied: sorted by item");
	metrics_user(&cutoffs, rows, n, &u);
	near(u.by[TIES_MEAN].at[0][METRIC_HR], 2 / 3.0, "mean HR@1");
	near(u.by[TIES_MEAN].at[0][METRIC_NDCG], 2 / 3.0, "mean NDCG@1");
	near(u.by[TIES_MEAN].at[0][METRIC_MAP], 2 / 3.0, "mean MAP@1");
	near(u.by[TIES_MEAN].at[0][METRIC_RECALL], 1 / 3.0, "mean recall@1");
	near(u.by[TIES_MEAN].at[1][METRIC_HR], 1, "mean HR@2");
	near(u.by[TIES_MEAN].at[1][METRIC_MRR], (1 + 1 + 0.5) / 3, "mean MRR@2");
	near(u.by[TIES_MEAN].at[1][METRIC_MAP], (1 + 0.5 + 0.25) / 3, "mean MAP@2");
	near(u.by[TIES_MEAN].at[1][METRIC_NDCG], (ideal + 1 + second) / 3 / ideal, "mean NDCG@2");
	near(u.by[TIES_MEAN].at[1][METRIC_PRECISION], (2 + 1 + 1) / 2.0 / 3, "mean precision@2");
	near(u.by[TIES_MEAN].at[2][METRIC_MAP],
		(1 + (1 + 2 / 3.0) / 2 + (1 / 2.0 + 2 / 3.0) / 2) / 3, "mean MAP@3");
	near(u.by[TIES_MEAN].at[2][METRIC_RECALL], 1, "mean recall@3");
	near(u.by[TIES_MEAN].auc, 0.75, "mean AUC");
	near(u.by[TIES_WORST].at[2][METRIC_NDCG], (second + third) / ideal, "worst NDCG@3");
	near(u.by[TIES_WORST].auc, 0.5, "worst AUC");
	near(u.by[TIES_BEST].at[1][METRIC_MAP], 1, "best MAP@2");
	near(u.by[TIES_BEST].auc, 1, "best AUC");
	near(u.by[TIES_ID].at[1][METRIC_MAP], 0.25, "id MAP@2");
	near(u.by[TIES_ID].at[2][METRIC_MRR], 0.5, "id MRR@3");
	near(u.by[TIES_ID].auc, 0.5, "id AUC");
}

/* A positive above two negatives, and one outside the candidates. */
static void test_outside(void)
{
	struct rank rows[] = { { 0, 7, 3, 0, 0, 3 }, { 0, 8, 0, 0, 0, 3 } };
	struct metrics_user u;
	size_t n = 2;

	CHECK(metrics_prepare(rows, &n) == NULL, "outside: no fault");
	metrics_user(&cutoffs, rows, n, &u);
	for (unsigned p = 0; p < NUM_TIE_POLICIES; p++) {
		near(u.by[p].auc, 0.5, "AUC");
		near(u.by[p].at[4][METRIC_HR], 1, "HR@100");
		near(u.by[p].at[4][METRIC_RECALL], 0.5, "recall@100");
		near(u.by[p].at[4][METRIC_MAP], 0.5, "MAP@100");
		near(u.by[p].at[4][METRIC_NDCG], 1 / (1 + 1 / log2(3)), "NDCG@100");
		near(u.by[p].at[0][METRIC_NDCG], 1, "NDCG@1");
	}
	CHECK(u.outside == 1 && u.negatives == 2, "outside: counted");
}

static void test_faults(void)
{
	static const struct rank cases[][2] = {
		{ { 0, 1, 2, 1, 0, 3 }, { 0, 2, 0, 0, 0, 3 } }, /* above and ties exceed */
		{ { 0, 1, 0, 1, 2, 3 }, { 0, 2, 2, 0, 0, 3 } }, /* ties_before exceeds */
		{ { 0, 1, 0, 0, 0, 3 }, { 0, 2, 1, 0, 0, 4 } }, /* candidates differ */
		{ { 0, 1, 0, 0, 0, 3 }, { 0, 1, 1, 0, 0, 3 } }, /* one item, two ranks */
		{ { 0, 1, 0, 1, 0, 3 }, { 0, 2, 1, 0, 0, 3 } }, /* groups overlap */
		{ { 0, 1, 0, 1, 0, 3 }, { 0, 2, 0, 1, 0, 3 } }, /* both first of their ties */
		{ { 0, 1, 3, 1, 0, 3 }, { 0, 2, 0, 0, 0, 3 } }, /* outside with ties */
	};

	for (size_t k = 0; k < sizeof(cases) / sizeof(*cases); k++) {
		struct rank rows[2];
		size_t n = 2;
		const char *fault;

		memcpy(rows, cases[k], sizeof(rows));
		fault = metrics_prepare(rows, &n);
		CHECK(fault != NULL, "fault %zu: %s", k, fault ? fault : "not seen");
	}
	{
		struct rank rows[] = { { 0, 1, 0, 0, 0, 3 }, { 0, 1, 0, 0, 0, 3 } };
		size_t n = 2;

		CHECK(metrics_prepare(rows, &n) == NULL && n == 1, "a row given twice counts once");
	}
}

/* A random list; outside positives are not in it. */
struct list {
	unsigned n, outside;
	int score[MOST];
	bool positive[MOST];
};

/* The metrics of one order, from their definitions. */
static void measure(const struct list *l, const unsigned *order, struct metrics_values *v)
{
	unsigned positives = l->outside, negatives = 0;
	double area = 0;

	for (unsigned k = 0; k < l->n; k++) {
		positives += l->positive[k];
		negatives += !l->positive[k];
	}
	for (unsigned a = 0; a < l->n; a++)
		for (unsigned b = a + 1; b < l->n; b++)
			area += l->positive[order[a]] && !l->positive[order[b]];
	v->auc = negatives ? area / positives / negatives : 0;
	for (unsigned c = 0; c < cutoffs.num; c++) {
		double hits = 0, dcg = 0, ideal = 0, precisions = 0, first = 0, *at = v->at[c];
		unsigned cutoff = cutoffs.value[c], most = positives < cutoff ? positives : cutoff;

		for (unsigned r = 0; r < cutoff && r < l->n; r++) {
			if (!l->positive[order[r]])
				continue;
			hits++;
			dcg += log(2) / log(r + 2);
			precisions += hits / (r + 1);
			first = first > 0 ? first : 1.0 / (r + 1);
		}
		for (unsigned r = 0; r < most; r++)
			ideal += log(2) / log(r + 2);
		at[METRIC_HR] = hits > 0;
		at[METRIC_NDCG] = dcg / ideal;
		at[METRIC_MRR] = first;
		at[METRIC_MAP] = precisions / most;
		at[METRIC_PRECISION] = hits / cutoff;
		at[METRIC_RECALL] = hits / positives;
	}
}

/* All orders seen so far: sum, least, greatest. */
struct orders {
	double num;
	struct metrics_values sum, least, greatest;
};

static void orders_add(struct orders *o, const struct metrics_values *v)
{
	const double *from = (const double *)v;
	double *sum = (double *)&o->sum, *least = (double *)&o->least,
	       *greatest = (double *)&o->greatest;

	for (size_t k = 0; k < sizeof(*v) / sizeof(double); k++) {
		sum[k] += from[k];
		least[k] = o->num == 0 || from[k] < least[k] ? from[k] : least[k];
		greatest[k] = o->num == 0 || from[k] > greatest[k] ? from[k] : greatest[k];
	}
	o->num++;
}

/* Every order with descending scores; the first place filled is `k`. */
static void enumerate(
	const struct list *l, unsigned *order, unsigned k, unsigned used, struct orders *o)
{
	struct metrics_values v = { 0 };

	if (k == l->n) {
		measure(l, order, &v);
		orders_add(o, &v);
		return;
	}
	for (unsigned i = 0; i < l->n; i++) {
		if (used >> i & 1 || (k > 0 && l->score[i] > l->score[order[k - 1]]))
			continue;
		order[k] = i;
		enumerate(l, order, k + 1, used | 1u << i, o);
	}
}

static size_t rank_rows(const struct list *l, struct rank *rows)
{
	size_t num = 0;

	for (unsigned k = 0; k < l->n; k++) {
		struct rank r = { 0, k, 0, 0, 0, l->n };

		for (unsigned i = 0; i < l->n; i++) {
			r.above += l->score[i] > l->score[k];
			r.ties += i != k && l->score[i] == l->score[k];
			r.ties_before += i < k && l->score[i] == l->score[k];
		}
		if (l->positive[k])
			rows[num++] = r;
	}
	for (unsigned k = 0; k < l->outside; k++)
		rows[num++] = (struct rank){ 0, 100 + k, l->n, 0, 0, l->n };
	return num;
}

/* The first value in which a and b differ, or -1. */
static int differs(const struct metrics_values *a, const struct metrics_values *b, double scale)
{
	const double *x = (const double *)a, *y = (const double *)b;

	for (size_t k = 0; k < sizeof(*a) / sizeof(double); k++)
		if (fabs(x[k] - y[k] * scale) > 1e-12)
			return (int)k;
	return -1;
}

static int check_list(const struct list *l)
{
	struct rank rows[2 * MOST];
	struct orders o = { 0 };
	struct metrics_values by_id = { 0 };
	struct metrics_user u;
	unsigned order[MOST];
	size_t n = rank_rows(l, rows);
	int bad;

	if (n == 0)
		return -1;
	enumerate(l, order, 0, 0, &o);
	for (unsigned k = 0; k < l->n; k++) { /* by descending score, then ascending id */
		unsigned place = 0;

		for (unsigned i = 0; i < l->n; i++)
			place += l->score[i] > l->score[k] || (i < k && l->score[i] == l->score[k]);
		order[place] = k;
	}
	measure(l, order, &by_id);
	if (metrics_prepare(rows, &n) != NULL)
		return 1000;
	metrics_user(&cutoffs, rows, n, &u);
	bad = differs(&u.by[TIES_MEAN], &o.sum, 1 / o.num);
	bad = bad < 0 ? differs(&u.by[TIES_WORST], &o.least, 1) : bad;
	bad = bad < 0 ? differs(&u.by[TIES_BEST], &o.greatest, 1) : bad;
	return bad < 0 ? differs(&u.by[TIES_ID], &by_id, 1) : bad;
}

static void test_all_orders(void)
{
	struct rng r;
	int bad = -1;
	unsigned k;

	for (k = 0; k < 2000 && bad < 0; k++) {
		struct list l;

		rng_start(&r, 1, RNG_TEST, 0, k);
		l.n = rng_below(&r, MOST + 1);
		l.outside = rng_below(&r, 4) == 0 ? 1 + rng_below(&r, 2) : 0;
		for (unsigned i = 0; i < l.n; i++) {
			l.score[i] = (int)rng_below(&r, 1 + k % 4);
			l.positive[i] = rng_below(&r, 2);
		}
		bad = check_list(&l);
	}
	CHECK(bad < 0, "random lists against all their orders: list %u, value %d", k, bad);
}

int main(void)
{
	test_one_positive();
	test_two_tied_positives();
	test_outside();
	test_faults();
	test_all_orders();
	return CHECK_EXIT;
}
