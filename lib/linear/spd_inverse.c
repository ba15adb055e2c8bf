#include "linear/spd_inverse.h"

#include "base/die.h"
#include "base/mem.h"
#include "base/pool.h"
#include "base/progress.h"
#include "linear/kernels.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_WIDTH = 512, STRIP = 256, CHUNK = 512 }; /* a job of the update: STRIP x CHUNK */

struct sweep {
	const struct linear_kernels *kernels;
	float *a;
	size_t n;
	size_t first, width; /* of the pivot: its rows and columns */
	float *factor;	     /* L', upper; width x width, like the next two */
	float *inverse;	     /* L^-1, lower */
	float *transposed;   /* L'^-1, upper */
	float *u;	     /* U, by panels: n / PANEL x width x PANEL */
	float **panel;	     /* scratch per thread: width x PANEL */
	size_t (*job)[2];    /* first row and column of the strips' chunks */
	size_t jobs;
};

/* Rows and columns are in the pivot by whole panels, or not at all. */
static bool in_pivot(const struct sweep *s, size_t at)
{
	return at >= s->first && at < s->first + s->width;
}

static float *entry(const struct sweep *s, size_t row, size_t column)
{
	return s->a + spd_row(row) + column;
}

/* From a row to the next of its block. */
static size_t row_length(size_t row)
{
	return (row / SPD_MULTIPLE + 1) * SPD_MULTIPLE;
}

static float *panel_of(const struct sweep *s, size_t column)
{
	return s->u + column * s->width;
}

/* factor' factor = A11, by rows; false where it is not positive definite. */
static bool factor_pivot(const struct sweep *s)
{
	const size_t w = s->width;
	float *r = s->factor;

	for (size_t i = 0; i < w; i++)
		for (size_t j = 0; j <= i; j++)
			r[j * w + i] = *entry(s, s->first + i, s->first + j);
	for (size_t k = 0; k < w; k++) {
		const float pivot = r[k * w + k];

		if (!(pivot > 0) || !isfinite(pivot))
			return false;
		const float root = sqrtf(pivot);
		for (size_t j = k; j < w; j++)
			r[k * w + j] /= root;
		for (size_t i = k + 1; i < w; i++)
			s->kernels->axpy(w - i, -r[k * w + i], r + k * w + i, r + i * w + i);
	}
	return true;
}

/* L^-1: forward substitution into a unit matrix. */
static void invert_factor(const struct sweep *s)
{
	const size_t w = s->width;
	float *x = s->inverse;

	memset(x, 0, w * w * sizeof(*x));
	for (size_t k = 0; k < w; k++)
		x[k * w + k] = 1;
	for (size_t k = 0; k < w; k++) {
		for (size_t j = 0; j <= k; j++)
			x[k * w + j] /= s->factor[k * w + k];
		for (size_t i = k + 1; i < w; i++)
			s->kernels->axpy(k + 1, -s->factor[k * w + i], x + k * w, x + i * w);
	}
	for (size_t i = 0; i < w; i++)
		for (size_t j = 0; j < w; j++)
			s->transposed[j * w + i] = x[i * w + j];
}

/* A panel of [ A10  A21' ] */
static void copy_panel(const struct sweep *s, size_t at, float *to)
{
	const size_t w = s->width;

	if (at < s->first)
		for (size_t k = 0; k < w; k++)
			memcpy(to + k * PANEL, entry(s, s->first + k, at), PANEL * sizeof(*to));
	else
		for (size_t k = 0; k < w; k += PANEL)
			s->kernels->transpose(
				entry(s, at, s->first + k), row_length(at), to + k * PANEL, PANEL);
}

/* U = L^-1 [ A10  A21' ], a panel of it; row i of L^-1 ends with its diagonal. */
static void solve_panel(void *arg, size_t p, unsigned thread)
{
	const struct sweep *s = arg;
	const size_t at = p * PANEL, w = s->width;
	float *u = panel_of(s, at);

	if (in_pivot(s, at))
		return;
	copy_panel(s, at, s->panel[thread]);
	for (size_t i = 0; i < w; i += TILE_ROWS)
		s->kernels->tile(i + TILE_ROWS, s->transposed + i, w, s->panel[thread], PANEL,
			u + i * PANEL, PANEL, 1, 0);
}

/* A00 += U0' U0, A20 -= U2' U0, A22 -= U2' U2, within a strip and a chunk. */
static void update_chunk(void *arg, size_t job, unsigned thread)
{
	const struct sweep *s = arg;
	const size_t row = s->job[job][0], column = s->job[job][1], n = s->n;
	const size_t row_end = row + STRIP < n ? row + STRIP : n;
	const size_t column_end = column + CHUNK < row_end ? column + CHUNK : row_end;

	(void)thread;
	for (size_t j = column; j < column_end; j += PANEL) {
		if (in_pivot(s, j))
			continue;
		for (size_t i = row > j ? row : j; i < row_end; i += TILE_ROWS) {
			const float *u = panel_of(s, i / PANEL * PANEL) + i % PANEL;

			if (!in_pivot(s, i))
				s->kernels->tile(s->width, u, PANEL, panel_of(s, j), PANEL,
					entry(s, i, j), row_length(i), i < s->first ? 1 : -1, 1);
		}
	}
}

/* A10 = -L'^-1 U0, A21 = (L'^-1 U2)', a panel of them; column i of L^-1 begins with its diagonal. */
static void finish_panel(void *arg, size_t p, unsigned thread)
{
	const struct sweep *s = arg;
	const size_t at = p * PANEL, w = s->width;
	const float *u = panel_of(s, at);
	float *v = s->panel[thread];

	if (in_pivot(s, at))
		return;
	for (size_t i = 0; i < w; i += TILE_ROWS)
		s->kernels->tile(w - i, s->inverse + i * w + i, w, u + i * PANEL, PANEL,
			v + i * PANEL, PANEL, at < s->first ? -1 : 1, 0);
	if (at < s->first)
		for (size_t k = 0; k < w; k++)
			memcpy(entry(s, s->first + k, at), v + k * PANEL, PANEL * sizeof(*v));
	else
		for (size_t k = 0; k < w; k += PANEL)
			s->kernels->transpose(
				v + k * PANEL, PANEL, entry(s, at, s->first + k), row_length(at));
}

/* A11 = L'^-1 L^-1; what this leaves above the diagonal is never read. */
static void finish_pivot(const struct sweep *s)
{
	const size_t w = s->width;

	for (size_t j = 0; j < w; j += PANEL)
		for (size_t i = j; i < w; i += TILE_ROWS)
			s->kernels->tile(w - i, s->inverse + i * w + i, w, s->inverse + i * w + j,
				w, entry(s, s->first + i, s->first + j), row_length(s->first + i),
				1, 0);
}

/* Rows of the whole matrix, from where they lie in the triangle. */
static void spread_row(void *arg, size_t k, unsigned thread)
{
	const struct sweep *s = arg;
	const size_t row = s->first + k;

	(void)thread;
	memcpy(s->a + row * s->n, s->a + spd_row(row), (row + 1) * sizeof(*s->a));
}

/*
 * Each row moves up, the last first; at once those that come to lie behind the triangle that is left.
 * Where there is more than one block, row 0 stays in its place and the others get room: this ends.
 */
static void spread(struct sweep *s, struct pool *pool)
{
	for (size_t end = s->n; end > 1 && s->n > SPD_MULTIPLE; end = s->first) {
		s->first = (spd_row(end) + s->n - 1) / s->n;
		pool_run(pool, end - s->first, spread_row, s);
	}
}

/* Above the diagonal what is below it. */
static void mirror_strip(void *arg, size_t strip, unsigned thread)
{
	const struct sweep *s = arg;
	const size_t first = strip * PANEL;

	(void)thread;
	for (size_t at = 0; at < first; at += PANEL)
		s->kernels->transpose(
			s->a + first * s->n + at, s->n, s->a + at * s->n + first, s->n);
	for (size_t i = first; i < first + PANEL; i++)
		for (size_t j = first; j < i; j++)
			s->a[j * s->n + i] = s->a[i * s->n + j];
}

/* The lower triangle, the longest strips first. */
static void list_jobs(struct sweep *s)
{
	const size_t strips = (s->n + STRIP - 1) / STRIP, chunks = (s->n + CHUNK - 1) / CHUNK;

	s->job = xmalloc(strips * chunks, sizeof(*s->job));
	for (size_t row = strips * STRIP; row > 0; row -= STRIP)
		for (size_t column = 0; column < row; column += CHUNK) {
			s->job[s->jobs][0] = row - STRIP;
			s->job[s->jobs++][1] = column;
		}
}

static size_t choose_width(size_t n)
{
	const size_t width = n / 16 / PANEL * PANEL;

	return width < PANEL ? PANEL : width > MAX_WIDTH ? MAX_WIDTH : width;
}

static bool sweep_pivot(struct sweep *s, struct pool *pool)
{
	const size_t panels = s->n / PANEL;

	if (!factor_pivot(s))
		return false;
	invert_factor(s);
	pool_run(pool, panels, solve_panel, s);
	pool_run(pool, s->jobs, update_chunk, s);
	pool_run(pool, panels, finish_panel, s);
	finish_pivot(s);
	return true;
}

/* What the sweep works in, beside a. */
static void take_memory(struct sweep *s, size_t width, unsigned threads)
{
	s->factor = xmalloc(3 * width * width, sizeof(*s->factor));
	s->inverse = s->factor + width * width;
	s->transposed = s->inverse + width * width;
	s->u = xmalloc_table(width * s->n, sizeof(*s->u));
	s->panel = xmalloc(threads, sizeof(*s->panel));
	for (unsigned t = 0; t < threads; t++)
		s->panel[t] = xmalloc_table(width * PANEL, sizeof(**s->panel));
	list_jobs(s);
}

static void give_back_memory(const struct sweep *s, unsigned threads)
{
	for (unsigned t = 0; t < threads; t++)
		free(s->panel[t]);
	free(s->panel);
	free(s->job);
	free(s->u);
	free(s->factor);
	mem_give_back();
}

bool spd_inverse(float *a, size_t n, struct pool *pool)
{
	struct sweep s = { .kernels = linear_kernels(), .a = a, .n = n };
	const size_t width = choose_width(n);
	bool positive = true;

	if (n % SPD_MULTIPLE)
		BUG("%zu rows, not a multiple of %d", n, SPD_MULTIPLE);
	take_memory(&s, width, pool_threads(pool));
	progress_start("columns inverted", n);
	while (s.first < n && positive) {
		s.width = n - s.first < width ? n - s.first : width;
		positive = sweep_pivot(&s, pool);
		s.first += s.width;
		progress_at(s.first);
	}
	progress_end();
	give_back_memory(&s, pool_threads(pool));
	if (!positive)
		return false;
	spread(&s, pool);
	pool_run(pool, n / PANEL, mirror_strip, &s);
	return true;
}
