/*
 * inverse: the inverse of a positive definite matrix, by spd_inverse or by spotrf and spotri of the
 * OpenBLAS that is installed, on all cores. Prints the rate in G operations/s, n^3 for each inverse.
 *   inverse ours|lapack N
 */
#include "base/clock.h"
#include "base/mem.h"
#include "base/pool.h"
#include "linear/spd_inverse.h"

#include <cblas.h>
#include <f77blas.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Lower triangle by rows: as spd_inverse takes it, or what LAPACK, by columns, takes for the upper
   one. */
static void fill(float *a, size_t n, bool packed)
{
	uint32_t state = 1;

	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j <= i; j++) {
			state = state * 1664525 + 1013904223;
			a[(packed ? spd_row(i) : i * n) + j] =
				i == j ? 0.6f * (float)n : (float)(state >> 8) * 0x1p-25f;
		}
}

static bool lapack(float *a, size_t n)
{
	int size = (int)n, info = 0, more = 0;
	char upper = 'U';

	openblas_set_num_threads((int)pool_cores());
	spotrf_(&upper, &size, a, &size, &info);
	spotri_(&upper, &size, a, &size, &more);
	return info == 0 && more == 0;
}

int main(int argc, char **argv)
{
	if (argc != 3)
		return 2;
	const bool ours = strcmp(argv[1], "ours") == 0;
	const size_t n = strtoul(argv[2], NULL, 10) / SPD_MULTIPLE * SPD_MULTIPLE;
	float *a = xmalloc_table(n * n, sizeof(*a));
	struct pool *pool = pool_new(pool_cores());

	fill(a, n, ours);
	const double start = now();
	const bool done = ours ? spd_inverse(a, n, pool) : lapack(a, n);
	const double seconds = now() - start, size = (double)n;
	printf("rate %.4f\n", size * size * size / seconds / 1e9);
	pool_free(pool);
	free(a);
	return !done;
}
