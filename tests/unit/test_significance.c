/*
 * significance: against numbers of SciPy 1.16 and statsmodels 0.14 (ttest_1samp, wilcoxon with
 * method="approx", t.sf, t.ppf, multipletests, bootstrap), every assignment of signs by brute force,
 * and the error of the first kind in simulated experiments without a difference.
 */
#include "rank/significance.h"

#include "base/pool.h"
#include "base/rng.h"
#include "check.h"

#include <math.h>
#include <string.h>

static struct pool *pool;

static void near(double got, double want, double tolerance, const char *what)
{
	CHECK(fabs(got - want) <= tolerance * fabs(want), "%s: %.15g, expected %.15g", what, got,
		want);
}

/* The generator that the numbers of SciPy were made from. */
static double next(uint32_t *x)
{
	*x = (*x * 1103515245u + 12345u) & 0x7fffffff;
	return *x / 2147483648.0;
}

static void test_student(void)
{
	static const double cases[][4] = { /* degrees, p of 2.1, 0.975 and 0.8 quantiles */
		{ 1, 0.282926056243018, 12.706204736174694, 1.3763819204711738 },
		{ 2, 0.1705498691899675, 4.302652729749462, 1.0606601717798214 },
		{ 3, 0.1265652025496846, 3.1824463052837078, 0.9784723123633042 },
		{ 10, 0.06207724420221853, 2.228138851986274, 0.8790578285505889 },
		{ 942, 0.035994281146031946, 1.962485503006619, 0.8420029720895308 },
		{ 1e5, 0.035731339632296834, 1.9599877075346095, 0.8416248279969009 }
	};

	for (size_t k = 0; k < sizeof(cases) / sizeof(*cases); k++) {
		near(significance_student_p(2.1, cases[k][0]), cases[k][1], 1e-9, "Student's p");
		near(significance_student_p(-2.1, cases[k][0]), cases[k][1], 1e-9,
			"Student's p of a negative t");
		near(significance_student_quantile(0.975, cases[k][0]), cases[k][2], 1e-9,
			"Student's 0.975 quantile");
		near(significance_student_quantile(0.8, cases[k][0]), cases[k][3], 1e-9,
			"Student's 0.8 quantile");
	}
	near(significance_student_p(40, 1000), 1.0478852155173272e-209, 1e-9, "Student's far tail");
}

/* Rounded values with ties and zeros; -1, 0 and 1, as a hit rate has them; few values. */
static void test_paired(void)
{
	double a[40], b[200], c[12];
	uint32_t x = 1, y = 3;

	for (unsigned k = 0; k < 40; k++)
		a[k] = round((next(&x) - .45) * 100) / 100;
	x = 2;
	for (unsigned k = 0; k < 200; k++)
		b[k] = (next(&x) < .2) - (next(&y) < .1);
	x = 4;
	for (unsigned k = 0; k < 12; k++)
		c[k] = next(&x) - .3;
	near(significance_t(a, 40), 0.030627490156998043, 1e-9, "t, 40 values");
	near(significance_t(b, 200), 0.005134702456792215, 1e-9, "t, hits");
	near(significance_t(c, 12), 0.5842126515845906, 1e-9, "t, 12 values");
	near(significance_wilcoxon(a, 40), 0.03842765614911229, 1e-9, "Wilcoxon, 40 values");
	near(significance_wilcoxon(b, 200), 0.005410533856084873, 1e-9, "Wilcoxon, hits");
	near(significance_wilcoxon(c, 12), 0.875329249147922, 1e-9, "Wilcoxon, 12 values");
	near(significance_detectable(a, 40), 0.12040950778693799, 1e-9, "detectable, 40 values");
	near(significance_detectable(b, 200), 0.1044641188412827, 1e-9, "detectable, hits");
	near(significance_detectable(c, 12), 0.2569454685822665, 1e-9, "detectable, 12 values");
}

/* Equal on paper, unlike in the last bit. */
static void test_rounded(void)
{
	const double rounded[] = { .3 - .2, .1, -(.2 - .1), .7 - .6, .4 - .1, -.2, .1 + .2 - .3 },
		     exact[] = { .1, .1, -.1, .1, .3, -.2, 0 };

	CHECK(rounded[0] != exact[0] && rounded[6] != 0, "the last bits differ");
	near(significance_wilcoxon(rounded, 7), significance_wilcoxon(exact, 7), 1e-12,
		"Wilcoxon of values with rounding errors");
}

static void test_degenerate(void)
{
	const double zeros[] = { 0, 0, 0 }, equal[] = { .1, .1, .1 };

	CHECK(significance_t(zeros, 3) == 1 && significance_wilcoxon(zeros, 3) == 1,
		"no difference at all: p = 1");
	CHECK(significance_t(equal, 3) == 0, "the same difference for all: t has p = 0");
	near(significance_wilcoxon(equal, 3), erfc(sqrt(1.5)), 1e-12,
		"and Wilcoxon's three ranks on one side lie sqrt(3) sd off");
}

static void test_holm(void)
{
	double p[] = { .01, .04, .03, .005, .5 };
	const double want[] = { .04, .09, .09, .025, .5 };

	significance_holm(p, 5);
	for (unsigned k = 0; k < 5; k++)
		near(p[k], want[k], 1e-12, "Holm");
}

/* Two columns, so that a mix-up of them shows; all 4096 assignments of signs. */
static void test_randomization(void)
{
	double value[24], sum[2] = { 0, 0 }, p[2], exact[2] = { 0, 0 };
	uint32_t x = 4;

	for (unsigned u = 0; u < 12; u++) {
		value[2 * u] = next(&x) - .3;
		value[2 * u + 1] = u % 4 ? 1 : -1;
		sum[0] += value[2 * u];
		sum[1] += value[2 * u + 1];
	}
	for (unsigned signs = 0; signs < 4096; signs++) {
		double s[2] = { 0, 0 };

		for (unsigned u = 0; u < 12; u++)
			for (unsigned c = 0; c < 2; c++)
				s[c] += signs >> u & 1 ? value[2 * u + c] : -value[2 * u + c];
		for (unsigned c = 0; c < 2; c++)
			exact[c] += (fabs(s[c]) >= fabs(sum[c]) - 1e-9) / 4096.0;
	}
	near(exact[0], 0.5830078125, 1e-12, "brute force is SciPy's");
	significance_randomization(&(struct significance_columns){ value, 12, 2 },
		&(struct significance_resampling){ 100000, 1, pool }, p);
	near(p[0], exact[0], 0.015, "randomization");
	near(p[1], exact[1], 0.04, "randomization, ties among the sums");
}

static void test_bootstrap(void)
{
	double value[80], low[2], high[2], again[4];
	uint32_t x = 1;

	for (unsigned u = 0; u < 40; u++) {
		value[2 * u] = round((next(&x) - .45) * 100) / 100;
		value[2 * u + 1] = 3;
	}
	const struct significance_columns columns = { value, 40, 2 };
	significance_bootstrap(
		&columns, &(struct significance_resampling){ 100000, 1, pool }, low, high);
	CHECK(fabs(low[0] - 0.013) < 0.002 && fabs(high[0] - 0.175) < 0.002,
		"bootstrap: [%.4f, %.4f], [0.0130, 0.1750] expected", low[0], high[0]);
	CHECK(low[1] == 3 && high[1] == 3, "bootstrap of a constant");
	struct pool *one = pool_new(1);
	significance_bootstrap(
		&columns, &(struct significance_resampling){ 100000, 1, one }, again, again + 2);
	pool_free(one);
	CHECK(memcmp(low, again, sizeof(low)) == 0 && memcmp(high, again + 2, sizeof(high)) == 0,
		"the same with one thread and with three");
}

/* 4000 experiments of 60 users without a difference: each test errs in 5 % of them, sd 0.35 %. */
static void test_first_kind(void)
{
	enum { EXPERIMENTS = 4000, USERS = 60 };
	static double value[USERS * EXPERIMENTS], p[EXPERIMENTS], low[EXPERIMENTS],
		high[EXPERIMENTS];
	const struct significance_columns columns = { value, USERS, EXPERIMENTS };
	const struct significance_resampling resampling = { 999, 1, pool };
	unsigned wrong[4] = { 0 };
	double d[USERS];
	struct rng r;

	rng_start(&r, 1, RNG_TEST, 0, 0);
	for (size_t k = 0; k < USERS * EXPERIMENTS; k++)
		value[k] = rng_normal(&r) + (rng_real(&r) < .5 ? -1 : 1);
	significance_randomization(&columns, &resampling, p);
	significance_bootstrap(&columns, &resampling, low, high);
	for (unsigned e = 0; e < EXPERIMENTS; e++) {
		for (unsigned u = 0; u < USERS; u++)
			d[u] = value[u * EXPERIMENTS + e];
		wrong[0] += significance_t(d, USERS) < .05;
		wrong[1] += significance_wilcoxon(d, USERS) < .05;
		wrong[2] += p[e] < .05;
		wrong[3] += low[e] > 0 || high[e] < 0;
	}
	static const char *const names[] = { "t", "Wilcoxon", "randomization", "bootstrap" };
	for (unsigned t = 0; t < 4; t++)
		CHECK(wrong[t] > EXPERIMENTS * .037 && wrong[t] < EXPERIMENTS * .067,
			"error of the first kind, %s: %.2f %%", names[t],
			100.0 * wrong[t] / EXPERIMENTS);
}

int main(void)
{
	pool = pool_new(3);
	test_student();
	test_paired();
	test_rounded();
	test_degenerate();
	test_holm();
	test_randomization();
	test_bootstrap();
	test_first_kind();
	pool_free(pool);
	return CHECK_EXIT;
}
