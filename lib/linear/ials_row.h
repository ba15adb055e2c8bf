/* ials_row: the solution for one row of factors; part of kernels.c. Formulas: ials.h. */
#ifndef IALS_ROW_H
#define IALS_ROW_H

#include <math.h>
#include <stdbool.h>

enum { NARROW = 16 }; /* columns of narrow_tile */

/* c = a'b for TILE_ROWS rows, all three with rows of `width` floats; like tile. */
static void narrow_tile(size_t depth, const float *a, const float *b, size_t width, float *c)
{
	enum { WIDE = NARROW < VECTORS * LANES ? 1 : VECTORS };

	for (size_t j = 0; j < NARROW; j += WIDE * LANES)
		for (size_t i = 0; i < TILE_ROWS; i += ROWS)
			piece(WIDE, depth, a + i, width, b + j, width, c + i * width + j, width, 1,
				0);
}

enum { DOT_LANES = 16 }; /* partial sums of a dot product, whatever the width of a register */

/* The sum over the lanes by halves. n is a multiple of DOT_LANES. */
static inline float dot(size_t n, const float *x, const float *y)
{
	vf sum[DOT_LANES / LANES] = { 0 };
	float a[DOT_LANES];

	for (size_t k = 0; k < n; k += DOT_LANES)
		for (int v = 0; v < DOT_LANES / LANES; v++)
			sum[v] += load(x + k + v * LANES) * load(y + k + v * LANES);
	memcpy(a, sum, sizeof(a));
	for (int half = DOT_LANES / 2; half > 0; half /= 2)
		for (int k = 0; k < half; k++)
			a[k] += a[k + half];
	return a[0];
}

/* `vectors` of the sums of combine; 4 of them hide the time that one takes. */
static inline void combine_part(
	size_t num, const float *factor, const float *const row[], size_t j, int vectors, float *y)
{
	vf sum[4] = { 0 };

	for (size_t k = 0; k < num; k++)
		for (int v = 0; v < vectors; v++)
			sum[v] += factor[k] * load(row[k] + j + (size_t)v * LANES);
	for (int v = 0; v < vectors; v++)
		store(y + j + (size_t)v * LANES, sum[v]);
}

static void combine(size_t num, const float *factor, const float *const row[], size_t n, float *y)
{
	size_t j = 0;

	for (; j + 4 * LANES <= n; j += 4 * LANES)
		combine_part(num, factor, row, j, 4, y);
	for (; j < n; j += LANES)
		combine_part(num, factor, row, j, 1, y);
}

enum { PIVOTS = 4 }; /* rows that are subtracted at once */

/* Subtract rows k .. k + pivots - 1 of a, which are done, from all below, so that these begin with
   0. */
static inline void eliminate(
	size_t n, size_t stride, size_t k, int pivots, const float *inverse, float *a, float *b)
{
	const float *pivot = a + k * stride;

	for (size_t i = k + (size_t)pivots; i < n; i++) {
		float factor[PIVOTS], *row = a + i * stride, right = b[i];

		for (int p = 0; p < pivots; p++) {
			factor[p] = pivot[(size_t)p * stride + i] * inverse[p];
			right -= factor[p] * b[k + (size_t)p];
		}
		b[i] = right;
		for (size_t j = i / LANES * LANES; j < stride; j += LANES) {
			vf x = load(row + j);

			for (int p = 0; p < pivots; p++)
				x -= factor[p] * load(pivot + (size_t)p * stride + j);
			store(row + j, x);
		}
	}
}

/*
 * Solve A x = b by elimination without a search for pivots: A is symmetric and positive definite.
 * x takes the place of b. A is n x n, its upper triangle given, `stride` floats from row to row, a
 * multiple of 16; it is spoilt.
 */
static void solve(size_t n, size_t stride, float *a, float *b)
{
	float inverse[IALS_CHUNK] = { 0 };

	for (size_t k = 0; k < n; k += PIVOTS) {
		const int pivots = n - k < PIVOTS ? (int)(n - k) : PIVOTS;

		for (int p = 0; p < pivots; p++) {
			inverse[k + (size_t)p] = 1 / a[(k + (size_t)p) * (stride + 1)];
			eliminate(k + (size_t)pivots, stride, k + (size_t)p, 1,
				inverse + k + (size_t)p, a, b);
		}
		if (pivots == PIVOTS)
			eliminate(n, stride, k, PIVOTS, inverse + k, a, b);
	}
	for (size_t k = n; k-- > 0;) {
		b[k] *= inverse[k];
		for (size_t i = 0; i < k; i++)
			b[i] -= a[i * stride + k] * b[k];
	}
}

/*
 * What a block of a row is to grow by: delta = -(D + H'H)^-1 (H' e + q); n rows of H at row[], e the
 * errors of their scores, q the rest of the gradient, or NULL for 0.
 */
struct step {
	size_t n, block;
	const float *const *row;
	const float *d, *q, *error; /* d: the diagonal of D */
	float *delta;
};

/* By a matrix of block x block. */
static void step_full(const struct step *s, struct ials_scratch *x)
{
	const size_t b = s->block;

	for (size_t first = 0; first < s->n; first += IALS_CHUNK) {
		const size_t m = s->n - first < IALS_CHUNK ? s->n - first : IALS_CHUNK;

		for (size_t a = 0; a < m; a++)
			memcpy(x->rows + a * b, s->row[first + a], b * sizeof(*x->rows));
		for (size_t i = 0; i < b; i += TILE_ROWS)
			for (size_t j = i / PANEL * PANEL; j < b; j += PANEL)
				tile(m, x->rows + i, b, x->rows + j, b, x->matrix + i * b + j, b, 1,
					first > 0);
	}
	combine(s->n, s->error, s->row, b, s->delta);
	for (size_t j = 0; j < b; j++) {
		x->matrix[j * b + j] += s->d[j];
		s->delta[j] = -s->delta[j] - (s->q ? s->q[j] : 0);
	}
	solve(b, b, x->matrix, s->delta);
}

typedef float v4 __attribute__((vector_size(16)));

/* Rows 4 a .. 4 a + 3, times scale, become columns of `to`, whose rows are `width` floats long. */
static inline void turn_rows(
	const float *const row[4], size_t b, const float *scale, size_t width, float *to)
{
	for (size_t j = 0; j < b; j += 4) {
		v4 x[4], s, y[4];

		memcpy(&s, scale + j, sizeof(s));
		for (int r = 0; r < 4; r++) {
			memcpy(&x[r], row[r] + j, sizeof(x[r]));
			x[r] *= s;
		}
		y[0] = __builtin_shufflevector(x[0], x[1], 0, 4, 1, 5);
		y[1] = __builtin_shufflevector(x[2], x[3], 0, 4, 1, 5);
		y[2] = __builtin_shufflevector(x[0], x[1], 2, 6, 3, 7);
		y[3] = __builtin_shufflevector(x[2], x[3], 2, 6, 3, 7);
		x[0] = __builtin_shufflevector(y[0], y[1], 0, 1, 4, 5);
		x[1] = __builtin_shufflevector(y[0], y[1], 2, 3, 6, 7);
		x[2] = __builtin_shufflevector(y[2], y[3], 0, 1, 4, 5);
		x[3] = __builtin_shufflevector(y[2], y[3], 2, 3, 6, 7);
		for (size_t r = 0; r < 4; r++)
			memcpy(to + (j + r) * width, &x[r], sizeof(x[r]));
	}
}

/*
 * By a matrix of n x n, K = I + S S' with S = H D^-1/2 (`rows` has its columns): by Woodbury's
 * identity delta = -D^-1 (q + H' K^-1 (e - H D^-1 q)).
 */
static void step_small(const struct step *s, struct ials_scratch *x)
{
	const size_t b = s->block, n = s->n, width = (n + NARROW - 1) / NARROW * NARROW;
	static const float none[IALS_CHUNK];
	float scale[IALS_CHUNK], z[IALS_CHUNK] = { 0 }, t[IALS_CHUNK];

	for (size_t j = 0; j < b; j++)
		scale[j] = 1 / sqrtf(s->d[j]);
	for (size_t a = n; a < width; a++)
		x->row[a] = none;
	for (size_t a = 0; a < width; a += 4)
		turn_rows(s->row + a, b, scale, width, x->rows + a);
	for (size_t i = 0; i < n; i += TILE_ROWS)
		for (size_t j = i / NARROW * NARROW; j < width; j += NARROW)
			narrow_tile(b, x->rows + i, x->rows + j, width, x->matrix + i * width + j);
	for (size_t a = 0; a < n; a++)
		x->matrix[a * (width + 1)] += 1;
	if (s->q) {
		for (size_t j = 0; j < b; j++) {
			x->line[j] = x->rows + j * width;
			z[j] = s->q[j] * scale[j];
		}
		combine(b, z, x->line, width, t);
	}
	for (size_t a = 0; a < n; a++)
		t[a] = s->error[a] - (s->q ? t[a] : 0);
	solve(n, width, x->matrix, t);
	combine(n, t, s->row, b, z);
	for (size_t j = 0; j < b; j++)
		s->delta[j] = -(z[j] + (s->q ? s->q[j] : 0)) / s->d[j];
}

/* y = sum over k < num of factor[k] x row k of `matrix`, n a multiple of PANEL. */
static void multiply(size_t num, const float *factor, const float *matrix, size_t stride, size_t n,
	float *y, struct ials_scratch *x)
{
	for (size_t k = 0; k < num; k++)
		x->line[k] = matrix + k * stride;
	combine(num, factor, x->line, n, y);
}

static void solve_block(
	const struct ials_side *s, size_t at, size_t n, float l2, struct ials_scratch *x)
{
	float q[IALS_CHUNK], d[IALS_CHUNK], delta[IALS_CHUNK];
	const size_t b = s->block;
	const bool alone = b == s->width; /* then w is 0, and so is q */
	const struct step step = { n, b, x->row, d, alone ? NULL : q, x->error, delta };

	if (!alone) {
		multiply(s->width, x->w, s->gram + at, s->width, b, q, x);
		for (size_t j = 0; j < b; j++)
			q[j] += l2 * x->w[at + j];
	}
	for (size_t j = 0; j < b; j++)
		d[j] = s->value[at + j] + l2;
	if (4 * n <= 3 * b)
		step_small(&step, x);
	else
		step_full(&step, x);
	for (size_t j = 0; j < b; j++)
		x->w[at + j] += delta[j];
	if (at + b < s->width)
		for (size_t a = 0; a < n; a++)
			x->error[a] += dot(b, x->row[a], delta);
}

static void ials_row(const struct ials_side *s, const uint32_t *other, size_t n, float l2, float *w,
	struct ials_scratch *x)
{
	const size_t b = s->block;

	for (size_t a = 0; a < n; a++)
		x->row[a] = s->table + other[a] * s->width;
	if (b < s->width) {
		for (size_t at = 0; at < s->width; at += b)
			multiply(b, w + at, s->vector + at * b, b, b, x->w + at, x);
		for (size_t a = 0; a < n; a++)
			x->error[a] = dot(s->width, x->row[a], x->w) - 1;
	} else { /* the solution does not depend on the start, and from 0 it takes less */
		memset(x->w, 0, b * sizeof(*x->w));
		for (size_t a = 0; a < n; a++)
			x->error[a] = -1;
	}
	for (size_t at = 0; at < s->width; at += b) {
		solve_block(s, at, n, l2, x);
		for (size_t a = 0; a < n; a++)
			x->row[a] += b;
	}
	memcpy(w, x->w, s->width * sizeof(*w));
}

#endif
