/*
 * score_kernels: the steps of the forward pass that only scoring has.
 *   pair_forward  y (rows, H) = relu(user_half + item_half + bias): the first layer from its
 *                 halves, which are computed once per user and once per item
 *   score_output  score = head . concat(gmf_user * gmf_item, x) + biases, or its sigmoid
 * In a block, row r is user[r / items] with item first + r % items; among pairs (items 0) it is
 * user[r] with item[r].
 */
#include "cuda/ops.h"

__global__ void pair_forward_kernel(const float *__restrict__ user_half,
	const float *__restrict__ item_half, const float *__restrict__ bias, uint32_t rows,
	uint32_t items, uint32_t H, float *__restrict__ y)
{
	uint32_t t = blockIdx.x * blockDim.x + threadIdx.x, r = t / H, k = t % H;

	if (r >= rows)
		return;
	size_t user = items ? r / items : r, item = items ? r % items : r;
	y[t] = relu(user_half[user * H + k] + item_half[item * H + k] + bias[k]);
}

void pair_forward_cuda(cudaStream_t stream, const float *user_half, const float *item_half,
	const float *bias, uint32_t rows, uint32_t items, uint32_t H, float *y)
{
	LAUNCH(pair_forward_kernel, gpu_blocks((size_t)rows * H, GPU_BLOCK), GPU_BLOCK, 0, stream,
		user_half, item_half, bias, rows, items, H, y);
	CHECK_LAUNCH();
}

/* One warp per row. */
__global__ void __launch_bounds__(GPU_BLOCK) score_output_kernel(struct score_output a)
{
	uint32_t lane = threadIdx.x % 32, r = blockIdx.x * (blockDim.x / 32) + threadIdx.x / 32,
		 F = a.F, H = a.H;
	float sum = 0;

	if (r >= a.rows)
		return;
	size_t user = a.user[a.items ? r / a.items : r];
	size_t item = a.items ? a.first + r % a.items : a.item[r];
	for (uint32_t k = lane; k < F; k += 32)
		sum += (a.head ? a.head[k] : 1.0f) *
		       (a.gmf_user[user * F + k] * a.gmf_item[item * F + k]);
	for (uint32_t k = lane; k < H; k += 32)
		sum += a.head[F + k] * a.x[(size_t)r * H + k];
	sum = warp_sum(sum) + (a.bias ? a.bias[0] : 0.0f);
	if (a.user_bias)
		sum += a.user_bias[user] + a.item_bias[item];
	if (lane == 0)
		a.score[a.items ? (size_t)(r / a.items) * a.width + r % a.items : r] =
			a.sigmoid_output ? 1.0f / (1.0f + expf(-sum)) : sum;
}

void score_output_cuda(cudaStream_t stream, const struct score_output *a)
{
	LAUNCH(score_output_kernel, gpu_blocks(a->rows, GPU_BLOCK / 32), GPU_BLOCK, 0, stream, *a);
	CHECK_LAUNCH();
}
