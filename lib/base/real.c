#include "base/real.h"

double real_power(double x, uint64_t n)
{
	double power = 1;

	for (; n > 0; n >>= 1, x *= x)
		if (n & 1)
			power *= x;
	return power;
}
