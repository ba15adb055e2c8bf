/*
 * significance: is a mean difference between two systems, measured on the same users, more than
 * chance? d_u is the difference of user u, n >= 2 users; all tests are two-sided.
 *
 *   t              Student 1908: t = mean / (sd / sqrt(n)), n - 1 degrees of freedom, sd with n - 1.
 *                  p by the regularized incomplete beta function (DLMF 8.17.22)
 *   Wilcoxon       signed ranks (Wilcoxon 1945): zeros dropped, mid-ranks, normal approximation with
 *                  the correction for ties and none for continuity, as SciPy's method="approx";
 *                  what differs by 1e-12 or less is equal, since metrics are rounded
 *   randomization  the sign of every d_u is a coin (Fisher 1935; Smucker et al. 2007). Of R random
 *                  assignments b reach |mean|: p = (b + 1) / (R + 1) (Phipson & Smyth 2010)
 *   interval       percentile bootstrap over users (Efron & Tibshirani 1993, ch. 13), 95 %:
 *                  quantiles of R resampled means, linear between them
 *   detectable     the difference that a t test at 5 % finds with a power of 80 %:
 *                  (t_0.975 + t_0.8) sd / sqrt(n) (Cohen 1988)
 *   Holm           p values of m tests, sorted: the largest of (m - k + 1) p_(k) so far (Holm 1979)
 */
#ifndef SIGNIFICANCE_H
#define SIGNIFICANCE_H

#include <stddef.h>
#include <stdint.h>

struct pool;

/* 1 where all d are 0; 0 where all are equal and not 0. */
double significance_t(const double *d, size_t n);
double significance_wilcoxon(const double *d, size_t n); /* 1 where all d are 0 */
double significance_detectable(const double *d, size_t n);

/* Adjust m p values for being one family, in place. */
void significance_holm(double *p, size_t m);

/* The two-sided p of t, and the t that a fraction p < 1 of the distribution lies below. */
double significance_student_p(double t, double degrees);
double significance_student_quantile(double p, double degrees);

/* Columns of values per user: value[u * num + c]. */
struct significance_columns {
	const double *value;
	size_t users, num;
};

struct significance_resampling {
	uint32_t resamples; /* at least 1 */
	uint64_t seed;
	struct pool *pool; /* results do not depend on its threads */
};

/*
 * 95 % intervals of all columns' means, low[c] to high[c]. Every resample draws its users once, for
 * all columns. Memory: resamples x num doubles.
 */
void significance_bootstrap(const struct significance_columns *x,
	const struct significance_resampling *r, double *low, double *high);

/* The randomization test's p of every column, p[c]. */
void significance_randomization(
	const struct significance_columns *x, const struct significance_resampling *r, double *p);

#endif
