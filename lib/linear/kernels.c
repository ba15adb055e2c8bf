/* Compiled once per instruction set, each time with another LINEAR_KERNELS, the table's name. */
#ifndef LINEAR_KERNELS
#define LINEAR_KERNELS linear_kernels_base
#endif

#include "linear/kernels.h"

#include <string.h>

/*
 * The sums of ROWS x VECTORS vectors stay in registers. Operands are called for AHEAD steps before
 * they are needed, where a step is so short that the processor does not do it in time.
 */
#if defined(__AVX512F__)
#define NAME "avx512"
enum { LANES = 16, ROWS = 8, VECTORS = 2, AHEAD = 16 };
#elif defined(__AVX2__)
#define NAME "avx2"
enum { LANES = 8, ROWS = 4, VECTORS = 2, AHEAD = 0 };
#else
#define NAME "128-bit"
enum { LANES = 4, ROWS = 4, VECTORS = 2, AHEAD = 0 };
#endif
enum { CACHE_LINE = 16 }; /* in floats */

typedef float vf __attribute__((vector_size(4 * LANES)));
typedef float eight __attribute__((vector_size(32)));

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

		for (int v = 0; v < vectors && AHEAD > 0; v += CACHE_LINE / LANES)
			__builtin_prefetch(b + (k + AHEAD) * ldb + v * LANES);
		if (AHEAD > 0)
			__builtin_prefetch(a + (k + AHEAD) * lda);
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

/* Rows that are `h` apart exchange the columns that differ in the bit h of their numbers. */
#define EXCHANGE(x, h, c0, c1, c2, c3, c4, c5, c6, c7)                                             \
	for (int r = 0; r < 8; r++)                                                                \
		if (!(r & (h))) {                                                                  \
			const eight a = (x)[r], b = (x)[r + (h)];                                  \
                                                                                                   \
			(x)[r] = __builtin_shufflevector(a, b, c0, c1, c2, c3, c4, c5, c6, c7);    \
			(x)[r + (h)] = __builtin_shufflevector(a, b, c0 + (h), c1 + (h), c2 + (h), \
				c3 + (h), c4 + (h), c5 + (h), c6 + (h), c7 + (h));                 \
		}

static inline void transpose_eight(const float *from, size_t ldf, float *to, size_t ldt)
{
	eight x[8];

	for (size_t r = 0; r < 8; r++)
		memcpy(&x[r], from + r * ldf, sizeof(x[r]));
	EXCHANGE(x, 1, 0, 8, 2, 10, 4, 12, 6, 14)
	EXCHANGE(x, 2, 0, 1, 8, 9, 4, 5, 12, 13)
	EXCHANGE(x, 4, 0, 1, 2, 3, 8, 9, 10, 11)
	for (size_t r = 0; r < 8; r++)
		memcpy(to + r * ldt, &x[r], sizeof(x[r]));
}

static void transpose(const float *from, size_t ldf, float *to, size_t ldt)
{
	for (size_t j = 0; j < PANEL; j += 8)
		for (size_t i = 0; i < PANEL; i += 8)
			transpose_eight(from + i * ldf + j, ldf, to + j * ldt + i, ldt);
}

static double row_dot(size_t n, const float *row, const double *x)
{
	double sum[DOT_SUMS] = { 0 }, all = 0;
	size_t j = 0;

	for (; j + DOT_SUMS <= n; j += DOT_SUMS)
		for (size_t k = 0; k < DOT_SUMS; k++)
			sum[k] += row[j + k] * x[j + k];
	for (size_t k = 0; j + k < n; k++)
		sum[k] += row[j + k] * x[j + k];
	for (size_t k = 0; k < DOT_SUMS; k++)
		all += sum[k];
	return all;
}

#include "linear/ials_row.h"

const struct linear_kernels LINEAR_KERNELS = {
	.name = NAME,
	.tile = tile,
	.ials_row = ials_row,
	.combine = combine,
	.axpy = axpy,
	.add_rows = add_rows,
	.transpose = transpose,
	.row_dot = row_dot,
};
