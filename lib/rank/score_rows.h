/*
 * score_rows: score records of one user to columns and back, by vectors. A stream of all scores has
 * 16 bytes per pair, and these loops are much of what both its ends have to do.
 */
#ifndef SCORE_ROWS_H
#define SCORE_ROWS_H

#include "stream/record.h"

#include <stddef.h>
#include <stdint.h>

/* The columns of n rows. */
void score_rows_split(
	const struct score *rows, size_t n, uint32_t *item, float *label, float *score);

/* Rows with label 0 of items item, item + 1 .. and their n scores, without those of -inf. Returns
   how many; more of `rows`, up to n, may be overwritten. */
size_t score_rows_make(
	uint32_t user, uint32_t item, const float *score, size_t n, struct score *rows);

#endif
