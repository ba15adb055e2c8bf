#include "rank/comparison.h"

#include "base/die.h"
#include "base/mem.h"
#include "rank/user_ranks.h"
#include "stream/record.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* What is read of one system. */
struct reading {
	const struct comparison *c;
	const char *name;
	struct comparison_user *user;
	double *value; /* (num, num_metrics), in the stream's order */
	size_t *order; /* users ascending */
	size_t num, user_capacity, value_capacity;
};

/* A bijection of 64-bit numbers without visible pattern (SplitMix64's; Steele et al. 2014). */
static uint64_t mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15;
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;
	return x ^ x >> 31;
}

static double value_of(const struct reading *r, uint32_t user, const struct metrics_user *u,
	struct evaluation_name name)
{
	const struct metrics_values *v = &u->by[r->c->ties];

	if (name.metric != METRIC_AUC)
		return v->at[name.cutoff][name.metric];
	if (u->negatives == 0)
		die("'%s': user %" PRIu32
		    " has no negative candidate, so that AUC is undefined: compare other metrics",
			r->name, user);
	return v->auc;
}

static void add_user(void *arg, uint32_t user, const struct rank *rows, size_t n)
{
	struct reading *r = arg;
	const unsigned num_metrics = r->c->num_metrics;
	struct metrics_user u;

	metrics_user(&r->c->cutoffs, rows, n, &u);
	r->user = xgrow(r->user, &r->user_capacity, r->num + 1, sizeof(*r->user));
	r->value =
		xgrow(r->value, &r->value_capacity, (r->num + 1) * num_metrics, sizeof(*r->value));
	struct comparison_user *to = &r->user[r->num];
	*to = (struct comparison_user){ user, u.positives, u.candidates, 0 };
	for (size_t k = 0; k < n; k++)
		to->digest += mix(rows[k].item);
	for (unsigned m = 0; m < num_metrics; m++)
		r->value[r->num * num_metrics + m] = value_of(r, user, &u, r->c->metric[m]);
	r->num++;
}

static int by_user(const void *a, const void *b)
{
	const struct comparison_user *x = *(const struct comparison_user *const *)a,
				     *y = *(const struct comparison_user *const *)b;

	return (x->user > y->user) - (x->user < y->user);
}

/* Users ascending, values with them. */
static void sort_users(struct reading *r)
{
	const unsigned num_metrics = r->c->num_metrics;
	const struct comparison_user **order = xmalloc(r->num, sizeof(*order));
	struct comparison_user *user = xmalloc(r->num, sizeof(*user));
	double *value = xmalloc(r->num * num_metrics, sizeof(*value));

	for (size_t k = 0; k < r->num; k++)
		order[k] = &r->user[k];
	qsort(order, r->num, sizeof(*order), by_user);
	for (size_t k = 0; k < r->num; k++) {
		user[k] = *order[k];
		memcpy(value + k * num_metrics,
			r->value + (size_t)(order[k] - r->user) * num_metrics,
			num_metrics * sizeof(*value));
	}
	free(order);
	free(r->user);
	free(r->value);
	r->user = user;
	r->value = value;
}

/* Dies where the users or their positives are not those of the first system. */
static void check_users(struct comparison *c, const struct reading *r)
{
	const char *first = c->system[0].name;

	for (size_t k = 0; k < c->num_users || k < r->num; k++) {
		const struct comparison_user *a = &c->user[k], *b = &r->user[k];

		if (k == c->num_users || (k < r->num && b->user < a->user))
			die("'%s' ranks user %" PRIu32
			    ", '%s' does not: a comparison needs the same users",
				r->name, b->user, first);
		if (k == r->num || a->user < b->user)
			die("'%s' ranks user %" PRIu32
			    ", '%s' does not: a comparison needs the same users",
				first, a->user, r->name);
		if (a->positives != b->positives || a->digest != b->digest)
			die("user %" PRIu32
			    " has other positives in '%s' than in '%s': a comparison needs the same test rows",
				a->user, r->name, first);
		c->other_candidates += a->candidates != b->candidates;
	}
}

void comparison_add(struct comparison *c, struct rec_reader *in, struct user_ranks_report *report)
{
	struct reading r = { .c = c, .name = rec_name(in) };

	if (c->num_systems == COMPARISON_MAX_SYSTEMS)
		BUG("%u systems", c->num_systems);
	user_ranks_read(in, &(struct user_ranks_use){ .each = add_user, .arg = &r }, report);
	if (r.num < 2)
		die("'%s' holds %s user with a positive: nothing to compare", r.name,
			r.num ? "one" : "no");
	sort_users(&r);
	if (c->num_systems == 0) {
		c->user = r.user;
		c->num_users = r.num;
	} else {
		check_users(c, &r);
		free(r.user);
	}
	c->system[c->num_systems++] = (struct comparison_system){ r.name, r.value };
}

void comparison_release(struct comparison *c)
{
	for (unsigned s = 0; s < c->num_systems; s++)
		free(c->system[s].value);
	free(c->user);
}

/* All columns that are resampled: every metric of every system, then the pairs' differences. */
static double *make_columns(const struct comparison *c, const struct comparison_result *result)
{
	const size_t own = (size_t)c->num_metrics * c->num_systems, num = own + result->num_pairs;
	double *x = xmalloc(c->num_users * num, sizeof(*x));

	for (size_t u = 0; u < c->num_users; u++) {
		double *row = x + u * num;

		for (unsigned m = 0; m < c->num_metrics; m++)
			for (unsigned s = 0; s < c->num_systems; s++)
				row[m * c->num_systems + s] =
					c->system[s].value[u * c->num_metrics + m];
		for (size_t k = 0; k < result->num_pairs; k++) {
			const struct comparison_pair *p = &result->pair[k];

			row[own + k] = row[p->metric * c->num_systems + p->b] -
				       row[p->metric * c->num_systems + p->a];
		}
	}
	return x;
}

static void list_pairs(const struct comparison *c, bool all_pairs, struct comparison_result *result)
{
	const size_t most = (size_t)c->num_metrics * c->num_systems * (c->num_systems - 1) / 2;

	result->pair = xcalloc(most, sizeof(*result->pair));
	result->num_pairs = 0;
	for (unsigned m = 0; m < c->num_metrics; m++)
		for (unsigned b = 1; b < c->num_systems; b++)
			for (unsigned a = 0; a < (all_pairs ? b : 1); a++)
				result->pair[result->num_pairs++] =
					(struct comparison_pair){ .metric = m, .a = a, .b = b };
}

/* The means of columns `from` to `from` + n. */
static void take_means(
	const double *x, size_t users, size_t num, size_t from, size_t n, double *mean)
{
	for (size_t c = 0; c < n; c++) {
		double sum = 0;

		for (size_t u = 0; u < users; u++)
			sum += x[u * num + from + c];
		mean[c] = sum / (double)users;
	}
}

/* The tests of one pair; `d` holds its differences. */
static void test_pair(struct comparison_pair *p, const double *d, size_t users)
{
	p->t = significance_t(d, users);
	p->wilcoxon = significance_wilcoxon(d, users);
	p->detectable = significance_detectable(d, users);
}

/* One family of each of the three tests. */
static void adjust(struct comparison_result *result)
{
	const size_t n = result->num_pairs;
	double *p = xmalloc(3 * n, sizeof(*p));

	for (size_t k = 0; k < n; k++) {
		p[k] = result->pair[k].t;
		p[n + k] = result->pair[k].wilcoxon;
		p[2 * n + k] = result->pair[k].randomization;
	}
	for (unsigned test = 0; test < 3; test++)
		significance_holm(p + test * n, n);
	for (size_t k = 0; k < n; k++) {
		result->pair[k].holm_t = p[k];
		result->pair[k].holm_wilcoxon = p[n + k];
		result->pair[k].holm_randomization = p[2 * n + k];
	}
	free(p);
}

/* Randomization test and the others, from the differences among the columns. */
static void run_tests(const struct significance_columns *x, size_t own,
	const struct significance_resampling *r, struct comparison_result *result)
{
	const size_t n = result->num_pairs;
	double *d = xmalloc(x->users * n, sizeof(*d)), *one = xmalloc(x->users, sizeof(*one)),
	       *p = xmalloc(n, sizeof(*p));

	for (size_t u = 0; u < x->users; u++)
		memcpy(d + u * n, x->value + u * x->num + own, n * sizeof(*d));
	significance_randomization(&(struct significance_columns){ d, x->users, n }, r, p);
	for (size_t k = 0; k < n; k++) {
		for (size_t u = 0; u < x->users; u++)
			one[u] = d[u * n + k];
		test_pair(&result->pair[k], one, x->users);
		result->pair[k].randomization = p[k];
	}
	adjust(result);
	free(d);
	free(one);
	free(p);
}

void comparison_run(const struct comparison *c, bool all_pairs,
	const struct significance_resampling *r, struct comparison_result *result)
{
	list_pairs(c, all_pairs, result);
	const size_t own = (size_t)c->num_metrics * c->num_systems, num = own + result->num_pairs;
	double *value = make_columns(c, result);
	const struct significance_columns x = { value, c->num_users, num };

	result->mean = xmalloc(num, sizeof(double));
	result->low = xmalloc(num, sizeof(double));
	result->high = xmalloc(num, sizeof(double));
	take_means(value, c->num_users, num, 0, num, result->mean);
	significance_bootstrap(&x, r, result->low, result->high);
	for (size_t k = 0; k < result->num_pairs; k++) {
		result->pair[k].difference = result->mean[own + k];
		result->pair[k].low = result->low[own + k];
		result->pair[k].high = result->high[own + k];
	}
	run_tests(&x, own, r, result);
	free(value);
}

void comparison_result_release(struct comparison_result *result)
{
	free(result->mean);
	free(result->low);
	free(result->high);
	free(result->pair);
}
