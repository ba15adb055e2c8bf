/*
 * real: elementary functions that have the same bits on every machine.
 *
 * A C library promises little about the last bit of exp, log, cos and pow, and it may hold several
 * of each and choose by the processor. These use only sums, products and quotients of doubles,
 * which IEEE 754 rounds in one way; the Makefile forbids to fuse them. Models, and what a seed
 * means, depend on nothing else.
 */
#ifndef REAL_H
#define REAL_H

#include <stdint.h>
#include <string.h>

/*
 * exp(x) within 1.2 units in the last place; 0 and infinity only where rounding gives them; NaN
 * stays NaN. With x = n ln 2 + r, |r| <= ln 2 / 2, it is 2^n times the series of exp(r), and 2^n is
 * applied in two halves, to reach subnormals and infinity. Here, so that loops can be vectorized.
 */
static inline double real_exp(double x)
{
	/* 1.5 x 2^52: adding it rounds to an integer in the low bits */
	const double magic = 6755399441055744.0;
	/* ln 2 in two parts; the first has so few bits that its product with n is exact */
	const double ln2 = 6.93147180369123816490e-01, ln2_rest = 1.90821492927058770002e-10;
	const double low = x < -746 ? -746 : x, clamped = low > 710 ? 710 : low;
	const double shifted = clamped * 1.4426950408889634 + magic, n = shifted - magic;
	const double r = (clamped - n * ln2) - n * ln2_rest;
	double p = 1.0 / 6227020800, power[2];
	uint64_t bits, zero;

	p = p * r + 1.0 / 479001600;
	p = p * r + 1.0 / 39916800;
	p = p * r + 1.0 / 3628800;
	p = p * r + 1.0 / 362880;
	p = p * r + 1.0 / 40320;
	p = p * r + 1.0 / 5040;
	p = p * r + 1.0 / 720;
	p = p * r + 1.0 / 120;
	p = p * r + 1.0 / 24;
	p = p * r + 1.0 / 6;
	p = p * r + 0.5;
	p = p * r + 1;
	p = p * r + 1;
	memcpy(&bits, &shifted, sizeof(bits));
	memcpy(&zero, &magic, sizeof(zero));
	const uint64_t biased = bits - zero + 2046, half = biased >> 1; // n + 2046 > 0
	const uint64_t power_bits[2] = { half << 52, (biased - half) << 52 };
	memcpy(power, power_bits, sizeof(power));
	return p * power[0] * power[1];
}

/*
 * log(x) within 1 unit in the last place, for normal x > 0. With x = 2^e (1 + f), 1 + f between the
 * roots of 1/2 and 2, s = f / (2 + f): log(1 + f) = 2 atanh(s) = 2 s + s R, R = 2/3 s^2 + 2/5 s^4 +
 * ... To lose no bit of f, which is exact, it is summed as f - (f^2 / 2 - s (f^2 / 2 + R)) (Tang
 * 1990).
 */
static inline double real_log(double x)
{
	const double ln2 = 6.93147180369123816490e-01, ln2_rest = 1.90821492927058770002e-10;
	const uint64_t root_half = 0x3fe6a09e667f3bcd, one = 0x3ff0000000000000;
	uint64_t bits, fraction;
	double f;

	memcpy(&bits, &x, sizeof(bits));
	bits += one - root_half;
	const double e = (int)(bits >> 52) - 1023;
	fraction = (bits & 0xfffffffffffff) + root_half;
	memcpy(&f, &fraction, sizeof(f));
	f -= 1;
	const double s = f / (2 + f), z = s * s, half = 0.5 * f * f;
	double p = 2.0 / 21;

	p = p * z + 2.0 / 19;
	p = p * z + 2.0 / 17;
	p = p * z + 2.0 / 15;
	p = p * z + 2.0 / 13;
	p = p * z + 2.0 / 11;
	p = p * z + 2.0 / 9;
	p = p * z + 2.0 / 7;
	p = p * z + 2.0 / 5;
	p = p * z + 2.0 / 3;
	return e * ln2 - ((half - (s * (half + z * p) + e * ln2_rest)) - f);
}

/* The series of cos and sin, |y| <= pi / 4. */
static inline double real_cos_series(double y)
{
	const double z = y * y;
	double p = 1.0 / 20922789888000;

	p = p * z - 1.0 / 87178291200;
	p = p * z + 1.0 / 479001600;
	p = p * z - 1.0 / 3628800;
	p = p * z + 1.0 / 40320;
	p = p * z - 1.0 / 720;
	p = p * z + 1.0 / 24;
	p = p * z - 0.5;
	return p * z + 1;
}

static inline double real_sin_series(double y)
{
	const double z = y * y;
	double p = 1.0 / 355687428096000;

	p = p * z - 1.0 / 1307674368000;
	p = p * z + 1.0 / 6227020800;
	p = p * z - 1.0 / 39916800;
	p = p * z + 1.0 / 362880;
	p = p * z - 1.0 / 5040;
	p = p * z + 1.0 / 120;
	p = p * z - 1.0 / 6;
	return p * z * y + y;
}

/* cos(2 pi t) within 2^-52, for 0 <= t < 1 of at most 53 binary places. */
static inline double real_cos_turns(double t)
{
	const int quarter = (int)(4 * t + 0.5);
	const double y = 6.283185307179586 * (t - 0.25 * quarter); // the difference is exact
	const double c = real_cos_series(y), s = real_sin_series(y), x = quarter & 1 ? s : c;

	return (quarter + 1) & 2 ? -x : x;
}

/* x^n by squaring, within n / 2^53 of itself. */
double real_power(double x, uint64_t n);

#endif
