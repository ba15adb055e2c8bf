/*
 * real: exp, log and cos of our own against the C library in long double, which is exact enough to
 * count units in the last place of a double; their special values; and that their bits are those
 * of every other machine.
 */
#include "base/real.h"

#include "base/rng.h"
#include "bits.h"
#include "check.h"

#include <float.h>
#include <math.h>

enum { DRAWS = 200000 };

/* |got - right| in units in the last place of a double near `right`. */
static double ulps(double got, long double right)
{
	int exponent;

	frexpl(right, &exponent);
	exponent = exponent < DBL_MIN_EXP ? DBL_MIN_EXP : exponent;
	return (double)(fabsl(got - right) / ldexpl(1, exponent - DBL_MANT_DIG));
}

static double worst_exp(double scale)
{
	double worst = 0;
	struct rng r;

	for (uint32_t k = 0; k < DRAWS; k++) {
		rng_start(&r, 1, RNG_TEST, 0, k);
		double x = scale * (2 * rng_real(&r) - 1);

		worst = fmax(worst, ulps(real_exp(x), expl(x)));
	}
	return worst;
}

/* Of x = 1 +- scale, or of x up to 2^scale. */
static double worst_log(double scale)
{
	double worst = 0;
	struct rng r;

	for (uint32_t k = 0; k < DRAWS; k++) {
		rng_start(&r, 2, RNG_TEST, 0, k);
		double u = 2 * rng_real(&r) - 1, x = scale < 1 ? 1 + scale * u : exp2(scale * u);

		worst = fmax(worst, ulps(real_log(x), logl(x)));
	}
	return worst;
}

/* In units of 2^-52, not of the last place: near a zero of the cosine t itself has no more. */
static double worst_cos(void)
{
	const long double two_pi = 6.283185307179586476925286766559L;
	double worst = 0;
	struct rng r;

	for (uint32_t k = 0; k < DRAWS; k++) {
		rng_start(&r, 3, RNG_TEST, 0, k);
		double t = rng_real(&r);

		worst = fmax(
			worst, (double)fabsl(real_cos_turns(t) - cosl(two_pi * t)) / DBL_EPSILON);
	}
	return worst;
}

static void check_special(void)
{
	CHECK(real_exp(0) == 1 && real_exp(-0.0) == 1 && real_exp(1e-20) == 1, "exp of 0 is 1");
	CHECK(isinf(real_exp(710)) && isinf(real_exp(INFINITY)) && isfinite(real_exp(709.78)),
		"exp is infinite from log(DBL_MAX) on");
	CHECK(real_exp(-746) == 0 && real_exp(-INFINITY) == 0, "exp is 0 below log(2^-1075)");
	CHECK(real_exp(-745) == 0x1p-1074, "exp reaches the smallest number");
	CHECK(isnan(real_exp(NAN)), "exp of NaN is NaN");
	CHECK(real_log(1) == 0 && ulps(real_log(DBL_MIN), logl(DBL_MIN)) < 1 &&
			ulps(real_log(DBL_MAX), logl(DBL_MAX)) < 1,
		"log of 1 is 0; of the smallest and largest numbers it is right");
	CHECK(real_cos_turns(0) == 1 && real_cos_turns(0.25) == 0 && real_cos_turns(0.5) == -1 &&
			real_cos_turns(0.75) == 0,
		"cos of quarter turns is exact");
	CHECK(real_power(0.999, 0) == 1 && real_power(0.5, 1074) == 0x1p-1074 &&
			real_power(0.9, UINT64_MAX) == 0,
		"powers: 0, exact ones, the largest exponent");
	CHECK(fabs(real_power(0.999, 10000) / pow(0.999, 10000) - 1) < 1e-12,
		"0.999^10000 is right to 12 places");
}

/* One number for all bits that a draw of normal numbers, exp, log and powers may show. */
static void check_bits(void)
{
	uint64_t normal = BITS_START, functions = BITS_START;
	struct rng r;

	for (uint32_t k = 0; k < DRAWS; k++) {
		rng_start(&r, 4, RNG_TEST, 0, k);
		const double z = rng_normal(&r), u = rng_real(&r);
		const double more[] = { real_exp(100 * z), real_log(1 - u), real_cos_turns(u),
			real_power(u, k) };

		normal = bits_add(normal, &z, sizeof(z));
		functions = bits_add(functions, more, sizeof(more));
	}
	bits_check("normal draws", normal, 0x30d69de37475469d);
	bits_check("exp, log, cos and powers", functions, 0x871021de097a37ab);
}

int main(void)
{
	double e = fmax(worst_exp(700), worst_exp(1)), l = fmax(worst_log(1000), worst_log(0.5));

	CHECK(e < 1.2, "exp is within %.3f units in the last place", e);
	CHECK(l < 1, "log is within %.3f units in the last place", l);
	CHECK(worst_cos() < 1, "cos is within %.3f of 2^-52", worst_cos());
	check_special();
	check_bits();
	return CHECK_EXIT;
}
