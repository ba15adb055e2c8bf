/* cpu_wide: elementwise passes between matrix products, over matrices with one example a row. */
#ifndef CPU_WIDE_H
#define CPU_WIDE_H

#include "cpu_lanes.h"

#include <stddef.h>

/* Sum of a[k] x b[k], added to `sum` lane by lane; the last n % LANES products go to the first lanes. */
INLINE vf dot_lanes(vf sum, const float *a, const float *b, uint32_t n)
{
	uint32_t k = 0;

	for (; k + LANES <= n; k += LANES)
		sum += load(a + k) * load(b + k);
	for (uint32_t l = 0; k < n; k++, l++)
		sum[l] += a[k] * b[k];
	return sum;
}

/* The same for a[k] x (b[k] x c[k]). */
INLINE vf triple_dot_lanes(vf sum, const float *a, const float *b, const float *c, uint32_t n)
{
	uint32_t k = 0;

	for (; k + LANES <= n; k += LANES)
		sum += load(a + k) * (load(b + k) * load(c + k));
	for (uint32_t l = 0; k < n; k++, l++)
		sum[l] += a[k] * (b[k] * c[k]);
	return sum;
}

/* x = relu(x + bias) for m rows of n */
static inline void bias_relu(float *restrict x, const float *restrict bias, uint32_t m, uint32_t n)
{
	for (uint32_t r = 0; r < m; r++, x += n)
		for (uint32_t k = 0; k < n; k++) {
			float s = x[k] + bias[k];

			x[k] = s < 0 ? 0 : s;
		}
}

/* y = relu(a + b) */
static inline void add_relu(
	float *restrict y, const float *restrict a, const float *restrict b, uint32_t n)
{
	for (uint32_t k = 0; k < n; k++) {
		float s = a[k] + b[k];

		y[k] = s < 0 ? 0 : s;
	}
}

static inline void relu_rows(float *restrict x, size_t n)
{
	for (size_t k = 0; k < n; k++)
		x[k] = x[k] < 0 ? 0 : x[k];
}

#endif
