/* spd_inverse: against Gauss and Jordan in double; one result for any threads; what is no inverse. */
#include "base/mem.h"
#include "base/pool.h"
#include "base/rng.h"
#include "check.h"
#include "linear/kernels.h"
#include "linear/spd_inverse.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A sum of n squares and a diagonal: positive definite, and no two entries alike. */
static float *make(size_t n)
{
	float *x = xmalloc(n * n, sizeof(*x)), *a = xmalloc(n * n, sizeof(*a));
	struct rng r;

	rng_start(&r, 1, RNG_TEST, 0, n);
	for (size_t k = 0; k < n * n; k++)
		x[k] = (float)(2 * rng_real(&r) - 1);
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < n; j++) {
			double sum = i == j ? 0.1 * (double)n : 0;

			for (size_t k = 0; k < n; k++)
				sum += (double)x[i * n + k] * x[j * n + k];
			a[i * n + j] = (float)sum;
		}
	free(x);
	return a;
}

/* Without a search for pivots: the matrix is positive definite. */
static double *invert(const float *a, size_t n)
{
	double *b = xmalloc(n * n, sizeof(*b));

	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < n; j++)
			b[i * n + j] = a[i * n + j];
	for (size_t k = 0; k < n; k++) {
		const double pivot = b[k * n + k];

		b[k * n + k] = 1;
		for (size_t j = 0; j < n; j++)
			b[k * n + j] /= pivot;
		for (size_t i = 0; i < n; i++) {
			const double f = b[i * n + k];

			if (i == k)
				continue;
			b[i * n + k] = 0;
			for (size_t j = 0; j < n; j++)
				b[i * n + j] -= f * b[k * n + j];
		}
	}
	return b;
}

/* The lower triangle as spd_inverse takes it; all else must not be read. */
static float *triangle_of(const float *a, size_t n)
{
	float *t = xmalloc(n * n, sizeof(*t));

	for (size_t k = 0; k < n * n; k++)
		t[k] = NAN;
	for (size_t i = 0; i < n; i++)
		memcpy(t + spd_row(i), a + i * n, (i + 1) * sizeof(*t));
	return t;
}

/* The inverse by so many threads. */
static float *inverse(const float *given, size_t n, unsigned threads)
{
	struct pool *pool = pool_new(threads);
	float *a = triangle_of(given, n);
	const bool positive = spd_inverse(a, n, pool);

	CHECK(positive, "%zu rows, %u threads: positive definite", n, threads);
	pool_free(pool);
	return a;
}

static void compare(size_t n)
{
	float *given = make(n), *a = inverse(given, n, 1);
	double *want = invert(given, n), worst = 0, largest = 0;
	size_t skew = 0;

	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < n; j++) {
			worst = fmax(worst, fabs(a[i * n + j] - want[i * n + j]));
			largest = fmax(largest, fabs(want[i * n + j]));
			skew += a[i * n + j] != a[j * n + i];
		}
	CHECK(worst < 1e-5 * largest, "%zu rows: %g off, the largest is %g", n, worst, largest);
	CHECK(skew == 0, "%zu rows: symmetric to the bit", n);
	for (unsigned threads = 2; threads <= 5; threads += 3) {
		float *other = inverse(given, n, threads);

		CHECK(memcmp(a, other, n * n * sizeof(*a)) == 0,
			"%zu rows, %u threads: the bytes of one", n, threads);
		free(other);
	}
	free(want);
	free(given);
	free(a);
}

/* A pivot that is 0, below 0 or no number, in the first block and in a later one. */
static void refuse(void)
{
	static const float bad[] = { 0, -1, NAN, INFINITY };
	static const size_t at[] = { 0, 31, 40, 95 };
	struct pool *pool = pool_new(2);

	for (size_t k = 0; k < 4; k++)
		for (size_t p = 0; p < 4; p++) {
			float *a = xcalloc(96 * 96, sizeof(*a));

			for (size_t i = 0; i < 96; i++)
				a[spd_row(i) + i] = i == at[p] ? bad[k] : 2;
			CHECK(!spd_inverse(a, 96, pool), "pivot %zu is %g: refused", at[p], bad[k]);
			free(a);
		}
	CHECK(spd_inverse(NULL, 0, pool), "no rows: nothing to do");
	pool_free(pool);
}

static void fill(float *x, size_t n, uint64_t index)
{
	struct rng r;

	rng_start(&r, 2, RNG_TEST, 0, index);
	for (size_t k = 0; k < n; k++)
		x[k] = (float)rng_real(&r);
}

enum { DEPTH = 37, LDA = 11, LDB = 35, LDC = 33, C = TILE_ROWS * LDC, WIDTH = 50, ROWS = 7 };

struct operands {
	float a[DEPTH * LDA], b[DEPTH * LDB], c[C];
};

/* c - a'b, and then c[0 ..] += 0.3 b[0 ..]; how far the product is from that in double. */
static double run_tile(const struct linear_kernels *kernels, const struct operands *x, float *c)
{
	double worst = 0;

	memcpy(c, x->c, sizeof(x->c));
	kernels->tile(DEPTH, x->a, LDA, x->b, LDB, c, LDC, -1, 1);
	for (size_t i = 0; i < TILE_ROWS; i++)
		for (size_t j = 0; j < PANEL; j++) {
			double want = x->c[i * LDC + j];

			for (size_t d = 0; d < DEPTH; d++)
				want -= (double)x->a[d * LDA + i] * x->b[d * LDB + j];
			worst = fmax(worst, fabs(c[i * LDC + j] - want));
		}
	kernels->axpy(29, 0.3f, x->b, c);
	return worst;
}

/* Sums in double of 0 to ROWS rows, next to a plain loop, to the bit. */
static void check_add_rows(const struct linear_kernels *kernels, const struct operands *x)
{
	const float *row[ROWS];
	size_t wrong = 0;

	for (size_t num = 0; num <= ROWS; num++) {
		double sum[WIDTH] = { 0 }, want[WIDTH] = { 0 };

		for (size_t r = 0; r < num; r++)
			row[r] = x->b + 13 * r;
		kernels->add_rows(num, row, WIDTH, sum);
		for (size_t r = 0; r < num; r++)
			for (size_t j = 0; j < WIDTH; j++)
				want[j] += row[r][j];
		for (size_t j = 0; j < WIDTH; j++)
			wrong += sum[j] != want[j];
	}
	CHECK(wrong == 0, "%s: sums of rows, %zu wrong", kernels->name, wrong);
}

/* A panel turned round, and nothing beside it. */
static void check_transpose(const struct linear_kernels *kernels)
{
	enum { LDF = 37, LDT = 41 };
	float from[PANEL * LDF], to[PANEL * LDT];
	size_t wrong = 0;

	fill(from, PANEL * LDF, 3);
	for (size_t k = 0; k < PANEL * LDT; k++)
		to[k] = -1;
	kernels->transpose(from, LDF, to, LDT);
	for (size_t j = 0; j < PANEL; j++)
		for (size_t i = 0; i < LDT; i++)
			wrong += to[j * LDT + i] != (i < PANEL ? from[i * LDF + j] : -1);
	CHECK(wrong == 0, "%s: a panel turned round, %zu wrong", kernels->name, wrong);
}

/* Rows of all lengths up to some vectors. */
static void check_row_dot(const struct linear_kernels *kernels, const float *row)
{
	double x[5 * DOT_SUMS], worst = 0;

	for (size_t n = 0; n <= 5 * DOT_SUMS; n++) {
		double want = 0;

		for (size_t j = 0; j < n; j++) {
			x[j] = 1.0 / (double)(j + 3);
			want += row[j] * x[j];
		}
		worst = fmax(worst, fabs(kernels->row_dot(n, row, x) - want));
	}
	CHECK(worst < 1e-13, "%s: a row times a vector, %g off", kernels->name, worst);
}

/* Each instruction set: close to double, and those with fused multiply-add alike. */
static void check_kernels(void)
{
	const struct linear_kernels *list[3];
	const unsigned num = linear_kernels_available(list);
	struct operands x;
	float c[C], first[C];

	fill(x.a, DEPTH * LDA, 0);
	fill(x.b, DEPTH * LDB, 1);
	fill(x.c, C, 2);
	for (unsigned k = 0; k < num; k++) {
		const double worst = run_tile(list[k], &x, c);

		CHECK(worst < 1e-5, "%s: a tile, %g off", list[k]->name, worst);
		CHECK(c[C - 1] == x.c[C - 1], "%s: nothing beside the tile", list[k]->name);
		check_add_rows(list[k], &x);
		check_transpose(list[k]);
		check_row_dot(list[k], x.a);
		if (k == 0)
			memcpy(first, c, sizeof(c));
		else if (k + 1 < num)
			CHECK(memcmp(first, c, sizeof(c)) == 0, "%s: the bits of %s", list[k]->name,
				list[0]->name);
	}
}

int main(void)
{
	static const size_t rows[] = { 32, 64, 96, 160, 544, 1088 };

	check_kernels();
	refuse();
	for (size_t k = 0; k < sizeof(rows) / sizeof(*rows); k++)
		compare(rows[k]);
	return CHECK_EXIT;
}
