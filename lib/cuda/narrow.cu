/*
 * narrow: a layer of few units in one kernel; as matrix products it would be little but launches.
 *   forward   y (rows, out) = relu(x (rows, in) w (out, in)^T + bias (out))
 *   backward  dz = dy (y > 0);  dx = dz w, dw = dz^T x, db = column sums of dz
 * The weights lie in shared memory. The backward pass walks over tiles of rows; each block keeps
 * its partial sums of dw and db in registers and writes them once; then they are added in the order
 * of the blocks.
 */
#include "cuda/ops.h"

/* Rows of a tile; most weights (db among them) and units of a layer; rows of a thread going forward;
   weights that a thread sums. */
enum { TILE_ROWS = 64, NARROW_WEIGHTS = 1088, NARROW_WIDTH = 64, FORWARD_ROWS = 4 };
enum { PER_THREAD = (NARROW_WEIGHTS + GPU_BLOCK - 1) / GPU_BLOCK };

bool narrow_fits(uint32_t in, uint32_t out)
{
	return in <= NARROW_WIDTH && out <= NARROW_WIDTH && (in + 1) * out <= NARROW_WEIGHTS;
}

/* A thread has one output of FORWARD_ROWS rows, far apart, so that neighbours write side by side and
   a weight is read and a place computed once for all of them. Shared: w transposed (in, out), so that
   neighbouring threads read neighbouring weights. For more blocks at a time ptxas would compute the
   places of the rows anew at every turn. */
__global__ void __launch_bounds__(GPU_BLOCK, 4) narrow_forward_kernel(const float *__restrict__ x,
	uint32_t ldx, const float *__restrict__ w, uint32_t ldw, const float *__restrict__ bias,
	uint32_t rows, uint32_t in, uint32_t out, float *__restrict__ y)
{
	DYN_SHARED(float, shared_w);

	for (uint32_t t = threadIdx.x; t < in * out; t += blockDim.x)
		shared_w[t] = w[(size_t)(t % out) * ldw + t / out];
	__syncthreads();
	const uint32_t apart = (rows + FORWARD_ROWS - 1) / FORWARD_ROWS;
	uint32_t t = blockIdx.x * blockDim.x + threadIdx.x, r = t / out, j = t % out;
	const float *from[FORWARD_ROWS];
	float sum[FORWARD_ROWS];
	if (r >= apart)
		return;
#pragma unroll
	for (uint32_t i = 0; i < FORWARD_ROWS; i++) {
		from[i] = x + (size_t)min(r + i * apart, rows - 1) * ldx;
		sum[i] = bias ? bias[j] : 0.0f;
	}
#pragma unroll 4
	for (uint32_t k = 0; k < in; k++) {
		float weight = shared_w[k * out + j];

#pragma unroll
		for (uint32_t i = 0; i < FORWARD_ROWS; i++)
			sum[i] += from[i][k] * weight;
	}
#pragma unroll
	for (uint32_t i = 0; i < FORWARD_ROWS; i++)
		if (r + i * apart < rows)
			y[t + (size_t)i * apart * out] = bias ? relu(sum[i]) : sum[i];
}

void narrow_forward_cuda(cudaStream_t stream, const float *x, uint32_t ldx, const float *w,
	uint32_t ldw, const float *bias, uint32_t rows, uint32_t in, uint32_t out, float *y)
{
	size_t threads = ((size_t)rows + FORWARD_ROWS - 1) / FORWARD_ROWS * out;

	LAUNCH(narrow_forward_kernel, gpu_blocks(threads, GPU_BLOCK), GPU_BLOCK,
		(size_t)in * out * sizeof(float), stream, x, ldx, w, ldw, bias, rows, in, out, y);
	CHECK_LAUNCH();
}

/* dx of a tile; dz (n, out) and w (out, in) are in shared memory. */
static __device__ __forceinline__ void tile_dx(
	const float *dz, const float *w, uint32_t n, uint32_t in, uint32_t out, float *dx)
{
	for (uint32_t t = threadIdx.x; t < n * in; t += blockDim.x) {
		uint32_t r = t / in, k = t % in;
		float sum = 0;

		for (uint32_t j = 0; j < out; j++)
			sum += dz[r * out + j] * w[j * in + k];
		dx[t] = sum;
	}
}

/* partial (blocks, out x in + out): each block's sums for dw, then for db. */
__global__ void __launch_bounds__(GPU_BLOCK)
	narrow_backward_kernel(const float *__restrict__ dy, const float *__restrict__ y,
		const float *__restrict__ x, const float *__restrict__ w, uint32_t rows,
		uint32_t in, uint32_t out, float *__restrict__ dx, float *__restrict__ partial)
{
	DYN_SHARED(float, shared);
	float *tile_w = shared, *tile_dz = tile_w + in * out, *tile_x = tile_dz + TILE_ROWS * out;
	uint32_t weights = in * out + out;
	float sum[PER_THREAD] = { 0 };

	for (uint32_t t = threadIdx.x; t < in * out; t += blockDim.x)
		tile_w[t] = w[t];
	for (uint32_t begin = blockIdx.x * TILE_ROWS; begin < rows;
		begin += gridDim.x * TILE_ROWS) {
		uint32_t n = min(rows - begin, (uint32_t)TILE_ROWS);

		for (uint32_t t = threadIdx.x; t < n * out; t += blockDim.x)
			tile_dz[t] =
				y[(size_t)begin * out + t] > 0 ? dy[(size_t)begin * out + t] : 0.0f;
		for (uint32_t t = threadIdx.x; t < n * in; t += blockDim.x)
			tile_x[t] = x[(size_t)begin * in + t];
		__syncthreads();
		tile_dx(tile_dz, tile_w, n, in, out, dx + (size_t)begin * in);
#pragma unroll
		for (uint32_t i = 0; i < PER_THREAD; i++) {
			uint32_t t = threadIdx.x + i * blockDim.x,
				 j = t < in * out ? t / in : t - in * out;

			for (uint32_t r = 0; r < n && t < weights; r++)
				sum[i] += tile_dz[r * out + j] *
					  (t < in * out ? tile_x[r * in + t % in] : 1.0f);
		}
		__syncthreads(); // before the next tile replaces this one
	}
#pragma unroll
	for (uint32_t i = 0; i < PER_THREAD; i++) {
		uint32_t t = threadIdx.x + i * blockDim.x;

		if (t < weights)
			partial[(size_t)blockIdx.x * weights + t] = sum[i];
	}
}

void narrow_backward_cuda(cudaStream_t stream, const float *dy, const float *y, const float *x,
	const float *w, uint32_t rows, uint32_t in, uint32_t out, float *dx, float *dw, float *db,
	float *partial)
{
	unsigned blocks = gpu_blocks(rows, TILE_ROWS);
	size_t shared = ((size_t)in * out + TILE_ROWS * ((size_t)in + out)) * sizeof(float);

	if (blocks > NARROW_PARTIALS)
		blocks = NARROW_PARTIALS;
	LAUNCH(narrow_backward_kernel, blocks, GPU_BLOCK, shared, stream, dy, y, x, w, rows, in,
		out, dx, partial);
	CHECK_LAUNCH();
	reduce_partial_cuda(stream, partial, blocks, in * out + out, dw, in * out, db);
}
