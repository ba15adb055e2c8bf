/* dots: products of rows with one vector, whose columns lie in the lanes: sums of SUM_LANES, in one
   order on every machine. */
#ifndef DOTS_H
#define DOTS_H

#include "cpu/simd.h"

/* The columns c + part x LANES .. of a row (cols); 0 from its end on. */
INLINE vf columns_at(const float *row, uint32_t c, unsigned part, uint32_t cols)
{
	const uint32_t at = c + part * LANES;

	return keep(lanes_below(cols > at ? cols - at : 0), load(row + at));
}

/* The products of n rows, n <= 4, with x. Rows and x are (cols), and whole vectors of SUM_LANES of
   them can be read. */
INLINE vf4 dots(const unsigned n, const float *const row[4], const float *x, uint32_t cols)
{
	vf sum[PARTS][4] = { { { 0 } } }, part_sums[PARTS];

	for (uint32_t c = 0; c < cols; c += SUM_LANES)
		for (unsigned part = 0; part < PARTS; part++) {
			const vf y = columns_at(x, c, part, cols);

			for (unsigned k = 0; k < n; k++)
				sum[part][k] =
					fused(columns_at(row[k], c, part, cols), y, sum[part][k]);
		}
	for (unsigned part = 0; part < PARTS; part++)
		part_sums[part] = piece_sums(sum[part]);
	return pieces_sum(part_sums);
}

/* The same of 4 rows, and the sum of squares of each in *squares. */
INLINE vf4 dots_and_squares(const float *const row[4], const float *x, uint32_t cols, vf4 *squares)
{
	vf sum[PARTS][4] = { { { 0 } } }, square[PARTS][4] = { { { 0 } } };
	vf part_sums[PARTS], part_squares[PARTS];

	for (uint32_t c = 0; c < cols; c += SUM_LANES)
		for (unsigned part = 0; part < PARTS; part++) {
			const vf y = columns_at(x, c, part, cols);

			for (unsigned k = 0; k < 4; k++) {
				const vf w = columns_at(row[k], c, part, cols);

				sum[part][k] = fused(w, y, sum[part][k]);
				square[part][k] = fused(w, w, square[part][k]);
			}
		}
	for (unsigned part = 0; part < PARTS; part++) {
		part_sums[part] = piece_sums(sum[part]);
		part_squares[part] = piece_sums(square[part]);
	}
	*squares = pieces_sum(part_squares);
	return pieces_sum(part_sums);
}

#endif
