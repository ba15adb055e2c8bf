#include "rank/significance.h"

#include "base/mem.h"
#include "base/pool.h"
#include "base/rng.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

static double mean_of(const double *d, size_t n)
{
	double sum = 0;

	for (size_t k = 0; k < n; k++)
		sum += d[k];
	return sum / (double)n;
}

/* The standard error of the mean; exactly 0 where all values are equal. */
static double standard_error(const double *d, size_t n)
{
	double mean = mean_of(d, n), sum = 0;
	bool equal = true;

	for (size_t k = 0; k < n; k++) {
		sum += (d[k] - mean) * (d[k] - mean);
		equal = equal && d[k] == d[0];
	}
	return equal ? 0 : sqrt(sum / (double)(n - 1) / (double)n);
}

/* The continued fraction of the incomplete beta function, by Lentz's method. */
static double beta_fraction(double a, double b, double x)
{
	const double tiny = DBL_MIN / DBL_EPSILON;
	double c = 1, d = 1 - (a + b) * x / (a + 1), f;

	d = 1 / (fabs(d) < tiny ? tiny : d);
	f = d;
	for (int m = 1; m < 10000; m++) {
		const double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
			     odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));

		d = 1 + even * d, c = 1 + even / c;
		d = 1 / (fabs(d) < tiny ? tiny : d), c = fabs(c) < tiny ? tiny : c;
		f *= d * c;
		d = 1 + odd * d, c = 1 + odd / c;
		d = 1 / (fabs(d) < tiny ? tiny : d), c = fabs(c) < tiny ? tiny : c;
		f *= d * c;
		if (fabs(d * c - 1) < 1e-15)
			break;
	}
	return f;
}

/* The regularized incomplete beta function I_x(a, b). */
static double beta(double a, double b, double x)
{
	if (x <= 0 || x >= 1)
		return x <= 0 ? 0 : 1;
	const double front =
		exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x));
	if (x < (a + 1) / (a + b + 2))
		return front * beta_fraction(a, b, x) / a;
	return 1 - front * beta_fraction(b, a, 1 - x) / b;
}

double significance_student_p(double t, double degrees)
{
	return beta(degrees / 2, 0.5, degrees / (degrees + t * t));
}

double significance_student_quantile(double p, double degrees)
{
	double low = -1e6, high = 1e6;

	for (int k = 0; k < 200; k++) {
		const double t = (low + high) / 2, tail = significance_student_p(t, degrees) / 2;

		*((t < 0 ? tail : 1 - tail) < p ? &low : &high) = t;
	}
	return (low + high) / 2;
}

double significance_t(const double *d, size_t n)
{
	const double mean = mean_of(d, n), error = standard_error(d, n);

	if (error == 0)
		return d[0] == 0 ? 1 : 0;
	return significance_student_p(mean / error, (double)(n - 1));
}

double significance_detectable(const double *d, size_t n)
{
	const double degrees = (double)(n - 1);

	return (significance_student_quantile(0.975, degrees) +
		       significance_student_quantile(0.8, degrees)) *
	       standard_error(d, n);
}

/* Differences of metrics that are equal on paper differ by rounding: 0.3 - 0.2 and 0.2 - 0.1. */
static const double rounding = 1e-12;

static int by_magnitude(const void *a, const void *b)
{
	const double x = fabs(*(const double *)a), y = fabs(*(const double *)b);

	return (x > y) - (x < y);
}

double significance_wilcoxon(const double *d, size_t n)
{
	double *sorted = xmalloc(n, sizeof(*sorted)), positive = 0, ties = 0;
	size_t m = 0;

	for (size_t k = 0; k < n; k++)
		if (fabs(d[k]) > rounding)
			sorted[m++] = d[k];
	qsort(sorted, m, sizeof(*sorted), by_magnitude);
	for (size_t from = 0, to; from < m; from = to) {
		for (to = from + 1; to < m && fabs(sorted[to]) - fabs(sorted[to - 1]) <= rounding;)
			to++;
		const double t = (double)(to - from), rank = (double)(from + to + 1) / 2;

		ties += t * t * t - t;
		for (size_t k = from; k < to; k++)
			positive += sorted[k] > 0 ? rank : 0;
	}
	free(sorted);
	if (m == 0)
		return 1;
	const double r = (double)m, mean = r * (r + 1) / 4,
		     variance = (r * (r + 1) * (2 * r + 1) - ties / 2) / 24;
	return erfc(fabs(positive - mean) / sqrt(variance) / sqrt(2));
}

struct ordered_p {
	double p;
	size_t place;
};

static int by_p(const void *a, const void *b)
{
	const struct ordered_p *x = a, *y = b;

	return (x->p > y->p) - (x->p < y->p);
}

void significance_holm(double *p, size_t m)
{
	struct ordered_p *sorted = xmalloc(m, sizeof(*sorted));
	double largest = 0;

	for (size_t k = 0; k < m; k++)
		sorted[k] = (struct ordered_p){ p[k], k };
	qsort(sorted, m, sizeof(*sorted), by_p);
	for (size_t k = 0; k < m; k++) {
		largest = fmax(largest, fmin(1, (double)(m - k) * sorted[k].p));
		p[sorted[k].place] = largest;
	}
	free(sorted);
}

enum { DRAWS_AT_A_TIME = 1024, SIGNS_AT_A_TIME = 32 };

struct resampling {
	const struct significance_columns *x;
	const struct significance_resampling *r;
	double *mean;		/* bootstrap: (num, resamples) */
	const double *observed; /* randomization: (num) |sum| less rounding */
	unsigned char *reached; /* (resamples, num) */
};

static void bootstrap_one(void *arg, size_t k, unsigned thread)
{
	const struct resampling *a = arg;
	const size_t num = a->x->num, users = a->x->users;
	double *sum = xcalloc(num, sizeof(*sum));
	struct rng rng;

	(void)thread;
	rng_start(&rng, a->r->seed, RNG_BOOTSTRAP, 0, k);
	for (size_t u = 0; u < users; u++) {
		if (u % DRAWS_AT_A_TIME == 0)
			rng_extend(&rng);
		const double *row = a->x->value + (size_t)rng_below(&rng, (uint32_t)users) * num;

		for (size_t c = 0; c < num; c++)
			sum[c] += row[c];
	}
	for (size_t c = 0; c < num; c++)
		a->mean[c * a->r->resamples + k] = sum[c] / (double)users;
	free(sum);
}

static int by_value(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* The p-quantile of n sorted values, linear between them. */
static double quantile(const double *sorted, size_t n, double p)
{
	const double at = p * (double)(n - 1);
	const size_t low = (size_t)at;

	if (low + 1 >= n)
		return sorted[n - 1];
	return sorted[low] + (at - (double)low) * (sorted[low + 1] - sorted[low]);
}

void significance_bootstrap(const struct significance_columns *x,
	const struct significance_resampling *r, double *low, double *high)
{
	struct resampling a = { .x = x, .r = r };

	a.mean = xmalloc(x->num * r->resamples, sizeof(*a.mean));
	pool_run(r->pool, r->resamples, bootstrap_one, &a);
	for (size_t c = 0; c < x->num; c++) {
		double *mean = a.mean + c * r->resamples;

		qsort(mean, r->resamples, sizeof(*mean), by_value);
		low[c] = quantile(mean, r->resamples, 0.025);
		high[c] = quantile(mean, r->resamples, 0.975);
	}
	free(a.mean);
}

static void randomize_one(void *arg, size_t k, unsigned thread)
{
	const struct resampling *a = arg;
	const size_t num = a->x->num, users = a->x->users;
	double *sum = xcalloc(num, sizeof(*sum));
	uint32_t signs = 0;
	struct rng rng;

	(void)thread;
	rng_start(&rng, a->r->seed, RNG_RANDOMIZATION, 0, k);
	for (size_t u = 0; u < users; u++) {
		const double *row = a->x->value + u * num;

		if (u % SIGNS_AT_A_TIME == 0) {
			rng_extend(&rng);
			signs = rng_u32(&rng);
		}
		const double sign = signs >> u % SIGNS_AT_A_TIME & 1 ? 1 : -1;
		for (size_t c = 0; c < num; c++)
			sum[c] += sign * row[c];
	}
	for (size_t c = 0; c < num; c++)
		a->reached[k * num + c] = fabs(sum[c]) >= a->observed[c];
	free(sum);
}

void significance_randomization(
	const struct significance_columns *x, const struct significance_resampling *r, double *p)
{
	double *observed = xcalloc(x->num, sizeof(*observed));
	struct resampling a = { .x = x, .r = r, .observed = observed };

	/* a sum that is equal but for the rounding of its order counts as reached */
	for (size_t c = 0; c < x->num; c++) {
		double sum = 0, magnitude = 0;

		for (size_t u = 0; u < x->users; u++) {
			sum += x->value[u * x->num + c];
			magnitude += fabs(x->value[u * x->num + c]);
		}
		observed[c] = fabs(sum) - 1e-12 * magnitude;
	}
	a.reached = xmalloc((size_t)r->resamples * x->num, 1);
	pool_run(r->pool, r->resamples, randomize_one, &a);
	for (size_t c = 0; c < x->num; c++) {
		uint32_t reached = 0;

		for (size_t k = 0; k < r->resamples; k++)
			reached += a.reached[k * x->num + c];
		p[c] = (reached + 1.0) / (r->resamples + 1.0);
	}
	free(a.reached);
	free(observed);
}
