/*
 * loss: score and loss of each row of the batch, and the gradient of the head's input.
 *   logit[s] = head . concat(g[s], x[s]) + bias;   score = logit, or 1 / (1 + exp(-logit))
 *              with biases: + user_bias[user[s % B]] + item_bias[item[s]]
 *   bpr    log(1 + exp(-d)), d = score_pos - score_neg     hinge  max(0, 1 - d)
 *          d is NaN where the sigmoid of a logit would not show that the model has diverged
 *   bce    log(1 + exp(logit)) - label logit
 *   dlogit (S) = d loss / d logit / B;   dx (S, H) = dlogit head[F..]
 * A group of threads per row; the loss of a batch is summed in double, in an order that depends on
 * the sizes alone.
 */
#include "cuda/parts.h"

/* The logit of sample s, in every thread of its row; `there`: is there one? */
template <int V>
static __device__ __forceinline__ float logit_of(const struct loss *a, uint32_t s, bool there)
{
	float sum = 0;

	if (there) {
		sum = dot_part<V>(a->head, a->g + (size_t)s * a->F, a->F);
		if (a->H)
			sum += dot_part<V>(a->head + a->F, a->x + (size_t)s * a->H, a->H);
	}
	sum = row_sum(sum) + (a->bias ? a->bias[0] : 0.0f);
	if (a->user_bias && there)
		sum += a->user_bias[a->user[s % a->batch]] + a->item_bias[a->item[s]];
	return sum;
}

/* Write the gradients of sample s, given dlogit of the mean loss. */
template <int V>
static __device__ __forceinline__ void write_gradient(
	const struct loss *a, uint32_t s, float dlogit)
{
	if (threadIdx.x == 0)
		a->dlogit[s] = dlogit;
	for (uint32_t k = threadIdx.x * V; k < a->H; k += blockDim.x * V) {
		floats_of<V> v = vector_at<V>(a->head + a->F + k);

		for (int i = 0; i < V; i++)
			v.at[i] *= dlogit;
		vector_put<V>(a->dx + (size_t)s * a->H + k, v);
	}
}

/* The loss of row r; its gradients are written. */
template <int V>
static __device__ __forceinline__ double row_loss(const struct loss *a, uint32_t r, bool there)
{
	float scale = 1.0f / (float)a->batch, logit = logit_of<V>(a, r, there);
	float dpositive, dnegative;

	if (a->kind == LOSS_BCE) {
		if (!there)
			return 0;
		float loss = label_loss(logit, a->label[r], &dpositive);
		write_gradient<V>(a, r, dpositive * scale);
		return loss;
	}
	uint32_t s = r + a->batch;
	float other = logit_of<V>(a, s, there);
	float loss = pair_loss(a->kind, a->sigmoid_output, logit, other, &dpositive, &dnegative);
	if (!there)
		return 0;
	write_gradient<V>(a, r, dpositive * scale);
	write_gradient<V>(a, s, dnegative * scale);
	return loss;
}

template <int V> __global__ void __launch_bounds__(GPU_BLOCK) loss_backward_kernel(struct loss a)
{
	double sum = 0;

	for (uint32_t base = blockIdx.x * blockDim.y; base < a.batch;
		base += gridDim.x * blockDim.y)
		sum += row_loss<V>(&a, base + threadIdx.y, base + threadIdx.y < a.batch);
	write_loss(sum, a.partial);
}

__global__ void __launch_bounds__(GPU_BLOCK) loss_total_kernel(const double *__restrict__ partial,
	uint32_t num_partials, uint32_t rows, struct loss_total *total)
{
	add_losses(partial, num_partials, rows, total);
}

static dim3 loss_block(const struct loss *a, uint32_t *vector, unsigned *blocks)
{
	*vector = gpu_vector(a->F, a->H);
	dim3 block = gpu_row_block((a->F > a->H ? a->F : a->H) / *vector);

	*blocks = gpu_blocks(a->batch, block.y);
	if (*blocks > LOSS_PARTIALS)
		*blocks = LOSS_PARTIALS;
	return block;
}

void loss_backward_cuda(cudaStream_t stream, const struct loss *a)
{
	unsigned blocks;
	uint32_t vector;
	dim3 block = loss_block(a, &vector, &blocks);

	LAUNCH_VECTOR(vector, loss_backward_kernel, blocks, block, 0, stream, *a);
}

void loss_total_cuda(cudaStream_t stream, const struct loss *a, struct loss_total *total)
{
	unsigned blocks;
	uint32_t vector;

	loss_block(a, &vector, &blocks);
	LAUNCH(loss_total_kernel, 1, GPU_BLOCK, 0, stream, a->partial, blocks, a->batch, total);
	CHECK_LAUNCH();
}
