/*
 * score_kernels: the steps of the forward pass that only scoring has.
 *   pair_forward  y (rows, H) = relu(user_half + item_half + bias): the first layer from its
 *                 halves, which are computed once per user and once per item
 *   score_output  score = head . concat(gmf_user * gmf_item, x) + biases, or its sigmoid
 * In a block, row r is user[r / items] with item first + r % items; among pairs (items 0) it is
 * user[r] with item[r].
 */
#include "cuda/parts.h"

template <int V>
__global__ void pair_forward_kernel(const float *__restrict__ user_half,
	const float *__restrict__ item_half, const float *__restrict__ bias, uint32_t rows,
	uint32_t items, uint32_t H, float *__restrict__ y)
{
	uint32_t r = thread_row();

	if (r >= rows)
		return;
	size_t user = items ? r / items : r, item = items ? r % items : r;
	for (uint32_t k = threadIdx.x * V; k < H; k += blockDim.x * V) {
		floats_of<V> u = vector_at<V>(user_half + user * H + k);
		floats_of<V> v = vector_at<V>(item_half + item * H + k);
		floats_of<V> b = vector_at<V>(bias + k);

		for (int i = 0; i < V; i++)
			u.at[i] = relu(u.at[i] + v.at[i] + b.at[i]);
		vector_put<V>(y + (size_t)r * H + k, u);
	}
}

void pair_forward_cuda(cudaStream_t stream, const float *user_half, const float *item_half,
	const float *bias, uint32_t rows, uint32_t items, uint32_t H, float *y)
{
	uint32_t vector = gpu_vector(H);
	dim3 block = gpu_row_block(H / vector);

	LAUNCH_VECTOR(vector, pair_forward_kernel, gpu_blocks(rows, block.y), block, 0, stream,
		user_half, item_half, bias, rows, items, H, y);
}

/* This thread's part of head . (user row * item row), of the GMF branch. */
template <int V>
static __device__ __forceinline__ float gmf_part(
	const struct score_output *a, size_t user, size_t item)
{
	float sum = 0;

	for (uint32_t k = threadIdx.x * V; k < a->F; k += blockDim.x * V) {
		floats_of<V> p = vector_at<V>(a->gmf_user + user * a->F + k);
		floats_of<V> q = vector_at<V>(a->gmf_item + item * a->F + k);

		for (int i = 0; i < V; i++)
			sum += (a->head ? a->head[k + i] : 1.0f) * (p.at[i] * q.at[i]);
	}
	return sum;
}

/* A group of threads per row. */
template <int V>
__global__ void __launch_bounds__(GPU_BLOCK) score_output_kernel(struct score_output a)
{
	uint32_t r = thread_row();
	bool there = r < a.rows;
	uint32_t row = a.items ? r / a.items : r, place = a.items ? r - row * a.items : 0;
	size_t user = 0, item = 0;
	float sum = 0;

	if (there) {
		user = a.user[row];
		item = a.items ? a.first + place : a.item[r];
		sum = gmf_part<V>(&a, user, item);
		if (a.H)
			sum += dot_part<V>(a.head + a.F, a.x + (size_t)r * a.H, a.H);
	}
	sum = row_sum(sum) + (a.bias ? a.bias[0] : 0.0f);
	if (!there || threadIdx.x)
		return;
	if (a.user_bias)
		sum += a.user_bias[user] + a.item_bias[item];
	a.score[(size_t)row * a.width + place] = score_of(sum, a.sigmoid_output);
}

void score_output_cuda(cudaStream_t stream, const struct score_output *a)
{
	uint32_t vector = gpu_vector(a->F, a->H);
	dim3 block = gpu_row_block((a->F > a->H ? a->F : a->H) / vector);

	LAUNCH_VECTOR(
		vector, score_output_kernel, gpu_blocks(a->rows, block.y), block, 0, stream, *a);
}
