/* cpu_kernels: the table of one instruction set. */
#include "cpu_kernels.h"

const struct cpu_kernels LEVEL(cpu_kernels) = {
	.name = CPU_ISA_NAME,
	.narrow = {
		.block = LEVEL(narrow_block),
		.scratch = LEVEL(narrow_scratch),
		.gradient = LEVEL(narrow_gradient),
		.items_size = LEVEL(narrow_items_size),
		.items = LEVEL(narrow_items),
		.score_scratch = LEVEL(narrow_score_scratch),
		.score = LEVEL(narrow_score),
		.score_pairs = LEVEL(narrow_score_pairs),
	},
	.wide = {
		.block = LEVEL(wide_block),
		.scratch = LEVEL(wide_scratch),
		.gradient = LEVEL(wide_gradient),
		.items_size = LEVEL(wide_items_size),
		.items = LEVEL(wide_items),
		.score_scratch = LEVEL(wide_score_scratch),
		.score = LEVEL(wide_score),
		.score_pairs = LEVEL(wide_score_pairs),
	},
	.embedding_gradient = LEVEL(embedding_gradient),
	.dense_gradient = LEVEL(dense_gradient),
	.update = LEVEL(update_weights),
};
