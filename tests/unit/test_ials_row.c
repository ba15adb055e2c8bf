/*
 * ials_row: the row of factors where the loss is least, next to elimination in double, by every
 * instruction set, for lists and blocks of all sizes; jacobi: eigenvectors of any symmetric matrix.
 */
#include "base/mem.h"
#include "base/rng.h"
#include "check.h"
#include "linear/jacobi.h"
#include "linear/kernels.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { TABLE = 400 }; /* rows of the fixed side */

static const double L2 = 0.7;

struct problem {
	size_t width, block, n;
	float *table, *vector, *gram, *value;
	uint32_t other[TABLE];
};

static double *random_values(size_t n, uint64_t index)
{
	double *x = xmalloc(n, sizeof(*x));
	struct rng r;

	rng_start(&r, 3, RNG_TEST, 0, index);
	for (size_t k = 0; k < n; k++)
		x[k] = 2 * rng_real(&r) - 1;
	return x;
}

/* Coordinates are as they are: vector is a unit matrix, value and gram are free, gram symmetric. */
static struct problem make(size_t width, size_t block, size_t n)
{
	struct problem p = { .width = width, .block = block, .n = n };
	double *x = random_values(TABLE * width, 1), *g = random_values(width * width, 2);

	p.table = xmalloc(TABLE * width, sizeof(*p.table));
	p.vector = xcalloc(block * width, sizeof(*p.vector));
	p.gram = xmalloc(width * width, sizeof(*p.gram));
	p.value = xmalloc(width, sizeof(*p.value));
	for (size_t k = 0; k < TABLE * width; k++)
		p.table[k] = (float)x[k];
	for (size_t k = 0; k < width; k++) {
		p.vector[k * block + k % block] = 1;
		p.value[k] = (float)(0.1 + fabs(g[k]));
	}
	for (size_t i = 0; i < width; i++)
		for (size_t j = 0; j < width; j++) {
			const double small = 0.01 * (g[i * width + j] + g[j * width + i]);

			p.gram[i * width + j] = i == j			 ? p.value[i]
						: i / block == j / block ? 0
									 : (float)small;
		}
	for (size_t a = 0; a < n; a++)
		p.other[a] = (uint32_t)(a * 7 % TABLE);
	free(g);
	free(x);
	return p;
}

static void release(struct problem *p)
{
	free(p->table);
	free(p->vector);
	free(p->gram);
	free(p->value);
}

/* a x = b, n x n, b becomes x; a is spoilt. */
static void eliminate(size_t n, double *a, double *b)
{
	for (size_t k = 0; k < n; k++)
		for (size_t i = k + 1; i < n; i++) {
			const double f = a[i * n + k] / a[k * n + k];

			for (size_t j = k; j < n; j++)
				a[i * n + j] -= f * a[k * n + j];
			b[i] -= f * b[k];
		}
	for (size_t k = n; k-- > 0;) {
		for (size_t j = k + 1; j < n; j++)
			b[k] -= a[k * n + j] * b[j];
		b[k] /= a[k * n + k];
	}
}

/* Block by block: (gram + L2 + sum of h h') w = sum of h, for the block's part of w. */
static void solve(const struct problem *p, double *w)
{
	const size_t b = p->block, width = p->width;
	double *a = xmalloc(b * b, sizeof(*a)), *right = xmalloc(b, sizeof(*right));

	for (size_t at = 0; at < width; at += b) {
		for (size_t i = 0; i < b; i++) {
			right[i] = 0;
			for (size_t j = 0; j < width; j++)
				if (j < at || j >= at + b)
					right[i] -= p->gram[(at + i) * width + j] * w[j];
			for (size_t j = 0; j < b; j++)
				a[i * b + j] = i == j ? p->value[at + i] + L2 : 0;
		}
		for (size_t k = 0; k < p->n; k++) {
			const float *h = p->table + p->other[k] * width;
			double rest = 1;

			for (size_t j = 0; j < width; j++)
				rest -= j < at || j >= at + b ? h[j] * w[j] : 0;
			for (size_t i = 0; i < b; i++) {
				right[i] += rest * h[at + i];
				for (size_t j = 0; j < b; j++)
					a[i * b + j] += (double)h[at + i] * h[at + j];
			}
		}
		eliminate(b, a, right);
		memcpy(w + at, right, b * sizeof(*w));
	}
	free(right);
	free(a);
}

static void run(const struct linear_kernels *kernels, const struct problem *p, float *w)
{
	const struct ials_side side = { p->width, p->block, p->table, p->vector, p->gram,
		p->value };
	struct ials_scratch x = { 0 };

	x.matrix = xcalloc_aligned(IALS_CHUNK * IALS_CHUNK, sizeof(*x.matrix));
	x.rows = xcalloc_aligned(IALS_CHUNK * IALS_CHUNK, sizeof(*x.rows));
	x.row = xmalloc(p->n + 16, sizeof(*x.row));
	x.error = xmalloc(p->n + 16, sizeof(*x.error));
	x.line = xmalloc(p->width + IALS_CHUNK, sizeof(*x.line));
	x.w = xmalloc(p->width, sizeof(*x.w));
	kernels->ials_row(&side, p->other, p->n, (float)L2, w, &x);
	free(x.matrix);
	free(x.rows);
	free(x.row);
	free(x.error);
	free(x.line);
	free(x.w);
}

static void check_row(size_t width, size_t block, size_t n)
{
	const struct linear_kernels *list[3];
	const unsigned num = linear_kernels_available(list);
	struct problem p = make(width, block, n);
	double *want = random_values(width, 4), worst = 0, largest = 0;
	float *start = xmalloc(width, sizeof(*start)), *w[3];

	for (size_t k = 0; k < width; k++)
		want[k] = start[k] = (float)want[k];
	solve(&p, want);
	for (unsigned k = 0; k < num; k++) {
		w[k] = xmalloc(width, sizeof(*w[k]));
		memcpy(w[k], start, width * sizeof(*start));
		run(list[k], &p, w[k]);
		for (size_t j = 0; j < width; j++) {
			worst = fmax(worst, fabs(w[k][j] - want[j]));
			largest = fmax(largest, fabs(want[j]));
		}
		if (k > 0 && k + 1 < num)
			CHECK(memcmp(w[k], w[0], width * sizeof(*start)) == 0,
				"%zu factors by %zu, %zu in the list: %s has the bits of %s", width,
				block, n, list[k]->name, list[0]->name);
	}
	CHECK(worst < 2e-5 * largest, "%zu factors by %zu, %zu in the list: %g off, largest %g",
		width, block, n, worst, largest);
	for (unsigned k = 0; k < num; k++)
		free(w[k]);
	free(start);
	free(want);
	release(&p);
}

/* Random, of rank 3, and with rows of zeros. */
static void check_jacobi(size_t n, int kind)
{
	double *x = random_values(n * n, 5), *a = xcalloc(n * n, sizeof(*a));
	double *copy = xmalloc(n * n, sizeof(*copy)), *v = xmalloc(n * n, sizeof(*v));
	double *value = xmalloc(n, sizeof(*value)), worst = 0, skew = 0;

	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < n; j++)
			for (size_t k = 0; k < (kind == 1 && n > 3 ? 3 : n); k++)
				if (kind != 2 || (i % 3 && j % 3))
					a[i * n + j] += x[i * n + k] * x[j * n + k];
	memcpy(copy, a, n * n * sizeof(*a));
	jacobi(n, a, v, value);
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < n; j++) {
			double sum = 0, one = 0;

			for (size_t k = 0; k < n; k++) {
				sum += v[k * n + i] * value[k] * v[k * n + j];
				one += v[i * n + k] * v[j * n + k];
			}
			worst = fmax(worst, fabs(sum - copy[i * n + j]));
			skew = fmax(skew, fabs(one - (i == j)));
		}
	CHECK(worst < 1e-11 * (double)n && skew < 1e-12, "jacobi of %zu, kind %d: %g off, %g skew",
		n, kind, worst, skew);
	free(value);
	free(v);
	free(copy);
	free(a);
	free(x);
}

int main(void)
{
	static const size_t shape[][2] = { { 32, 32 }, { 64, 64 }, { 96, 96 }, { 128, 128 },
		{ 64, 32 }, { 192, 96 }, { 384, 128 } };
	static const size_t length[] = { 1, 2, 4, 15, 16, 17, 33, 48, 49, 72, 73, 96, 97, 129,
		300 };

	for (size_t s = 0; s < sizeof(shape) / sizeof(*shape); s++)
		for (size_t k = 0; k < sizeof(length) / sizeof(*length); k++)
			check_row(shape[s][0], shape[s][1], length[k]);
	for (int kind = 0; kind < 3; kind++)
		for (size_t n = 1; n <= 64; n = n < 4 ? n + 1 : 2 * n)
			check_jacobi(n, kind);
	return CHECK_EXIT;
}
