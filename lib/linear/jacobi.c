#include "linear/jacobi.h"

#include <math.h>

enum { MAX_SWEEPS = 50 }; /* 6 to 10 are the rule */

/* (x, y) becomes (c x - s y, s x + c y), n times; `step` from one x to the next. */
static void rotate(size_t n, size_t step, double c, double s, double *x, double *y)
{
	for (size_t k = 0; k < n * step; k += step) {
		const double old = x[k];

		x[k] = c * old - s * y[k];
		y[k] = s * old + c * y[k];
	}
}

/* Make a[p][q] zero. */
static void annihilate(size_t n, double *a, double *v, size_t p, size_t q)
{
	const double theta = (a[q * n + q] - a[p * n + p]) / (2 * a[p * n + q]);
	const double t = copysign(1, theta) / (fabs(theta) + sqrt(theta * theta + 1));
	const double c = 1 / sqrt(t * t + 1), s = t * c;

	rotate(n, 1, c, s, a + p * n, a + q * n);
	rotate(n, n, c, s, a + p, a + q);
	rotate(n, 1, c, s, v + p * n, v + q * n);
	a[p * n + q] = a[q * n + p] = 0;
}

/* What is not on the diagonal, next to all, in squares. */
static double rest(size_t n, const double *a)
{
	double off = 0, all = 0;

	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < n; j++) {
			const double square = a[i * n + j] * a[i * n + j];

			all += square;
			off += i == j ? 0 : square;
		}
	return all > 0 ? off / all : 0;
}

void jacobi(size_t n, double *a, double *v, double *value)
{
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < n; j++)
			v[i * n + j] = i == j;
	for (int sweep = 0; sweep < MAX_SWEEPS && rest(n, a) > 1e-26; sweep++)
		for (size_t p = 0; p < n; p++)
			for (size_t q = p + 1; q < n; q++)
				if (a[p * n + q] != 0)
					annihilate(n, a, v, p, q);
	for (size_t i = 0; i < n; i++)
		value[i] = a[i * n + i];
}
