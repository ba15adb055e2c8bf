/*
 * kernels: the inner loops of lib/linear, compiled once per instruction set (linear.mk).
 *
 * Each element of a result is a chain of multiply-adds of its own, in the order stated here, so the
 * width of a vector does not show in it: every instruction set with fused multiply-add gives the
 * same bits. Without one (plain x86-64) each product is rounded before it is added.
 */
#ifndef LINEAR_KERNELS_H
#define LINEAR_KERNELS_H

#include <stddef.h>
#include <stdint.h>

enum { TILE_ROWS = 8, PANEL = 32 }; /* of a tile of a product; a panel has as many columns */
enum { DOT_SUMS = 16 };

/* One side of an epoch of ials: what is fixed while the rows of the other side are solved for. */
struct ials_side {
	size_t width, block; /* factors, and those of a block; multiples of PANEL */
	const float *table;  /* the fixed rows, in the coordinates of the eigenvectors */
	const float *vector; /* for each block: eigenvectors, block x block, a column each */
	const float *gram;   /* table' table x unobserved weight, width x width */
	const float *value;  /* eigenvalues x unobserved weight, per factor */
};

/* Working memory of ials_row, for one thread; longest: of the lists of interactions, and 16. */
struct ials_scratch {
	float *matrix;	    /* IALS_CHUNK x IALS_CHUNK: D + H'H, or I + H D^-1 H'; 0 at first */
	float *rows;	    /* IALS_CHUNK x IALS_CHUNK: rows of the table, or their columns */
	const float **row;  /* longest: rows of the table */
	float *error;	    /* longest: what is too much in the scores of the interactions */
	const float **line; /* width, and at least IALS_CHUNK: of some matrix */
	float *w;	    /* width: the row that is solved for, in the coordinates of the table */
};

enum { IALS_CHUNK = 128 }; /* widest block; rows of the table that are multiplied at once */

struct linear_kernels {
	const char *name;

	/*
	 * c[i * ldc + j] = beta c + alpha x sum over k < depth of a[k * lda + i] b[k * ldb + j], for
	 * i < TILE_ROWS, j < PANEL: the sum from k = 0 on; alpha is 1 or -1, beta 1 or 0.
	 */
	void (*tile)(size_t depth, const float *a, size_t lda, const float *b, size_t ldb, float *c,
		size_t ldc, float alpha, float beta);

	/*
	 * Solve for a row of factors: n of the rows of s->table, other[], have interactions with it.
	 * w (s->width floats) is where it starts from, in the coordinates from before those of the
	 * table, and the result, in those of the table. l2 is what the squares of the row are
	 * weighted by.
	 */
	void (*ials_row)(const struct ials_side *s, const uint32_t *other, size_t n, float l2,
		float *w, struct ials_scratch *x);

	/* y = sum over k < num of factor[k] x row[k][0 .. n - 1], n a multiple of PANEL. */
	void (*combine)(
		size_t num, const float *factor, const float *const row[], size_t n, float *y);

	/* y[j] += alpha x[j], j < n */
	void (*axpy)(size_t n, float alpha, const float *x, float *y);

	/* sum[j] += row[0][j], then row[1][j] ..., for j < n. */
	void (*add_rows)(size_t num, const float *const row[], size_t n, double *sum);

	/* to[j * ldt + i] = from[i * ldf + j], i and j < PANEL */
	void (*transpose)(const float *from, size_t ldf, float *to, size_t ldt);

	/* The sum of row[j] x[j], j < n: DOT_SUMS sums of every so manieth, added up in turn. */
	double (*row_dot)(size_t n, const float *row, const double *x);
};

/* The fastest that this processor has. */
const struct linear_kernels *linear_kernels(void);

/* All that it has, the fastest first, at most 3: for tests. Returns how many. */
unsigned linear_kernels_available(const struct linear_kernels *list[3]);

#endif
