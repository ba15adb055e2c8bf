/*
 * draws: rows of a batch, drawn on the device (row_draws.h). A thread per row, integers only: each row
 * is a pure function of its number. What is drawn from stays in the kernel's constants, where the keys
 * of the order are found by an index. Four blocks to a multiprocessor: ptxas would take five, and
 * spill.
 */
#include "cuda/ops.h"

__global__ void __launch_bounds__(GPU_BLOCK, 4)
	draw_rows_kernel(const __grid_constant__ struct row_draws draws,
		const __grid_constant__ struct permute order, struct permute_place place,
		uint32_t epoch, uint64_t first, uint32_t n, struct drawn_columns to)
{
	uint32_t r = blockIdx.x * blockDim.x + threadIdx.x;

	if (r >= n)
		return;
	struct drawn_row row = row_draws_at(
		&draws, &order, permute_place_after(&order, place, r), epoch, first + r);
	to.user[r] = row.user;
	to.item[r] = row.item;
	to.third[r] = draws.pointwise ? __float_as_uint(row.label ? 1.0f : 0.0f) : row.negative;
}

void draw_rows_cuda(cudaStream_t stream, const struct row_draws *draws, uint64_t first, uint32_t n,
	struct drawn_columns to)
{
	while (n > 0) {
		uint64_t epoch = first / draws->rows_per_epoch, row = first % draws->rows_per_epoch;
		uint64_t left = draws->rows_per_epoch - row;
		uint32_t some = left < n ? (uint32_t)left : n;
		struct permute order;

		memset(&order, 0, sizeof(order)); /* keys that are not used, too */
		row_draws_order(draws->from.seed, draws->rows_per_epoch, (uint32_t)epoch, &order);
		LAUNCH(draw_rows_kernel, gpu_blocks(some, GPU_BLOCK), GPU_BLOCK, 0, stream, *draws,
			order, permute_place(&order, row), (uint32_t)epoch, row, some, to);
		CHECK_LAUNCH();
		first += some;
		n -= some;
		to.user += some;
		to.item += some;
		to.third += some;
	}
}
