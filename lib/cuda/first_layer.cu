/*
 * first_layer: the first layer on concat(p, q) in two halves, W [p; q] = Wu p + Wi q. The user half
 * is computed once per row of the batch and shared by the positive and the negative.
 *   forward   y (S, H) = relu(user_half[s % B] + y + bias)
 *   backward  duser (B, H) = sum over p < P of dy[r + p B]
 */
#include "cuda/ops.h"

__global__ void first_layer_forward_kernel(float *__restrict__ y,
	const float *__restrict__ user_half, const float *__restrict__ bias, uint32_t batch,
	uint32_t samples, uint32_t out)
{
	uint32_t t = blockIdx.x * blockDim.x + threadIdx.x, s = t / out, j = t % out;

	if (s < samples)
		y[t] = relu(user_half[(size_t)(s % batch) * out + j] + y[t] + bias[j]);
}

void first_layer_forward_cuda(cudaStream_t stream, float *y, const float *user_half,
	const float *bias, uint32_t batch, uint32_t samples, uint32_t out)
{
	LAUNCH(first_layer_forward_kernel, gpu_blocks((size_t)samples * out, GPU_BLOCK), GPU_BLOCK,
		0, stream, y, user_half, bias, batch, samples, out);
	CHECK_LAUNCH();
}

__global__ void first_layer_backward_kernel(const float *__restrict__ dy, uint32_t batch,
	uint32_t samples, uint32_t out, float *__restrict__ duser)
{
	uint32_t t = blockIdx.x * blockDim.x + threadIdx.x;
	float sum = 0;

	if (t >= batch * out)
		return;
	for (uint32_t s = t; s < samples * out; s += batch * out)
		sum += dy[s];
	duser[t] = sum;
}

void first_layer_backward_cuda(cudaStream_t stream, const float *dy, uint32_t batch,
	uint32_t samples, uint32_t out, float *duser)
{
	LAUNCH(first_layer_backward_kernel, gpu_blocks((size_t)batch * out, GPU_BLOCK), GPU_BLOCK,
		0, stream, dy, batch, samples, out, duser);
	CHECK_LAUNCH();
}
