/*
 * sampled: a case worked out by hand, and random lists against every draw of their negatives: the
 * drawn list is measured by metrics_user.
 */
#include "rank/sampled.h"

#include "base/rng.h"
#include "check.h"

#include <math.h>
#include <string.h>

enum { MOST = 8 };

static const struct metrics_cutoffs cutoffs = { { 1, 2, 3, 100 }, 4 };

/* Four negatives of which two are above the positive; two are drawn: none, one or both of them are
   above with 1/6, 4/6, 1/6. */
static void test_by_hand(void)
{
	struct rank row = { 0, 3, 2, 0, 0, 5 };
	struct metrics_user u;
	struct sampled *s = sampled_new(2);
	const double *at;

	sampled_user(s, &cutoffs, &row, 1, &u);
	at = u.by[TIES_MEAN].at[1];
	CHECK(fabs(at[METRIC_HR] - 5 / 6.0) < 1e-12, "HR@2");
	CHECK(fabs(at[METRIC_NDCG] - (1 + 4 / log2(3)) / 6) < 1e-12, "NDCG@2");
	CHECK(fabs(at[METRIC_MRR] - (1 + 4 / 2.0) / 6) < 1e-12, "MRR@2");
	CHECK(fabs(u.by[TIES_MEAN].auc - 0.5) < 1e-12, "AUC");
	sampled_free(s);
	s = sampled_new(9); /* there are only four */
	sampled_user(s, &cutoffs, &row, 1, &u);
	at = u.by[TIES_MEAN].at[2];
	CHECK(fabs(at[METRIC_MRR] - 1 / 3.0) < 1e-12, "all negatives: MRR@3");
	CHECK(fabs(u.by[TIES_MEAN].at[1][METRIC_HR]) < 1e-12, "all negatives: HR@2");
	sampled_free(s);
}

/* A list; its first `outside` positives more are not in it. */
struct list {
	unsigned n, outside;
	int score[MOST];
	bool positive[MOST];
};

enum { VALUES = NUM_TIE_POLICIES * (METRICS_MAX_CUTOFFS * NUM_CUTOFF_METRICS + 1) };

static const double *values(const struct metrics_user *u)
{
	return (const double *)u->by;
}

/* The ranks of the positives among the items in `kept`, prepared; returns how many. */
static size_t rank_rows(const struct list *l, unsigned kept, struct rank *rows)
{
	const uint32_t candidates = (uint32_t)__builtin_popcount(kept);
	size_t num = 0;

	for (unsigned k = 0; k < l->n; k++) {
		struct rank r = { 0, k, 0, 0, 0, candidates };

		for (unsigned i = 0; i < l->n; i++) {
			if (!(kept >> i & 1))
				continue;
			r.above += l->score[i] > l->score[k];
			r.ties += i != k && l->score[i] == l->score[k];
			r.ties_before += i < k && l->score[i] == l->score[k];
		}
		if (l->positive[k])
			rows[num++] = r;
	}
	for (unsigned k = 0; k < l->outside; k++)
		rows[num++] = (struct rank){ 0, 100 + k, candidates, 0, 0, candidates };
	if (num > 0 && metrics_prepare(rows, &num) != NULL)
		num = 0;
	return num;
}

/* The sum of all metrics over the draws of n negatives; returns how many there are. */
static double all_draws(const struct list *l, unsigned positives, unsigned n, double *sum)
{
	double draws = 0;

	for (unsigned kept = 0; kept < 1u << l->n; kept++) {
		struct rank rows[2 * MOST];
		struct metrics_user u;

		if ((kept & positives) != positives ||
			(unsigned)__builtin_popcount(kept & ~positives) != n)
			continue;
		metrics_user(&cutoffs, rows, rank_rows(l, kept, rows), &u);
		for (size_t k = 0; k < VALUES; k++)
			sum[k] += values(&u)[k];
		draws++;
	}
	return draws;
}

static bool check_list(const struct list *l, unsigned negatives)
{
	const unsigned all = (1u << l->n) - 1;
	double sum[VALUES] = { 0 }, draws;
	unsigned positives = 0, num, n;
	struct rank rows[2 * MOST];
	struct metrics_user u;
	struct sampled *s;

	for (unsigned k = 0; k < l->n; k++)
		positives |= (unsigned)l->positive[k] << k;
	num = (unsigned)rank_rows(l, all, rows);
	if (num == 0)
		return true;
	n = (unsigned)__builtin_popcount(all & ~positives);
	n = num * negatives < n ? num * negatives : n;
	draws = all_draws(l, positives, n, sum);
	s = sampled_new(negatives);
	sampled_user(s, &cutoffs, rows, num, &u);
	sampled_free(s);
	for (size_t k = 0; k < VALUES; k++)
		if (fabs(values(&u)[k] - sum[k] / draws) > 1e-12)
			return false;
	return true;
}

static void test_all_draws(void)
{
	struct rng r;
	bool ok = true;
	unsigned k;

	for (k = 0; k < 1500 && ok; k++) {
		struct list l;

		rng_start(&r, 2, RNG_TEST, 0, k);
		l.n = rng_below(&r, MOST + 1);
		l.outside = rng_below(&r, 4) == 0 ? 1 + rng_below(&r, 2) : 0;
		for (unsigned i = 0; i < l.n; i++) {
			l.score[i] = (int)rng_below(&r, 1 + k % 5);
			l.positive[i] = rng_below(&r, 3) == 0;
		}
		ok = check_list(&l, 1 + rng_below(&r, 4));
	}
	CHECK(ok, "random lists against all draws: list %u", k);
}

/* Against a binomial with as many negatives that it does not matter, and no overflow. */
static void test_many(void)
{
	enum { ITEMS = 2000000, ABOVE = 100000, DRAWN = 99 };
	struct rank row = { 0, 3, ABOVE, 0, 0, ITEMS };
	struct sampled *s = sampled_new(DRAWN);
	struct metrics_user u;
	double p = ABOVE / (ITEMS - 1.0), hit = 0;

	sampled_user(s, &(struct metrics_cutoffs){ { 10 }, 1 }, &row, 1, &u);
	for (int x = 0; x < 10; x++)
		hit += exp(lgamma(DRAWN + 1.0) - lgamma(x + 1.0) - lgamma(DRAWN - x + 1.0) +
			   x * log(p) + (DRAWN - x) * log1p(-p));
	CHECK(fabs(u.by[TIES_ID].at[0][METRIC_HR] - hit) < 1e-4, "two million items: %.6f, %.6f",
		u.by[TIES_ID].at[0][METRIC_HR], hit);
	sampled_user(s, &(struct metrics_cutoffs){ { UINT32_MAX }, 1 }, &row, 1, &u);
	CHECK(fabs(u.by[TIES_ID].at[0][METRIC_HR] - 1) < 1e-12, "probabilities add up to 1");
	sampled_free(s);
}

static long double log_binomial(uint32_t n, uint32_t k)
{
	return lgammal(n + 1.0L) - lgammal(k + 1.0L) - lgammal(n - k + 1.0L);
}

/* The formulas of sampled.h as they stand, for the group g of m positives that is alone. */
struct by_formula {
	uint32_t negatives, drawn, above, tied, m;
};

static void add_term(double *sum, long double p, uint32_t j, uint32_t rank, uint32_t cutoff)
{
	if (rank > cutoff)
		return;
	sum[METRIC_RECALL] += (double)p;
	sum[METRIC_NDCG] += (double)(p / log2l(rank + 1.0L));
	sum[METRIC_MAP] += (double)(p * (j + 1) / rank);
	if (j == 0) {
		sum[METRIC_HR] += (double)p;
		sum[METRIC_MRR] += (double)(p / rank);
	}
}

static void sums_of(const struct by_formula *f, uint32_t cutoff, double *sum)
{
	const long double orders = log_binomial(f->tied + f->m, f->m);
	const long double draws = log_binomial(f->negatives, f->drawn);

	for (uint32_t j = 0; j < f->m; j++)
		for (uint32_t t = 0; t <= f->tied; t++) {
			const uint32_t x = f->above + t, rest = f->negatives - x;
			const long double order =
				log_binomial(t + j, j) - orders +
				log_binomial(f->tied - t + f->m - 1 - j, f->m - 1 - j);

			for (uint32_t k = 0; k <= x && k <= f->drawn && k + j < cutoff; k++)
				if (f->drawn - k <= rest)
					add_term(sum,
						expl(order + log_binomial(x, k) +
							log_binomial(rest, f->drawn - k) - draws),
						j, j + k + 1, cutoff);
		}
}

/* Thousands tied, more than every draw can be made of. */
static void test_many_tied(void)
{
	enum { ITEMS = 3000, MOST_TIED = 3, CUTOFF = 40, DRAWN = 30 };

	for (uint32_t m = 1; m <= MOST_TIED; m++) {
		struct by_formula f = { ITEMS - m, DRAWN * m, 700, 1500, m };
		struct rank rows[MOST_TIED];
		struct sampled *s = sampled_new(DRAWN);
		double sum[NUM_CUTOFF_METRICS] = { 0 }, ideal = 0;
		struct metrics_user u;

		for (uint32_t j = 0; j < m; j++) {
			rows[j] = (struct rank){ 0, j, f.above, f.tied + m - 1, 500 * j, ITEMS };
			ideal += 1 / log2(j + 2);
		}
		sampled_user(s, &(struct metrics_cutoffs){ { CUTOFF }, 1 }, rows, m, &u);
		sampled_free(s);
		sums_of(&f, CUTOFF, sum);
		sum[METRIC_PRECISION] = sum[METRIC_RECALL] / CUTOFF;
		sum[METRIC_RECALL] /= m;
		sum[METRIC_MAP] /= m;
		sum[METRIC_NDCG] /= ideal;
		for (unsigned k = 0; k < NUM_CUTOFF_METRICS; k++)
			CHECK(fabs(u.by[TIES_MEAN].at[0][k] - sum[k]) < 1e-12,
				"%u of 1500 tied: %s %.15f, by the formula %.15f", m,
				metric_names[k], u.by[TIES_MEAN].at[0][k], sum[k]);
	}
}

/* A hundred thousand items tied, ten thousand drawn, any cutoff: a second, not hours. */
static void test_long_list(void)
{
	enum { ITEMS = 1000000, TIED = 100000, DRAWN = 5000 };
	struct rank rows[2] = { { 0, 1, 500000, TIED - 1, 7, ITEMS },
		{ 0, 2, 500000, TIED - 1, 90000, ITEMS } };
	struct sampled *s = sampled_new(DRAWN);
	struct metrics_user u;
	const double *at;

	sampled_user(s, &(struct metrics_cutoffs){ { UINT32_MAX }, 1 }, rows, 2, &u);
	sampled_free(s);
	at = u.by[TIES_MEAN].at[0];
	CHECK(fabs(at[METRIC_HR] - 1) < 1e-12 && fabs(at[METRIC_RECALL] - 1) < 1e-12,
		"a long list: HR and recall are 1 at its end: %.15f %.15f", at[METRIC_HR],
		at[METRIC_RECALL]);
}

int main(void)
{
	test_by_hand();
	test_all_draws();
	test_many();
	test_many_tied();
	test_long_list();
	return CHECK_EXIT;
}
