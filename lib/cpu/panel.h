/*
 * panel: products of small weight matrices with examples that lie in the lanes of vectors.
 *
 * A panel is PANEL_GROUPS groups of LANES examples. An array of n columns (features or neurons)
 * holds n x PANEL_GROUPS vectors per panel: column c of panel q begins at vector (q n + c) x
 * PANEL_GROUPS. Four groups keep the arithmetic units busy: a weight is loaded once for four
 * multiply-adds, a vector once for TILE of them, and TILE x 4 independent sums hide the latency.
 */
#ifndef PANEL_H
#define PANEL_H

#include "cpu/simd.h"

#include <stddef.h>

enum { PANEL_GROUPS = 4, PANEL_ROWS = PANEL_GROUPS * LANES };

struct columns {
	vf *v;
	uint32_t n; /* columns per panel */
};

/* Column k of a panel: its PANEL_GROUPS vectors. */
INLINE vf *column(struct columns c, uint32_t panel, uint32_t k)
{
	return c.v + ((size_t)panel * c.n + k) * PANEL_GROUPS;
}

/* Outputs of a tile: its TILE x 4 sums, four inputs and a weight have to stay in registers. */
enum { TILE = REGISTERS == 32 ? 4 : 2 };

/* y (out) = w (out, in) x (in). Weight (o, k) is w[o * row + k * col], so a transpose is free. */
struct product {
	const float *w;
	size_t row, col;
	uint32_t out, in;
};

/* What the sums begin with: 0, bias (out), the columns of `other` (out), or what y holds. */
enum start { FROM_ZERO, FROM_BIAS, FROM_OTHER, FROM_SUMS };

/* How they are stored: as they are, with relu, or as 0 where `other` (out) is not positive. */
enum finish { AS_IT_IS, WITH_RELU, WHERE_POSITIVE };

/* Inputs taken at a time: their columns, 16 KiB at 16 lanes, have to stay in the first cache
   while all outputs pass over them. */
enum { INPUTS = 64 };

/* Outputs o .. o + tile - 1 of inputs first .. end - 1. */
INLINE void product_tile(const struct product *p, const unsigned tile, const enum start start,
	const enum finish finish, uint32_t o, uint32_t first, uint32_t end, const vf *x,
	const float *bias, const vf *other, vf *y)
{
	const float *w = p->w + o * p->row;
	vf sum[TILE][PANEL_GROUPS];

	for (unsigned t = 0; t < tile; t++)
		for (unsigned j = 0; j < PANEL_GROUPS; j++) {
			sum[t][j] = splat(start == FROM_BIAS ? bias[o + t] : 0);
			if (start == FROM_OTHER)
				sum[t][j] = other[(o + t) * PANEL_GROUPS + j];
			if (start == FROM_SUMS)
				sum[t][j] = y[(o + t) * PANEL_GROUPS + j];
		}
	for (uint32_t k = first; k < end; k++)
		for (unsigned t = 0; t < tile; t++)
			for (unsigned j = 0; j < PANEL_GROUPS; j++)
				sum[t][j] = fused(splat(w[t * p->row + k * p->col]),
					x[k * PANEL_GROUPS + j], sum[t][j]);
	for (unsigned t = 0; t < tile; t++)
		for (unsigned j = 0; j < PANEL_GROUPS; j++) {
			if (finish == WITH_RELU)
				sum[t][j] = relu(sum[t][j]);
			if (finish == WHERE_POSITIVE)
				sum[t][j] =
					keep(other[(o + t) * PANEL_GROUPS + j] > 0.f, sum[t][j]);
			y[(o + t) * PANEL_GROUPS + j] = sum[t][j];
		}
}

/* All outputs of inputs first .. end - 1. */
INLINE void product_inputs(const struct product *p, const enum start start,
	const enum finish finish, uint32_t first, uint32_t end, const vf *x, const float *bias,
	const vf *other, vf *y)
{
	uint32_t o = 0;

	for (; o + TILE <= p->out; o += TILE)
		product_tile(p, TILE, start, finish, o, first, end, x, bias, other, y);
	if (TILE > 2 && o + 2 <= p->out) {
		product_tile(p, 2, start, finish, o, first, end, x, bias, other, y);
		o += 2;
	}
	if (o < p->out)
		product_tile(p, 1, start, finish, o, first, end, x, bias, other, y);
}

/* The product for one panel: columns x (in) to columns y (out). bias, other: NULL if not used. */
INLINE void product_panel(const struct product *p, const enum start start, const enum finish finish,
	const vf *x, const float *bias, const vf *other, vf *y)
{
	uint32_t first = 0;

	if (p->in <= INPUTS) {
		product_inputs(p, start, finish, 0, p->in, x, bias, other, y);
		return;
	}
	product_inputs(p, start, AS_IT_IS, 0, INPUTS, x, bias, other, y);
	for (first = INPUTS; first + INPUTS < p->in; first += INPUTS)
		product_inputs(p, FROM_SUMS, AS_IT_IS, first, first + INPUTS, x, bias, other, y);
	product_inputs(p, FROM_SUMS, finish, first, p->in, x, bias, other, y);
}

/*
 * Rows id[0] .. id[LANES - 1] of a table (num_rows, cols) into the lanes of one group; `out` is the
 * group's vector of column 0. Columns go by four: up to 3 after the last are overwritten.
 */
static inline void gather(vf *out, const float *table, uint32_t cols, const uint32_t id[LANES])
{
	const float *row[LANES];

	for (uint32_t l = 0; l < LANES; l++)
		row[l] = table + (size_t)id[l] * cols;
	for (uint32_t c = 0; c < cols; c += 4) {
		vf t[4];

		for (unsigned j = 0; j < 4; j++)
			t[j] = rows_load(row, j, c);
		transpose4(t);
		for (unsigned j = 0; j < 4; j++)
			out[(c + j) * PANEL_GROUPS] = t[j];
	}
}

/* The same array seen from column k on. */
INLINE struct columns columns_from(struct columns c, uint32_t k)
{
	c.v += (size_t)k * PANEL_GROUPS;
	return c;
}

/* Columns of d and x in a tile of outer_product: D_TILE x X_TILE sums and as many vectors as
   columns have to stay in registers. */
enum { D_TILE = REGISTERS == 32 ? 4 : 2, X_TILE = 4 };

/* Add n floats of x to those at p. */
INLINE void add4(float *p, vf4 x, const unsigned n)
{
	if (n == 4)
		store4(p, load4(p) + x);
	else
		for (unsigned k = 0; k < n; k++)
			p[k] += x[k];
}

/* The groups of a panel go to the PARTS vectors of a sum in turn, one part after the other: so the
   registers hold one. */
INLINE void outer_tile(const unsigned outs, const unsigned ins, float *dw, size_t ld,
	struct columns d, struct columns x, uint32_t panels)
{
	vf part_sums[D_TILE][PARTS];

	for (unsigned part = 0; part < PARTS; part++) {
		vf sum[D_TILE][X_TILE];

		for (unsigned o = 0; o < outs; o++)
			for (unsigned k = 0; k < X_TILE; k++)
				sum[o][k] = splat(0);
		for (uint32_t q = 0; q < panels; q++) {
			const vf *dq = column(d, q, 0), *xq = column(x, q, 0);

			for (unsigned j = part; j < PANEL_GROUPS; j += PARTS)
				for (unsigned o = 0; o < outs; o++)
					for (unsigned k = 0; k < ins; k++)
						sum[o][k] = fused(dq[o * PANEL_GROUPS + j],
							xq[k * PANEL_GROUPS + j], sum[o][k]);
		}
		for (unsigned o = 0; o < outs; o++)
			part_sums[o][part] = piece_sums(sum[o]);
	}
	for (unsigned o = 0; o < outs; o++)
		add4(dw + o * ld, pieces_sum(part_sums[o]), ins);
}

INLINE void outer_rows(const unsigned outs, float *dw, size_t ld, struct columns d,
	struct columns x, uint32_t in, uint32_t panels)
{
	uint32_t k = 0;

	for (; k + X_TILE <= in; k += X_TILE)
		outer_tile(outs, X_TILE, dw + k, ld, d, columns_from(x, k), panels);
	if (k + 2 <= in) {
		outer_tile(outs, 2, dw + k, ld, d, columns_from(x, k), panels);
		k += 2;
	}
	if (k < in)
		outer_tile(outs, 1, dw + k, ld, d, columns_from(x, k), panels);
}

/* dw (out, in; rows ld floats apart) += sum over the examples of d (out) x (in). */
static inline void outer_product(float *dw, size_t ld, struct columns d, uint32_t out,
	struct columns x, uint32_t in, uint32_t panels)
{
	uint32_t o = 0;

	for (; o + D_TILE <= out; o += D_TILE)
		outer_rows(D_TILE, dw + o * ld, ld, columns_from(d, o), x, in, panels);
	if (D_TILE > 2 && o + 2 <= out) {
		outer_rows(2, dw + o * ld, ld, columns_from(d, o), x, in, panels);
		o += 2;
	}
	if (o < out)
		outer_rows(1, dw + o * ld, ld, columns_from(d, o), x, in, panels);
}

/* The sums over the examples of n columns, n <= 4, the first of them `d`. */
INLINE vf4 columns_sum(const unsigned n, struct columns d, uint32_t panels)
{
	vf part_sums[PARTS];

	for (unsigned part = 0; part < PARTS; part++) {
		vf sum[4] = { { 0 } };

		for (uint32_t q = 0; q < panels; q++)
			for (unsigned j = part; j < PANEL_GROUPS; j += PARTS)
				for (unsigned k = 0; k < n; k++)
					sum[k] += column(d, q, k)[j];
		part_sums[part] = piece_sums(sum);
	}
	return pieces_sum(part_sums);
}

/* db (out) += sum over the examples of d (out). */
static inline void column_sums(float *db, struct columns d, uint32_t out, uint32_t panels)
{
	uint32_t o = 0;

	for (; o + 4 <= out; o += 4)
		add4(db + o, columns_sum(4, columns_from(d, o), panels), 4);
	for (; o < out; o++)
		add4(db + o, columns_sum(1, columns_from(d, o), panels), 1);
}

#endif
