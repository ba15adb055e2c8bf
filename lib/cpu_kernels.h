/* cpu_kernels: prototypes of the functions compiled once for each instruction set; cpu.h says what they do. */
#ifndef CPU_KERNELS_H
#define CPU_KERNELS_H

#include "cpu.h"
#include "cpu_lanes.h"

extern const struct cpu_kernels LEVEL(cpu_kernels);

uint32_t LEVEL(narrow_block)(void);
size_t LEVEL(narrow_scratch)(const struct backend *b);
void LEVEL(narrow_gradient)(struct backend *b, size_t job, void *scratch);
size_t LEVEL(narrow_items_size)(const struct backend *b);
void LEVEL(narrow_items)(struct backend *b, uint32_t first, uint32_t end);
size_t LEVEL(narrow_score_scratch)(const struct backend *b);
void LEVEL(narrow_score)(const struct backend *b, void *scratch, const uint32_t *user,
	uint32_t users, uint32_t first, uint32_t end, float *score, size_t ld);
void LEVEL(narrow_score_pairs)(const struct backend *b, void *scratch, size_t n,
	const uint32_t *user, const uint32_t *item, float *score);

uint32_t LEVEL(wide_block)(void);
size_t LEVEL(wide_scratch)(const struct backend *b);
void LEVEL(wide_gradient)(struct backend *b, size_t job, void *scratch);
size_t LEVEL(wide_items_size)(const struct backend *b);
void LEVEL(wide_items)(struct backend *b, uint32_t first, uint32_t end);
size_t LEVEL(wide_score_scratch)(const struct backend *b);
void LEVEL(wide_score)(const struct backend *b, void *scratch, const uint32_t *user, uint32_t users,
	uint32_t first, uint32_t end, float *score, size_t ld);
void LEVEL(wide_score_pairs)(const struct backend *b, void *scratch, size_t n, const uint32_t *user,
	const uint32_t *item, float *score);

void LEVEL(embedding_gradient)(const struct backend *b, const struct cpu_side *side, unsigned part,
	uint32_t k, float *out);
void LEVEL(dense_gradient)(const struct backend *b, uint64_t first, size_t n, float *out);
void LEVEL(update_weights)(struct backend *b, uint64_t offset, size_t n, const float *g);

#endif
