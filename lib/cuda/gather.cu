/*
 * gather: the embedding rows of a batch, and the GMF product with them.
 *   user (B), item (S):  g (S, F) = gmf_user[user[s % B]] * gmf_item[item[s]]
 *                        rows (S, 2E) = concat(mlp_user[user[s % B]], mlp_item[item[s]])
 * A group of threads per row, a vector each; the y of the grid is the item of a row of the batch.
 */
#include "cuda/ops.h"

template <int V, class T> __global__ void gather_forward_kernel(struct gather a, T *rows)
{
	uint32_t F = a.factors, E = a.mlp_factors, r = thread_row(), step = blockDim.x * V;

	if (r >= a.batch)
		return;
	size_t s = (size_t)blockIdx.y * a.batch + r, user = a.user[r], item = a.item[s];
	for (uint32_t k = threadIdx.x * V; k < F; k += step) {
		floats_of<V> p = vector_at<V>(a.gmf_user + user * F + k);
		floats_of<V> q = vector_at<V>(a.gmf_item + item * F + k);

		for (int i = 0; i < V; i++)
			p.at[i] *= q.at[i];
		vector_put<V>(a.g + s * F + k, p);
	}
	for (uint32_t k = threadIdx.x * V; k < E; k += step) {
		vector_put<V>(rows + s * 2 * E + k, vector_at<V>(a.mlp_user + user * E + k));
		vector_put<V>(rows + s * 2 * E + E + k, vector_at<V>(a.mlp_item + item * E + k));
	}
}

void gather_forward_cuda(cudaStream_t stream, const struct gather *a)
{
	uint32_t F = a->factors, E = a->mlp_factors, vector = gpu_vector(F, E);
	dim3 block = gpu_row_block((F > E ? F : E) / vector);
	dim3 grid(gpu_blocks(a->batch, block.y), a->items_per_row);

	if (a->rows_bf16)
		LAUNCH_VECTOR_OF(bf16, vector, gather_forward_kernel, grid, block, 0, stream, *a,
			a->rows_bf16);
	else
		LAUNCH_VECTOR_OF(
			float, vector, gather_forward_kernel, grid, block, 0, stream, *a, a->rows);
}

template <int V>
__global__ void rows_forward_kernel(const float *__restrict__ table,
	const uint32_t *__restrict__ id, uint32_t n, uint32_t cols, float *__restrict__ out)
{
	uint32_t r = thread_row();

	if (r >= n)
		return;
	const float *row = table + (size_t)id[r] * cols;
	for (uint32_t k = threadIdx.x * V; k < cols; k += blockDim.x * V)
		vector_put<V>(out + (size_t)r * cols + k, vector_at<V>(row + k));
}

void rows_forward_cuda(cudaStream_t stream, const float *table, const uint32_t *id, uint32_t n,
	uint32_t cols, float *out)
{
	uint32_t vector = gpu_vector(cols);
	dim3 block = gpu_row_block(cols / vector);

	LAUNCH_VECTOR(vector, rows_forward_kernel, gpu_blocks(n, block.y), block, 0, stream, table,
		id, n, cols, out);
}
