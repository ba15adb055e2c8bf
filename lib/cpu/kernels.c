/*
 * kernels: the functions of the cpu backend that depend on the width of a vector, as one table.
 * This file is compiled once per instruction set (cpu.mk), each time with another CPU_KERNELS,
 * the table's name; all else is static.
 */
#ifndef CPU_KERNELS
#define CPU_KERNELS cpu_kernels_base
#endif

#include "cpu/ccl.h"
#include "cpu/cpu.h"
#include "cpu/gradient.h"
#include "cpu/mf.h"
#include "cpu/optimizer.h"
#include "cpu/panel_score.h"

const struct cpu_kernels CPU_KERNELS = {
	.name = ISA_NAME,
	.gradient_scratch = gradient_scratch,
	.gradient = gradient,
	.mf_gradient = mf_gradient,
	.mf_sums = mf_sums,
	.ccl_scratch = ccl_scratch,
	.ccl_keep = ccl_keep,
	.ccl_gradient = ccl_gradient,
	.row_sums = row_sums,
	.spread = spread,
	.dense_sums = dense_sums,
	.update = update,
	.update_rows = update_rows,
	.item_half_size = item_half_size,
	.item_halves = item_halves,
	.score_scratch = score_scratch,
	.score_block = score_block,
	.score_pairs = score_pairs,
};
