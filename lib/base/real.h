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

/* log(x) within 1 unit in the last place, for normal x > 0. */
double real_log(double x);

/* cos(2 pi t) within 2^-52, for 0 <= t < 1 of at most 53 binary places. */
double real_cos_turns(double t);

/* x^n by squaring, within n / 2^53 of itself. */
double real_power(double x, uint64_t n);

#endif
