/*
 * gather: the embedding rows of a batch, and the GMF product with them.
 *   user (B), item (S):  g (S, F) = gmf_user[user[s % B]] * gmf_item[item[s]]
 *                        user_rows (B or S, E) = mlp_user[user[s % B]]
 *                        item_rows (S, E) = mlp_item[item[s]]
 * One thread per float; neighbouring threads read neighbouring floats of a row.
 */
#include "cuda/ops.h"

__global__ void gather_forward_kernel(struct gather a)
{
	uint32_t F = a.factors, E = a.mlp_factors, t = blockIdx.x * blockDim.x + threadIdx.x;
	uint32_t s = t / (F + E), k = t % (F + E);

	if (s >= a.samples)
		return;
	size_t user = a.user[s % a.batch], item = a.item[s];
	if (k < F) {
		a.g[(size_t)s * F + k] = a.gmf_user[user * F + k] * a.gmf_item[item * F + k];
		return;
	}
	k -= F;
	a.item_rows[(size_t)s * a.stride + k] = a.mlp_item[item * E + k];
	if (s < a.user_samples)
		a.user_rows[(size_t)s * a.stride + k] = a.mlp_user[user * E + k];
}

void gather_forward_cuda(cudaStream_t stream, const struct gather *a)
{
	size_t work = (size_t)a->samples * (a->factors + a->mlp_factors);

	LAUNCH(gather_forward_kernel, gpu_blocks(work, GPU_BLOCK), GPU_BLOCK, 0, stream, *a);
	CHECK_LAUNCH();
}

__global__ void rows_forward_kernel(const float *__restrict__ table,
	const uint32_t *__restrict__ id, uint32_t n, uint32_t cols, float *__restrict__ out)
{
	uint32_t t = blockIdx.x * blockDim.x + threadIdx.x, r = t / cols, k = t % cols;

	if (r < n)
		out[t] = table[(size_t)id[r] * cols + k];
}

void rows_forward_cuda(cudaStream_t stream, const float *table, const uint32_t *id, uint32_t n,
	uint32_t cols, float *out)
{
	LAUNCH(rows_forward_kernel, gpu_blocks((size_t)n * cols, GPU_BLOCK), GPU_BLOCK, 0, stream,
		table, id, n, cols, out);
	CHECK_LAUNCH();
}
