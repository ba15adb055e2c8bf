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

/* A block on the diagonal. */
struct pivot {
	size_t first, width; /* its rows and columns */
	float *factor;	     /* L', upper; width x width, like the next two */
	float *inverse;	     /* L^-1, lower */
	float *transposed;   /* L'^-1, upper */
	bool positive;	     /* definite */
};

struct sweep {
	const struct linear_kernels *kernels;
	float *a;
	size_t n;
	struct pivot pivot, next; /* the next is factored while the rest is updated */
	float *u;		  /* U, by panels: n / PANEL x width x PANEL */
	float **panel;		  /* scratch per thread: width x PANEL */
	size_t (*job)[2];	  /* first row and column of the strips' chunks */
	size_t jobs;
	size_t moved; /* rows from here on are in their place */
};

/* Rows and columns are in a pivot by whole panels, or not at all. */
static bool in_pivot(const struct pivot *p, size_t at)
{
	return at >= p->first && at < p->first + p->width;
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
	return s->u + column * s->pivot.width;
}

/* factor' factor = A11, by rows; false where it is not positive definite. */
static bool factor_pivot(const struct sweep *s, const struct pivot *p)
{
	const size_t w = p->width;
	float *r = p->factor;

	for (size_t i = 0; i < w; i++)
		for (size_t j = 0; j <= i; j++)
			r[j * w + i] = *entry(s, p->first + i, p->first + j);
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
static void invert_factor(const struct sweep *s, const struct pivot *p)
{
	const size_t w = p->width;
	float *x = p->inverse;

	memset(x, 0, w * w * sizeof(*x));
	for (size_t k = 0; k < w; k++)
		x[k * w + k] = 1;
	for (size_t k = 0; k < w; k++) {
		for (size_t j = 0; j <= k; j++)
			x[k * w + j] /= p->factor[k * w + k];
		for (size_t i = k + 1; i < w; i++)
			s->kernels->axpy(k + 1, -p->factor[k * w + i], x + k * w, x + i * w);
	}
	for (size_t i = 0; i < w; i++)
		for (size_t j = 0; j < w; j++)
			p->transposed[j * w + i] = x[i * w + j];
}

/* All that the others wait for. */
static void prepare_pivot(const struct sweep *s, struct pivot *p)
{
	p->positive = factor_pivot(s, p);
	if (p->positive)
		invert_factor(s, p);
}

/* A panel of [ A10  A21' ] */
static void copy_panel(const struct sweep *s, size_t at, float *to)
{
	const size_t w = s->pivot.width, first = s->pivot.first;

	if (at < first)
		for (size_t k = 0; k < w; k++)
			memcpy(to + k * PANEL, entry(s, first + k, at), PANEL * sizeof(*to));
	else
		for (size_t k = 0; k < w; k += PANEL)
			s->kernels->transpose(
				entry(s, at, first + k), row_length(at), to + k * PANEL, PANEL);
}

/* U = L^-1 [ A10  A21' ], a panel of it; row i of L^-1 ends with its diagonal. */
static void solve_panel(void *arg, size_t p, unsigned thread)
{
	const struct sweep *s = arg;
	const struct pivot *pivot = &s->pivot;
	const size_t at = p * PANEL, w = pivot->width;
	float *u = panel_of(s, at);

	if (in_pivot(pivot, at))
		return;
	copy_panel(s, at, s->panel[thread]);
	for (size_t i = 0; i < w; i += TILE_ROWS)
		s->kernels->tile(i + TILE_ROWS, pivot->transposed + i, w, s->panel[thread], PANEL,
			u + i * PANEL, PANEL, 1, 0);
}

/* A00 += U0' U0, A20 -= U2' U0, A22 -= U2' U2: 8 rows of a panel of columns. */
static void update_tile(const struct sweep *s, size_t i, size_t j)
{
	const float *u = panel_of(s, i / PANEL * PANEL) + i % PANEL;

	s->kernels->tile(s->pivot.width, u, PANEL, panel_of(s, j), PANEL, entry(s, i, j),
		row_length(i), i < s->pivot.first ? 1 : -1, 1);
}

/* A panel of columns of the next pivot, which is updated before all others. */
static void update_next(void *arg, size_t p, unsigned thread)
{
	const struct sweep *s = arg;
	const size_t j = s->next.first + p * PANEL, end = s->next.first + s->next.width;

	(void)thread;
	for (size_t i = j; i < end; i += TILE_ROWS)
		update_tile(s, i, j);
}

/* The rest, within a strip and a chunk. */
static void update_chunk(const struct sweep *s, size_t row, size_t column)
{
	const size_t row_end = row + STRIP < s->n ? row + STRIP : s->n;
	const size_t column_end = column + CHUNK < row_end ? column + CHUNK : row_end;

	for (size_t j = column; j < column_end; j += PANEL) {
		const bool next = in_pivot(&s->next, j);

		if (in_pivot(&s->pivot, j))
			continue;
		for (size_t i = row > j ? row : j; i < row_end; i += TILE_ROWS)
			if (!in_pivot(&s->pivot, i) && !(next && in_pivot(&s->next, i)))
				update_tile(s, i, j);
	}
}

/* The first job, which no other does, is the next pivot. */
static void update(void *arg, size_t job, unsigned thread)
{
	struct sweep *s = arg;

	(void)thread;
	if (job == 0)
		prepare_pivot(s, &s->next);
	else
		update_chunk(s, s->job[job - 1][0], s->job[job - 1][1]);
}

/* A10 = -L'^-1 U0, A21 = (L'^-1 U2)', a panel of them; column i of L^-1 begins with its diagonal. */
static void finish_panel(void *arg, size_t p, unsigned thread)
{
	const struct sweep *s = arg;
	const struct pivot *pivot = &s->pivot;
	const size_t at = p * PANEL, w = pivot->width;
	const float *u = panel_of(s, at);
	float *v = s->panel[thread];

	if (in_pivot(pivot, at))
		return;
	for (size_t i = 0; i < w; i += TILE_ROWS)
		s->kernels->tile(w - i, pivot->inverse + i * w + i, w, u + i * PANEL, PANEL,
			v + i * PANEL, PANEL, at < pivot->first ? -1 : 1, 0);
	if (at < pivot->first)
		for (size_t k = 0; k < w; k++)
			memcpy(entry(s, pivot->first + k, at), v + k * PANEL, PANEL * sizeof(*v));
	else
		for (size_t k = 0; k < w; k += PANEL)
			s->kernels->transpose(v + k * PANEL, PANEL, entry(s, at, pivot->first + k),
				row_length(at));
}

/* A11 = L'^-1 L^-1; what this leaves above the diagonal is never read. */
static void finish_pivot(const struct sweep *s)
{
	const struct pivot *p = &s->pivot;
	const size_t w = p->width;

	for (size_t j = 0; j < w; j += PANEL)
		for (size_t i = j; i < w; i += TILE_ROWS)
			s->kernels->tile(w - i, p->inverse + i * w + i, w, p->inverse + i * w + j,
				w, entry(s, p->first + i, p->first + j), row_length(p->first + i),
				1, 0);
}

/* Rows of the whole matrix, from where they lie in the triangle. */
static void spread_row(void *arg, size_t k, unsigned thread)
{
	const struct sweep *s = arg;
	const size_t row = s->moved + k;

	(void)thread;
	memcpy(s->a + row * s->n, s->a + spd_row(row), (row + 1) * sizeof(*s->a));
}

/*
 * Each row moves up, the last first; at once those that come to lie behind the triangle that is left.
 * Where there is more than one block, row 0 stays in its place and the others get room: this ends.
 */
static void spread(struct sweep *s, struct pool *pool)
{
	for (size_t end = s->n; end > 1 && s->n > SPD_MULTIPLE; end = s->moved) {
		s->moved = (spd_row(end) + s->n - 1) / s->n;
		pool_run(pool, end - s->moved, spread_row, s);
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

/* Where the pivot behind the rows before `first` begins and ends: none behind the last. */
static void set_pivot(const struct sweep *s, struct pivot *p, size_t first)
{
	const size_t width = choose_width(s->n);

	p->first = first;
	p->width = s->n - first < width ? s->n - first : width;
}

/* A pivot that is prepared; then the next is, too. */
static void sweep_pivot(struct sweep *s, struct pool *pool)
{
	const size_t panels = s->n / PANEL;

	pool_run(pool, panels, solve_panel, s);
	set_pivot(s, &s->next, s->pivot.first + s->pivot.width);
	pool_run(pool, s->next.width / PANEL, update_next, s);
	pool_run(pool, 1 + s->jobs, update, s);
	pool_run(pool, panels, finish_panel, s);
	finish_pivot(s);
}

/* False where the matrix is not positive definite. */
static bool sweep(struct sweep *s, struct pool *pool)
{
	set_pivot(s, &s->pivot, 0);
	prepare_pivot(s, &s->pivot);
	while (s->pivot.positive && s->pivot.width > 0) {
		const struct pivot done = s->pivot;

		sweep_pivot(s, pool);
		s->pivot = s->next;
		s->next = done; /* for its memory */
		progress_at(s->pivot.first);
	}
	return s->pivot.positive;
}

static void take_pivot_memory(struct pivot *p, size_t width)
{
	p->factor = xmalloc(3 * width * width, sizeof(*p->factor));
	p->inverse = p->factor + width * width;
	p->transposed = p->inverse + width * width;
}

/* What the sweep works in, beside a. */
static void take_memory(struct sweep *s, unsigned threads)
{
	const size_t width = choose_width(s->n);

	take_pivot_memory(&s->pivot, width);
	take_pivot_memory(&s->next, width);
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
	free(s->pivot.factor);
	free(s->next.factor);
	mem_give_back();
}

bool spd_inverse(float *a, size_t n, struct pool *pool)
{
	struct sweep s = { .kernels = linear_kernels(), .a = a, .n = n };
	bool positive;

	if (n % SPD_MULTIPLE)
		BUG("%zu rows, not a multiple of %d", n, SPD_MULTIPLE);
	take_memory(&s, pool_threads(pool));
	progress_start("columns inverted", n);
	positive = sweep(&s, pool);
	progress_end();
	give_back_memory(&s, pool_threads(pool));
	if (!positive)
		return false;
	spread(&s, pool);
	pool_run(pool, n / PANEL, mirror_strip, &s);
	return true;
}
