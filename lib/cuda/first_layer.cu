/*
 * first_layer: the first layer on concat(p, q) in two halves, W [p; q] = Wu p + Wi q. The user half
 * is computed once per row of the batch and shared by the positive and the negative.
 *   forward   y (S, H) = relu(user_half[s % B] + y + bias)
 *   backward  duser (B, H) = sum over p < P of dy[r + p B]
 */
#include "cuda/ops.h"

/* A thread computes its columns of all samples of a row of the batch. */
template <int V>
__global__ void first_layer_forward_kernel(float *__restrict__ y,
	const float *__restrict__ user_half, const float *__restrict__ bias, uint32_t batch,
	uint32_t items_per_row, uint32_t out)
{
	uint32_t r = thread_row();

	for (uint32_t k = threadIdx.x * V; k < out && r < batch; k += blockDim.x * V) {
		floats_of<V> half = vector_at<V>(user_half + (size_t)r * out + k);
		floats_of<V> b = vector_at<V>(bias + k);

		for (uint32_t p = 0; p < items_per_row; p++) {
			float *to = y + ((size_t)p * batch + r) * out + k;
			floats_of<V> v = vector_at<V>(to);

			for (int i = 0; i < V; i++)
				v.at[i] = relu(half.at[i] + v.at[i] + b.at[i]);
			vector_put<V>(to, v);
		}
	}
}

void first_layer_forward_cuda(cudaStream_t stream, float *y, const float *user_half,
	const float *bias, uint32_t batch, uint32_t items_per_row, uint32_t out)
{
	uint32_t vector = gpu_vector(out);
	dim3 block = gpu_row_block(out / vector);

	LAUNCH_VECTOR(vector, first_layer_forward_kernel, gpu_blocks(batch, block.y), block, 0,
		stream, y, user_half, bias, batch, items_per_row, out);
}

/* Rows do not matter here: `size` = B x H floats, P times. */
template <int V>
__global__ void first_layer_backward_kernel(const float *__restrict__ dy, uint32_t size,
	uint32_t items_per_row, float *__restrict__ duser)
{
	uint32_t t = (blockIdx.x * blockDim.x + threadIdx.x) * V;

	if (t >= size)
		return;
	floats_of<V> sum = vector_at<V>(dy + t);
	for (uint32_t p = 1; p < items_per_row; p++) {
		floats_of<V> v = vector_at<V>(dy + (size_t)p * size + t);

		for (int i = 0; i < V; i++)
			sum.at[i] += v.at[i];
	}
	vector_put<V>(duser + t, sum);
}

void first_layer_backward_cuda(cudaStream_t stream, const float *dy, uint32_t batch,
	uint32_t items_per_row, uint32_t out, float *duser)
{
	uint32_t size = batch * out, vector = gpu_vector(size);

	LAUNCH_VECTOR(vector, first_layer_backward_kernel, gpu_blocks(size / vector, GPU_BLOCK),
		GPU_BLOCK, 0, stream, dy, size, items_per_row, duser);
}
