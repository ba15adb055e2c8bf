/* cpu_kernels: the table of one instruction set. */
#include "cpu/kernels.h"

#include "cpu/panel.h"

const struct cpu_kernels LEVEL(cpu_kernels) = {
	.name = CPU_ISA_NAME,
	.block = BLOCK_PANELS * PANEL_ROWS,
	.gradient_scratch = LEVEL(gradient_scratch),
	.gradient = LEVEL(gradient),
	.row_sums = LEVEL(row_sums),
	.spread = LEVEL(spread),
	.dense_sums = LEVEL(dense_sums),
	.update = LEVEL(update),
	.update_rows = LEVEL(update_rows),
	.items_size = LEVEL(items_size),
	.items = LEVEL(items),
	.score_scratch = LEVEL(score_scratch),
	.score = LEVEL(score),
	.score_pairs = LEVEL(score_pairs),
};
