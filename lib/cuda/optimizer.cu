/*
 * optimizer: one step of the update rules of neumf.h; h = gradient + weight_decay x w.
 *   sgd        w -= lr h
 *   adam       m = b1 m + (1 - b1) h;  v = b2 v + (1 - b2) h^2
 *              w -= lr / (1 - b1^t) x m / (sqrt(v) / sqrt(1 - b2^t) + eps)
 *   lazy-adam  adam; of the embeddings only the rows of the batch
 * flat: dense parameters, one launch for all of them. table: every row of the embeddings, gradient
 * 0 for rows outside the batch. row: only the rows of the batch. One thread per weight.
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

__global__ void flat_update_kernel(
	struct update_flat a, struct update_rule rule, const struct step_state *__restrict__ state)
{
	uint32_t i = blockIdx.x * blockDim.x + threadIdx.x;

	if (i < a.n)
		update_weight(
			a.value + i, a.moment1 + i, a.moment2 + i, a.gradient[i], &rule, state);
}

void flat_update_cuda(cudaStream_t stream, const struct update_flat *a,
	const struct update_rule *rule, const struct step_state *state)
{
	LAUNCH(flat_update_kernel, gpu_blocks(a->n, GPU_BLOCK), GPU_BLOCK, 0, stream, *a, *rule,
		state);
	CHECK_LAUNCH();
}

/* Where the gradient of a row is; n: nowhere. slot[row] may be from an older batch, hence the look
   at the keys. */
static __device__ __forceinline__ uint32_t find_row(const struct update_table *a, uint32_t row)
{
	uint32_t j = a->slot[row];

	return j < a->n && a->key[j] == row && (!j || a->key[j - 1] != row) ? j : a->n;
}

__global__ void table_update_kernel(struct update_tables all, struct update_rule rule,
	const struct step_state *__restrict__ state)
{
	const struct update_table *a = &all.table[blockIdx.y];
	size_t i = (size_t)blockIdx.x * blockDim.x + threadIdx.x;
	uint32_t row = (uint32_t)(i / a->cols), k = (uint32_t)(i % a->cols);

	if (row >= a->rows)
		return;
	uint32_t j = find_row(a, row);
	float gradient = j < a->n ? a->drow[(size_t)j * a->cols + k] : 0.0f;
	update_weight(a->value + i, a->moment1 + i, a->moment2 + i, gradient, &rule, state);
}

__global__ void row_update_kernel(struct update_tables all, struct update_rule rule,
	const struct step_state *__restrict__ state)
{
	const struct update_table *a = &all.table[blockIdx.y];
	uint32_t t = blockIdx.x * blockDim.x + threadIdx.x, j = t / a->cols, k = t % a->cols;

	if (j >= a->n || (j && a->key[j - 1] == a->key[j]))
		return;
	size_t i = (size_t)a->key[j] * a->cols + k;
	update_weight(a->value + i, a->moment1 + i, a->moment2 + i, a->drow[t], &rule, state);
}

static size_t tables_of(
	const struct update_table *a, unsigned num, bool all_rows, struct update_tables *out)
{
	size_t most = 0;

	memset(out, 0, sizeof(*out));
	for (unsigned i = 0; i < num; i++) {
		size_t work = (size_t)(all_rows ? a[i].rows : a[i].n) * a[i].cols;

		out->table[i] = a[i];
		most = work > most ? work : most;
	}
	return most;
}

void table_update_cuda(cudaStream_t stream, const struct update_table *a, unsigned num,
	const struct update_rule *rule, const struct step_state *state)
{
	struct update_tables all;
	size_t work = tables_of(a, num, true, &all);

	LAUNCH(table_update_kernel, dim3(gpu_blocks(work, GPU_BLOCK), num), GPU_BLOCK, 0, stream,
		all, *rule, state);
	CHECK_LAUNCH();
}

void row_update_cuda(cudaStream_t stream, const struct update_table *a, unsigned num,
	const struct update_rule *rule, const struct step_state *state)
{
	struct update_tables all;
	size_t work = tables_of(a, num, false, &all);

	if (!work)
		return; /* a gradient without rows, from another process */
	LAUNCH(row_update_kernel, dim3(gpu_blocks(work, GPU_BLOCK), num), GPU_BLOCK, 0, stream, all,
		*rule, state);
	CHECK_LAUNCH();
}
