/* Compiled once per instruction set, each time with another LINEAR_KERNELS, the table's name. */
#ifndef LINEAR_KERNELS
#define LINEAR_KERNELS linear_kernels_base
#endif

#include "linear/kernels.h"

#include <string.h>

/* The sums of ROWS x VECTORS vectors stay in registers. */
#if defined(__AVX512F__)
#define NAME "avx512"
enum { LANES = 16, ROWS = 8, VECTORS = 2 };
#elif defined(__AVX2__)
#define NAME "avx2"
enum { LANES = 8, ROWS = 4, VECTORS = 2 };
#else
#define NAME "128-bit"
enum { LANES = 4, ROWS = 4, VECTORS = 2 };
#endif

typedef float vf __attribute__((vector_size(4 * LANES)));

static inline vf load(const float *p)
{
	vf x;

	memcpy(&x, p, sizeof(x));
	return x;
}

static inline void store(float *p, vf x)
{
	memcpy(p, &x, sizeof(x));
}

/* ROWS rows and `vectors` vectors of a tile. */
static inline __attribute__((always_inline)) void piece(int vectors, size_t depth, const float *a,
	size_t lda, const float *b, size_t ldb, float *c, size_t ldc, float alpha, float beta)
{
	vf sum[ROWS][VECTORS] = { 0 };

	for (int i = 0; i < ROWS; i++)
		for (int v = 0; v < vectors; v++)
			__builtin_prefetch(c + (size_t)i * ldc + v * LANES, 1);
	for (size_t k = 0; k < depth; k++) {
		vf x[VECTORS] = { 0 };

		for (int v = 0; v < vectors; v++)
			x[v] = load(b + k * ldb + v * LANES);
		for (int i = 0; i < ROWS; i++)
			for (int v = 0; v < vectors; v++)
				sum[i][v] += a[k * lda + (size_t)i] * x[v];
	}
	for (int i = 0; i < ROWS; i++)
		for (int v = 0; v < vectors; v++) {
			float *to = c + (size_t)i * ldc + v * LANES;

			store(to, beta == 0 ? alpha * sum[i][v] : load(to) + alpha * sum[i][v]);
		}
}

static void tile(size_t depth, const float *a, size_t lda, const float *b, size_t ldb, float *c,
	size_t ldc, float alpha, float beta)
{
	for (int j = 0; j < PANEL; j += VECTORS * LANES)
		for (int i = 0; i < TILE_ROWS; i += ROWS)
			piece(VECTORS, depth, a + i, lda, b + j, ldb, c + (size_t)i * ldc + j, ldc,
				alpha, beta);
}

static void axpy(size_t n, float alpha, const float *x, float *y)
{
	for (size_t j = 0; j < n; j++)
		y[j] += alpha * x[j];
}

static void add_rows(size_t num, const float *const row[], size_t n, double *sum)
{
	size_t r = 0;

	for (; r + 4 <= num; r += 4) {
		const float *a = row[r], *b = row[r + 1], *c = row[r + 2], *d = row[r + 3];

		for (size_t j = 0; j < n; j++)
			sum[j] = sum[j] + a[j] + b[j] + c[j] + d[j];
	}
	for (; r < num; r++)
		for (size_t j = 0; j < n; j++)
			sum[j] += row[r][j];
}

#include "linear/ials_row.h"

const struct linear_kernels LINEAR_KERNELS = {
	.name = NAME,
	.tile = tile,
	.ials_row = ials_row,
	.combine = combine,
	.axpy = axpy,
	.add_rows = add_rows,
};
