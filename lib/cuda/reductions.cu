/*
 * reductions: gradients of biases and of the head, which are sums over the rows of a batch.
 *   relu_backward  dy (rows, cols) *= (y > 0);  db (cols) = column sums of dy
 *   head_backward  dhead (F + H + 1) = sum over r of dlogit[r] x concat(g, x, 1)[r]
 * Two stages: each block sums its share of the rows (how many share them depends on the number of
 * rows alone), then the partial sums are added in the order of the blocks.
 */
#include "cuda/ops.h"

enum { TILE_COLS = 32, TILE_ROWS = GPU_BLOCK / TILE_COLS };

/* Add the sums of a block's TILE_ROWS rows of threads and write the result. */
static __device__ __forceinline__ void write_partial(
	float sum, uint32_t c, uint32_t cols, float *partial)
{
	__shared__ float sums[TILE_ROWS][TILE_COLS];

	sums[threadIdx.y][threadIdx.x] = sum;
	__syncthreads();
	if (threadIdx.y || c >= cols)
		return;
	for (uint32_t y = 1; y < TILE_ROWS; y++)
		sum += sums[y][threadIdx.x];
	partial[(size_t)blockIdx.x * cols + c] = sum;
}

__global__ void __launch_bounds__(GPU_BLOCK) relu_backward_kernel(float *__restrict__ dy,
	const float *__restrict__ y, uint32_t rows, uint32_t cols, float *__restrict__ partial)
{
	uint32_t c = blockIdx.y * TILE_COLS + threadIdx.x;
	float sum = 0;

	for (uint32_t r = blockIdx.x * TILE_ROWS + threadIdx.y; r < rows && c < cols;
		r += gridDim.x * TILE_ROWS) {
		size_t i = (size_t)r * cols + c;
		float d = dy[i];

		if (!(y[i] > 0)) {
			d = 0;
			dy[i] = 0;
		}
		sum += d;
	}
	write_partial(sum, c, cols, partial);
}

__global__ void __launch_bounds__(GPU_BLOCK) head_backward_kernel(const float *__restrict__ dlogit,
	const float *__restrict__ g, const float *__restrict__ x, uint32_t rows, uint32_t F,
	uint32_t H, uint32_t cols, float *__restrict__ partial)
{
	uint32_t c = blockIdx.y * TILE_COLS + threadIdx.x;
	float sum = 0;

	for (uint32_t r = blockIdx.x * TILE_ROWS + threadIdx.y; r < rows && c < cols;
		r += gridDim.x * TILE_ROWS)
		sum += dlogit[r] * (c < F	       ? g[(size_t)r * F + c]
					   : c < F + H ? x[(size_t)r * H + c - F]
						       : 1.0f);
	write_partial(sum, c, cols, partial);
}

__global__ void reduce_partial_kernel(const float *__restrict__ partial, uint32_t num_partials,
	uint32_t n, float *__restrict__ out, uint32_t out_size, float *__restrict__ rest)
{
	uint32_t i = blockIdx.x * blockDim.x + threadIdx.x;
	float sum = 0;

	if (i >= n)
		return;
	for (uint32_t p = 0; p < num_partials; p++)
		sum += partial[(size_t)p * n + i];
	if (i < out_size)
		out[i] = sum;
	else
		rest[i - out_size] = sum;
}

void reduce_partial_cuda(cudaStream_t stream, const float *partial, uint32_t num_partials,
	uint32_t n, float *out, uint32_t out_size, float *rest)
{
	LAUNCH(reduce_partial_kernel, gpu_blocks(n, GPU_BLOCK), GPU_BLOCK, 0, stream, partial,
		num_partials, n, out, out_size, rest);
	CHECK_LAUNCH();
}

/* Blocks over the rows: enough for 8 rows per thread, COLUMN_PARTIALS at most. */
static unsigned column_partials(uint32_t rows)
{
	unsigned blocks = gpu_blocks(rows, TILE_ROWS * 8);

	return blocks < COLUMN_PARTIALS ? blocks : (unsigned)COLUMN_PARTIALS;
}

void relu_backward_cuda(cudaStream_t stream, float *dy, const float *y, uint32_t rows,
	uint32_t cols, float *db, float *partial)
{
	unsigned blocks = column_partials(rows);

	LAUNCH(relu_backward_kernel, dim3(blocks, gpu_blocks(cols, TILE_COLS)),
		dim3(TILE_COLS, TILE_ROWS), 0, stream, dy, y, rows, cols, partial);
	CHECK_LAUNCH();
	reduce_partial_cuda(stream, partial, blocks, cols, db, cols, NULL);
}

void head_backward_cuda(cudaStream_t stream, const float *dlogit, const float *g, const float *x,
	uint32_t rows, uint32_t F, uint32_t H, bool bias, float *dhead, float *partial)
{
	unsigned blocks = column_partials(rows), cols = F + H + (bias ? 1 : 0);

	LAUNCH(head_backward_kernel, dim3(blocks, gpu_blocks(cols, TILE_COLS)),
		dim3(TILE_COLS, TILE_ROWS), 0, stream, dlogit, g, x, rows, F, H, cols, partial);
	CHECK_LAUNCH();
	reduce_partial_cuda(stream, partial, blocks, cols, dhead, cols, NULL);
}
