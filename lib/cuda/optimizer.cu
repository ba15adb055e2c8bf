/*
 * optimizer: one step of the update rules of neumf.h; h = gradient + weight_decay x w.
 *   sgd        w -= lr h
 *   adam       m = b1 m + (1 - b1) h;  v = b2 v + (1 - b2) h^2
 *              w -= lr / (1 - b1^t) x m / (sqrt(v) / sqrt(1 - b2^t) + eps)
 *   lazy-adam  adam; of the embeddings only the rows of the batch
 * flat: dense parameters, one launch for all of them. table: every row of the embeddings, gradient
 * 0 for rows outside the batch. row: only the rows of the batch. One thread per vector of weights.
 */
#include "cuda/ops.h"

struct update_tables {
	struct update_table table[MAX_TABLES];
};

/* One thread computes the scalars of step t + 1, in double. */
__global__ void step_begin_kernel(struct step_state *state, struct update_rule rule)
{
	double t = (double)++state->step, lr = state->lr;

	state->step_size = (float)(rule.kind == OPTIMIZER_SGD ? lr : lr / (1 - pow(rule.beta1, t)));
	state->root = (float)(1 / sqrt(1 - pow(rule.beta2, t)));
}

void step_begin_cuda(cudaStream_t stream, struct step_state *state, const struct update_rule *rule)
{
	LAUNCH(step_begin_kernel, 1, 1, 0, stream, state, *rule);
	CHECK_LAUNCH();
}

static __device__ __forceinline__ void update_weight(float *w, float *m, float *v, float gradient,
	const struct update_rule *rule, const struct step_state *state)
{
	float h = gradient + rule->weight_decay * *w;

	if (rule->kind == OPTIMIZER_SGD) {
		*w -= state->step_size * h;
		return;
	}
	float m1 = rule->decay1 * *m + rule->rest1 * h;
	float v1 = rule->decay2 * *v + rule->rest2 * h * h;
	*m = m1;
	*v = v1;
	*w -= state->step_size * m1 / (sqrtf(v1) * state->root + rule->eps);
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

/* V weights from w, m and v on; sgd has no moments. */
template <int V>
static __device__ __forceinline__ void update_vector(float *value, float *moment1, float *moment2,
	size_t at, floats_of<V> gradient, const struct update_rule *rule,
	const struct step_state *state)
{
	floats_of<V> w = vector_at<V>(value + at), m = {}, v = {};

	if (rule->kind != OPTIMIZER_SGD) {
		m = vector_at<V>(moment1 + at);
		v = vector_at<V>(moment2 + at);
	}
	for (int i = 0; i < V; i++)
		update_weight(&w.at[i], &m.at[i], &v.at[i], gradient.at[i], rule, state);
	vector_put<V>(value + at, w);
	if (rule->kind != OPTIMIZER_SGD) {
		vector_put<V>(moment1 + at, m);
		vector_put<V>(moment2 + at, v);
	}
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

/* Where the gradient of a row is; n: nowhere. slot[row] may be from an older batch, hence the look
   at the keys. */
static __device__ __forceinline__ uint32_t find_row(const struct update_table *a, uint32_t row)
{
	uint32_t j = a->slot[row];

	return j < a->n && a->key[j] == row && (!j || a->key[j - 1] != row) ? j : a->n;
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
