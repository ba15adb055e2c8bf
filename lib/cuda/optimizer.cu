/*
 * optimizer: one step of the update rules of neumf.h; h = gradient + weight_decay x w.
 *   sgd        w -= lr h
 *   adam       m = b1 m + (1 - b1) h;  v = b2 v + (1 - b2) h^2
 *              w -= lr / (1 - b1^t) x m / (sqrt(v) / sqrt(1 - b2^t) + eps)
 *   lazy-adam  adam; of the embeddings only the rows of the batch
 * flat: dense parameters, one launch for all of them. table: every row of the embeddings, gradient
 * 0 for rows outside the batch. row: only the rows of the batch. One thread per vector of weights.
 */
#include "cuda/parts.h"

struct update_tables {
	struct update_table table[MAX_TABLES];
};

/* One thread. */
__global__ void step_begin_kernel(struct step_state *state, struct update_rule rule)
{
	begin_step(state, &rule);
}

void step_begin_cuda(cudaStream_t stream, struct step_state *state, const struct update_rule *rule)
{
	LAUNCH(step_begin_kernel, 1, 1, 0, stream, state, *rule);
	CHECK_LAUNCH();
}

__global__ void flat_l2_kernel(
	const float *__restrict__ value, float l2, uint32_t n, float *__restrict__ gradient)
{
	uint32_t i = blockIdx.x * blockDim.x + threadIdx.x;

	if (i < n)
		gradient[i] += l2 * value[i];
}

void flat_l2_cuda(cudaStream_t stream, const float *value, float l2, uint32_t n, float *gradient)
{
	LAUNCH(flat_l2_kernel, gpu_blocks(n, GPU_BLOCK), GPU_BLOCK, 0, stream, value, l2, n,
		gradient);
	CHECK_LAUNCH();
}

template <int V>
__global__ void flat_update_kernel(
	struct update_flat a, struct update_rule rule, const struct step_state *__restrict__ state)
{
	uint32_t i = (blockIdx.x * blockDim.x + threadIdx.x) * V;

	if (i < a.n)
		update_vector<V>(a.value, a.moment1, a.moment2, i, vector_at<V>(a.gradient + i),
			&rule, state);
}

void flat_update_cuda(cudaStream_t stream, const struct update_flat *a,
	const struct update_rule *rule, const struct step_state *state)
{
	uint32_t vector = gpu_vector(a->n);

	LAUNCH_VECTOR(vector, flat_update_kernel, gpu_blocks(a->n / vector, GPU_BLOCK), GPU_BLOCK,
		0, stream, *a, *rule, state);
}

template <int V>
__global__ void table_update_kernel(struct update_tables all, struct update_rule rule,
	const struct step_state *__restrict__ state)
{
	const struct update_table *a = &all.table[blockIdx.y];
	uint32_t row = thread_row();

	if (row >= a->rows)
		return;
	uint32_t j = find_row(a, row);
	for (uint32_t k = threadIdx.x * V; k < a->cols; k += blockDim.x * V) {
		floats_of<V> gradient = {};

		if (j < a->n)
			gradient = vector_at<V>(a->drow + (size_t)j * a->cols + k);
		update_vector<V>(a->value, a->moment1, a->moment2, (size_t)row * a->cols + k,
			gradient, &rule, state);
	}
}

template <int V>
__global__ void row_update_kernel(struct update_tables all, struct update_rule rule,
	const struct step_state *__restrict__ state)
{
	const struct update_table *a = &all.table[blockIdx.y];
	uint32_t j = thread_row();

	if (j >= a->n || (j && a->key[j - 1] == a->key[j]))
		return;
	size_t row = a->key[j];
	for (uint32_t k = threadIdx.x * V; k < a->cols; k += blockDim.x * V)
		update_vector<V>(a->value, a->moment1, a->moment2, row * a->cols + k,
			vector_at<V>(a->drow + (size_t)j * a->cols + k), &rule, state);
}

/* Tables for a launch. */
struct launch {
	struct update_tables all;
	uint32_t rows, widest, vector;
};

static struct launch launch_of(const struct update_table *a, unsigned num, bool all_rows)
{
	struct launch l;

	memset(&l, 0, sizeof(l));
	l.vector = 4;
	for (unsigned i = 0; i < num; i++) {
		uint32_t rows = all_rows ? a[i].rows : a[i].n, vector = gpu_vector(a[i].cols);

		l.all.table[i] = a[i];
		l.rows = rows > l.rows ? rows : l.rows;
		l.widest = a[i].cols > l.widest ? a[i].cols : l.widest;
		l.vector = vector < l.vector ? vector : l.vector;
	}
	return l;
}

void table_update_cuda(cudaStream_t stream, const struct update_table *a, unsigned num,
	const struct update_rule *rule, const struct step_state *state)
{
	const struct launch l = launch_of(a, num, true);
	dim3 block = gpu_row_block(l.widest / l.vector);

	LAUNCH_VECTOR(l.vector, table_update_kernel, dim3(gpu_blocks(l.rows, block.y), num), block,
		0, stream, l.all, *rule, state);
}

void row_update_cuda(cudaStream_t stream, const struct update_table *a, unsigned num,
	const struct update_rule *rule, const struct step_state *state)
{
	const struct launch l = launch_of(a, num, false);
	dim3 block = gpu_row_block(l.widest / l.vector);

	if (!l.rows)
		return; /* a gradient without rows, from another process */
	LAUNCH_VECTOR(l.vector, row_update_kernel, dim3(gpu_blocks(l.rows, block.y), num), block, 0,
		stream, l.all, *rule, state);
}
