/* cpu_kernels: the functions compiled once for each instruction set; struct cpu_kernels says what they do. */
#ifndef KERNELS_H
#define KERNELS_H

#include "cpu/cpu.h"
#include "cpu/simd.h"

extern const struct cpu_kernels LEVEL(cpu_kernels);

enum { BLOCK_PANELS = 2 }; /* a block has so many times PANEL_ROWS rows */

size_t LEVEL(gradient_scratch)(const struct backend *b);
void LEVEL(gradient)(struct backend *b, size_t job, void *scratch);
void LEVEL(row_sums)(const struct backend *b, const struct cpu_side *side, uint32_t first,
	uint32_t end, float *sums);
void LEVEL(spread)(const struct cpu_side *side, unsigned branch, uint32_t first, uint32_t end,
	const float *sums, uint64_t row, float *g);
void LEVEL(dense_sums)(const struct backend *b, uint64_t first, size_t n, float *g);
void LEVEL(update)(struct backend *b, uint64_t offset, size_t n, const float *g);
void LEVEL(update_rows)(struct backend *b, uint64_t offset, uint32_t cols, const uint32_t *id,
	uint32_t rows, const float *g, size_t stride);
size_t LEVEL(items_size)(const struct backend *b);
void LEVEL(items)(struct backend *b, void *scratch, uint32_t first, uint32_t end);
size_t LEVEL(score_scratch)(const struct backend *b);
void LEVEL(score)(const struct backend *b, void *scratch, const uint32_t *user, uint32_t users,
	uint32_t first, uint32_t end, float *score, size_t ld);
void LEVEL(score_pairs)(const struct backend *b, void *scratch, size_t n, const uint32_t *user,
	const uint32_t *item, float *score);

#endif
