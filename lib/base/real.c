#include "base/real.h"

static double from_bits(uint64_t bits)
{
	double x;

	memcpy(&x, &bits, sizeof(x));
	return x;
}

/*
 * With x = 2^e (1 + f), 1 + f between the roots of 1/2 and 2, s = f / (2 + f): log(1 + f) =
 * 2 atanh(s) = 2 s + s R, R = 2/3 s^2 + 2/5 s^4 + ... To lose no bit of f, which is exact, it is
 * summed as f - (f^2 / 2 - s (f^2 / 2 + R)) (Tang 1990).
 */
double real_log(double x)
{
	const double ln2 = 6.93147180369123816490e-01, ln2_rest = 1.90821492927058770002e-10;
	const uint64_t root_half = 0x3fe6a09e667f3bcd, one = 0x3ff0000000000000;
	uint64_t bits;

	memcpy(&bits, &x, sizeof(bits));
	bits += one - root_half;
	const double e = (int)(bits >> 52) - 1023;
	const double f = from_bits((bits & 0xfffffffffffff) + root_half) - 1;
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
static double cosine(double y)
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

static double sine(double y)
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

double real_cos_turns(double t)
{
	const int quarter = (int)(4 * t + 0.5);
	const double y = 6.283185307179586 * (t - 0.25 * quarter); // the difference is exact

	switch (quarter % 4) {
	case 0:
		return cosine(y);
	case 1:
		return -sine(y);
	case 2:
		return -cosine(y);
	default:
		return sine(y);
	}
}

double real_power(double x, uint64_t n)
{
	double power = 1;

	for (; n > 0; n >>= 1, x *= x)
		if (n & 1)
			power *= x;
	return power;
}
