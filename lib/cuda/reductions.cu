/*
 * reductions: gradients of biases and of the head, which are sums over the rows of a batch.
 *   relu_backward  dy (rows, cols) *= (y > 0);  db (cols) = column sums of dy
 *   column_sum     db (cols) = column sums of dy (rows, cols)
 *   head_backward  dhead (F + H + 1) = sum over r of dlogit[r] x concat(g, x, 1)[r]
 * Two stages: each block sums its share of the rows (how many share them depends on the number of
 * rows alone), then the partial sums are added.
 */
#include "cuda/parts.h"

/* Rows of a thread whose loads are under way at the same time. */
enum { IN_FLIGHT = 4 };

/* Add the sums of the block's rows of threads and write the result, `count` of them from column c
   on. */
template <int V>
static __device__ __forceinline__ void write_partial(
	floats_of<V> sum, uint32_t c, uint32_t count, uint32_t cols, float *partial)
{
	floats_of<V> *sums = (floats_of<V> *)shared_vectors();

	sums[threadIdx.y * blockDim.x + threadIdx.x] = sum;
	__syncthreads();
	if (threadIdx.y)
		return;
	for (uint32_t y = 1; y < blockDim.y; y++)
		for (int i = 0; i < V; i++)
			sum.at[i] += sums[y * blockDim.x + threadIdx.x].at[i];
	for (int i = 0; i < V && (uint32_t)i < count; i++)
		partial[(size_t)blockIdx.x * cols + c + i] = sum.at[i];
}

/* Mask one vector of dy, put it to dz, and add it to the sums of its columns. */
template <int V, class T>
static __device__ __forceinline__ void mask_and_add(
	T *dz, floats_of<V> d, floats_of<V> y, floats_of<V> *sum)
{
	for (int i = 0; i < V; i++) {
		d.at[i] = y.at[i] > 0 ? d.at[i] : 0.0f;
		sum->at[i] += d.at[i];
	}
	vector_put<V>(dz, d);
}

/* dz may be dy. */
template <int V, class T>
__global__ void __launch_bounds__(GPU_BLOCK)
	relu_backward_kernel(const float *dy, const float *__restrict__ y, uint32_t rows,
		uint32_t cols, T *dz, float *__restrict__ partial)
{
	uint32_t c = (blockIdx.y * blockDim.x + threadIdx.x) * V;
	uint32_t r = thread_row(), step = gridDim.x * blockDim.y;
	floats_of<V> sum = {};

	for (; c < cols && r + (IN_FLIGHT - 1) * step < rows; r += IN_FLIGHT * step) {
		floats_of<V> d[IN_FLIGHT], v[IN_FLIGHT];

#pragma unroll
		for (uint32_t i = 0; i < IN_FLIGHT; i++) {
			size_t at = (size_t)(r + i * step) * cols + c;

			d[i] = vector_at<V>(dy + at);
			v[i] = vector_at<V>(y + at);
		}
#pragma unroll
		for (uint32_t i = 0; i < IN_FLIGHT; i++)
			mask_and_add<V>(dz + (size_t)(r + i * step) * cols + c, d[i], v[i], &sum);
	}
	for (; c < cols && r < rows; r += step) {
		size_t at = (size_t)r * cols + c;

		mask_and_add<V>(dz + at, vector_at<V>(dy + at), vector_at<V>(y + at), &sum);
	}
	write_partial<V>(sum, c, c < cols ? V : 0, cols, partial);
}

template <int V, class T>
__global__ void __launch_bounds__(GPU_BLOCK) column_sum_kernel(
	const T *__restrict__ dy, uint32_t rows, uint32_t cols, float *__restrict__ partial)
{
	uint32_t c = (blockIdx.y * blockDim.x + threadIdx.x) * V;
	floats_of<V> sum = {};

#pragma unroll 4
	for (uint32_t r = thread_row(); r < rows && c < cols; r += gridDim.x * blockDim.y) {
		floats_of<V> d = vector_at<V>(dy + (size_t)r * cols + c);

		for (int i = 0; i < V; i++)
			sum.at[i] += d.at[i];
	}
	write_partial<V>(sum, c, c < cols ? V : 0, cols, partial);
}

/* Column F + H, of ones, is a vector of its own. */
template <int V>
__global__ void __launch_bounds__(GPU_BLOCK) head_backward_kernel(const float *__restrict__ dlogit,
	const float *__restrict__ g, const float *__restrict__ x, uint32_t rows, uint32_t F,
	uint32_t H, uint32_t cols, float *__restrict__ partial)
{
	uint32_t c = (blockIdx.y * blockDim.x + threadIdx.x) * V;
	floats_of<V> sum = {};

#pragma unroll 4
	for (uint32_t r = thread_row(); r < rows && c < cols; r += gridDim.x * blockDim.y) {
		float d = dlogit[r];
		floats_of<V> v = { { 1 } };

		if (c < F + H)
			v = vector_at<V>(c < F ? g + (size_t)r * F + c : x + (size_t)r * H + c - F);
		for (int i = 0; i < V; i++)
			sum.at[i] += d * v.at[i];
	}
	write_partial<V>(sum, c, c < F + H ? V : c < cols ? 1 : 0, cols, partial);
}

__global__ void __launch_bounds__(GPU_BLOCK)
	reduce_partial_kernel(const float *__restrict__ partial, uint32_t num_partials, uint32_t n,
		float *__restrict__ out, uint32_t out_size, float *__restrict__ rest)
{
	uint32_t i = blockIdx.x * 32 + threadIdx.x;
	float sum = reduce_column(partial, num_partials, n, i);

	if (threadIdx.y || i >= n)
		return;
	if (i < out_size)
		out[i] = sum;
	else
		rest[i - out_size] = sum;
}

void reduce_partial_cuda(cudaStream_t stream, const float *partial, uint32_t num_partials,
	uint32_t n, float *out, uint32_t out_size, float *rest)
{
	LAUNCH(reduce_partial_kernel, gpu_blocks(n, 32), dim3(32, REDUCE_Y), 0, stream, partial,
		num_partials, n, out, out_size, rest);
	CHECK_LAUNCH();
}

/* Blocks over the rows: enough for 8 rows per thread, COLUMN_PARTIALS at most. */
static unsigned column_partials(uint32_t rows, dim3 block)
{
	unsigned blocks = gpu_blocks(rows, block.y * 8);

	return blocks < COLUMN_PARTIALS ? blocks : (unsigned)COLUMN_PARTIALS;
}

template <class T>
static void relu_backward(cudaStream_t stream, const float *dy, const float *y, uint32_t rows,
	uint32_t cols, T *dz, float *db, float *partial)
{
	uint32_t vector = gpu_vector(cols), width = cols / vector;
	dim3 block = gpu_row_block(width);
	unsigned blocks = column_partials(rows, block);

	LAUNCH_VECTOR_OF(T, vector, relu_backward_kernel, dim3(blocks, gpu_blocks(width, block.x)),
		block, 0, stream, dy, y, rows, cols, dz, partial);
	reduce_partial_cuda(stream, partial, blocks, cols, db, cols, NULL);
}

void relu_backward_cuda(cudaStream_t stream, float *dy, const float *y, uint32_t rows,
	uint32_t cols, float *db, float *partial)
{
	relu_backward(stream, dy, y, rows, cols, dy, db, partial);
}

void relu_round_backward_cuda(cudaStream_t stream, const float *dy, const float *y, uint32_t rows,
	uint32_t cols, bf16 *dz, float *db, float *partial)
{
	relu_backward(stream, dy, y, rows, cols, dz, db, partial);
}

template <class T>
void column_sum_cuda(
	cudaStream_t stream, const T *dy, uint32_t rows, uint32_t cols, float *db, float *partial)
{
	uint32_t vector = gpu_vector(cols), width = cols / vector;
	dim3 block = gpu_row_block(width);
	unsigned blocks = column_partials(rows, block);

	LAUNCH_VECTOR_OF(T, vector, column_sum_kernel, dim3(blocks, gpu_blocks(width, block.x)),
		block, 0, stream, dy, rows, cols, partial);
	reduce_partial_cuda(stream, partial, blocks, cols, db, cols, NULL);
}

template void column_sum_cuda(cudaStream_t, const float *, uint32_t, uint32_t, float *, float *);
template void column_sum_cuda(cudaStream_t, const bf16 *, uint32_t, uint32_t, float *, float *);

template <int V>
__global__ void round_kernel(const float *__restrict__ v, uint32_t n, bf16 *__restrict__ out)
{
	uint32_t i = (blockIdx.x * blockDim.x + threadIdx.x) * V;

	if (i < n)
		vector_put<V>(out + i, vector_at<V>(v + i));
}

void round_cuda(cudaStream_t stream, const float *v, uint32_t n, bf16 *out)
{
	uint32_t vector = gpu_vector(n);

	LAUNCH_VECTOR(vector, round_kernel, gpu_blocks(n / vector, GPU_BLOCK), GPU_BLOCK, 0, stream,
		v, n, out);
}

__global__ void sample_sum_kernel(const float *__restrict__ v, uint32_t batch,
	uint32_t items_per_row, float *__restrict__ sum)
{
	uint32_t r = blockIdx.x * blockDim.x + threadIdx.x;
	float total = 0;

	if (r >= batch)
		return;
	for (uint32_t p = 0; p < items_per_row; p++)
		total += v[(size_t)p * batch + r];
	sum[r] = total;
}

void sample_sum_cuda(
	cudaStream_t stream, const float *v, uint32_t batch, uint32_t items_per_row, float *sum)
{
	LAUNCH(sample_sum_kernel, gpu_blocks(batch, GPU_BLOCK), GPU_BLOCK, 0, stream, v, batch,
		items_per_row, sum);
	CHECK_LAUNCH();
}

void head_backward_cuda(cudaStream_t stream, const float *dlogit, const float *g, const float *x,
	uint32_t rows, uint32_t F, uint32_t H, bool bias, float *dhead, float *partial)
{
	uint32_t vector = gpu_vector(F, H), width = (F + H) / vector + (bias ? 1 : 0);
	uint32_t cols = F + H + (bias ? 1 : 0);
	dim3 block = gpu_row_block(width);
	unsigned blocks = column_partials(rows, block);

	LAUNCH_VECTOR(vector, head_backward_kernel, dim3(blocks, gpu_blocks(width, block.x)), block,
		0, stream, dlogit, g, x, rows, F, H, cols, partial);
	reduce_partial_cuda(stream, partial, blocks, cols, dhead, cols, NULL);
}
