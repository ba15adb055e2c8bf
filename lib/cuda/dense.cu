/*
 * dense: layers of any width. Arrays are row-major; cuBLAS reads them column-major, that is
 * transposed:
 *   y (rows, out)  = x (rows, in) w (out, in)^T      y^T = w . x^T
 *   dx (rows, in)  = dy (rows, out) w                dx^T = w^T dy^T
 *   dw (out, in)   = dy^T x                          dw^T = x^T dy
 * The products are the same bits in every run: cuBLAS promises that for a single stream, a fixed
 * workspace (set in device.cu) and atomics mode off, its default.
 */
#include "cuda/ops.h"

static const float one = 1, zero = 0;

void dense_forward_cuda(cublasHandle_t blas, const float *x, uint32_t ldx, const float *w,
	uint32_t ldw, uint32_t rows, uint32_t in, uint32_t out, float *y)
{
	CUBLAS(cublasSgemm(blas, CUBLAS_OP_T, CUBLAS_OP_N, (int)out, (int)rows, (int)in, &one, w,
		(int)ldw, x, (int)ldx, &zero, y, (int)out));
}

void dense_dx_cuda(cublasHandle_t blas, const float *dy, const float *w, uint32_t ldw,
	uint32_t rows, uint32_t in, uint32_t out, float *dx)
{
	CUBLAS(cublasSgemm(blas, CUBLAS_OP_N, CUBLAS_OP_N, (int)in, (int)rows, (int)out, &one, w,
		(int)ldw, dy, (int)out, &zero, dx, (int)in));
}

void dense_dw_cuda(cublasHandle_t blas, const float *dy, const float *x, uint32_t rows, uint32_t in,
	uint32_t out, float *dw, uint32_t lddw)
{
	CUBLAS(cublasSgemm(blas, CUBLAS_OP_N, CUBLAS_OP_T, (int)in, (int)out, (int)rows, &one, x,
		(int)in, dy, (int)out, &zero, dw, (int)lddw));
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
