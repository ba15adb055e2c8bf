/*
 * dense: layers of any width. Arrays are row-major; cuBLAS reads them column-major, that is
 * transposed:
 *   y (rows, out)  = x (rows, in) w (out, in)^T      y^T = w . x^T
 *   dx (rows, in)  = dy (rows, out) w                dx^T = w^T dy^T
 *   dw (out, in)   = dy^T x                          dw^T = x^T dy
 * The products are the same bits in every run: cuBLAS promises that for a single stream, a fixed
 * workspace (set in device.cu) and atomics mode off, its default.
 */
#include "cuda/blas.h"
#include "cuda/ops.h"

static const float one = 1, zero = 0;

void dense_forward_cuda(cublasHandle_t blas, const float *x, uint32_t ldx, const float *w,
	uint32_t ldw, uint32_t rows, uint32_t in, uint32_t out, float *y)
{
	CUBLAS(blas_load()->sgemm(blas, CUBLAS_OP_T, CUBLAS_OP_N, (int)out, (int)rows, (int)in,
		&one, w, (int)ldw, x, (int)ldx, &zero, y, (int)out));
}

void dense_dx_cuda(cublasHandle_t blas, const float *dy, const float *w, uint32_t ldw,
	uint32_t rows, uint32_t in, uint32_t out, float *dx)
{
	CUBLAS(blas_load()->sgemm(blas, CUBLAS_OP_N, CUBLAS_OP_N, (int)in, (int)rows, (int)out,
		&one, w, (int)ldw, dy, (int)out, &zero, dx, (int)in));
}

/* dw (n / in, in) = the sum of the slices of `partial`, in order */
__global__ void sum_slices_kernel(const float *__restrict__ partial, uint32_t in, uint32_t n,
	float *__restrict__ dw, uint32_t lddw)
{
	uint32_t i = blockIdx.x * blockDim.x + threadIdx.x;
	float sum = 0;

	if (i >= n)
		return;
#pragma unroll 8
	for (uint32_t slice = 0; slice < DENSE_SLICES; slice++)
		sum += partial[(size_t)slice * n + i];
	dw[(size_t)(i / in) * lddw + i % in] = sum;
}

void sum_slices_cuda(cudaStream_t stream, const float *partial, uint32_t in, uint32_t out,
	float *dw, uint32_t lddw)
{
	LAUNCH(sum_slices_kernel, gpu_blocks((size_t)in * out, GPU_BLOCK), GPU_BLOCK, 0, stream,
		partial, in, in * out, dw, lddw);
	CHECK_LAUNCH();
}

/* Few weights and very many rows: one product would be left to a few multiprocessors, or split by
   cuBLAS as it likes. Each slice of the rows is a product of its own, the rest goes to the first. */
void dense_dw_cuda(cublasHandle_t blas, const float *dy, const float *x, uint32_t rows, uint32_t in,
	uint32_t out, float *dw, uint32_t lddw, float *partial)
{
	uint32_t each = rows / DENSE_SLICES, rest = rows % DENSE_SLICES;
	size_t begin = (size_t)rows - rest;
	cudaStream_t stream;

	if (rows < DENSE_SLICED) {
		CUBLAS(blas_load()->sgemm(blas, CUBLAS_OP_N, CUBLAS_OP_T, (int)in, (int)out,
			(int)rows, &one, x, (int)in, dy, (int)out, &zero, dw, (int)lddw));
		return;
	}
	CUBLAS(blas_load()->sgemm_batched(blas, CUBLAS_OP_N, CUBLAS_OP_T, (int)in, (int)out,
		(int)each, &one, x, (int)in, (long long)each * in, dy, (int)out,
		(long long)each * out, &zero, partial, (int)in, (long long)in * out, DENSE_SLICES));
	if (rest)
		CUBLAS(blas_load()->sgemm(blas, CUBLAS_OP_N, CUBLAS_OP_T, (int)in, (int)out,
			(int)rest, &one, x + begin * in, (int)in, dy + begin * out, (int)out, &one,
			partial, (int)in));
	CUBLAS(blas_load()->get_stream(blas, &stream));
	sum_slices_cuda(stream, partial, in, out, dw, lddw);
}

/* y (rows, out) = relu(y + bias) */
template <int V>
__global__ void bias_relu_forward_kernel(
	float *__restrict__ y, const float *__restrict__ bias, uint32_t rows, uint32_t out)
{
	uint32_t r = thread_row();

	for (uint32_t k = threadIdx.x * V; k < out && r < rows; k += blockDim.x * V) {
		floats_of<V> v = vector_at<V>(y + (size_t)r * out + k);
		floats_of<V> b = vector_at<V>(bias + k);

		for (int i = 0; i < V; i++)
			v.at[i] = relu(v.at[i] + b.at[i]);
		vector_put<V>(y + (size_t)r * out + k, v);
	}
}

void bias_relu_forward_cuda(
	cudaStream_t stream, float *y, const float *bias, uint32_t rows, uint32_t out)
{
	uint32_t vector = gpu_vector(out);
	dim3 block = gpu_row_block(out / vector);

	LAUNCH_VECTOR(vector, bias_relu_forward_kernel, gpu_blocks(rows, block.y), block, 0, stream,
		y, bias, rows, out);
}
