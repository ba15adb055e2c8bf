/*
 * loss: score and loss of each row of the batch, and the gradient of the head's input.
 *   logit[s] = head . concat(g[s], x[s]) + bias;   score = logit, or 1 / (1 + exp(-logit))
 *              with biases: + user_bias[user[s % B]] + item_bias[item[s]]
 *   bpr    log(1 + exp(-d)), d = score_pos - score_neg     hinge  max(0, 1 - d)
 *          d is NaN where the sigmoid of a logit would not show that the model has diverged
 *   bce    log(1 + exp(logit)) - label logit
 *   dlogit (S) = d loss / d logit / B;   dx (S, H) = dlogit head[F..]
 * One warp per row; the loss of a batch is summed in double, in an order that depends on B alone.
 */
#include "cuda/ops.h"

/* 1 / (1 + exp(-v)) without overflow */
static __device__ __forceinline__ float sigmoid(float v)
{
	float e = expf(-fabsf(v));

	return (v > 0 ? 1.0f : e) / (1.0f + e);
}

/* log(1 + exp(v)) */
static __device__ __forceinline__ float softplus(float v)
{
	return fmaxf(v, 0.0f) + log1pf(expf(-fabsf(v)));
}

/* ds / dlogit: s (1 - s) without cancellation, or 1 */
static __device__ __forceinline__ float score_slope(float logit, bool sigmoid_output)
{
	float e = expf(-fabsf(logit));

	return sigmoid_output ? e / ((1.0f + e) * (1.0f + e)) : 1.0f;
}

/* Loss of a pair of logits; *dpositive, *dnegative: its derivatives. */
static __device__ __forceinline__ float pair_loss(
	const struct loss *a, float positive, float negative, float *dpositive, float *dnegative)
{
	float d = a->sigmoid_output ? sigmoid(positive) - sigmoid(negative) : positive - negative;

	if (a->sigmoid_output &&
		(fabsf(positive) >= NEUMF_SIGMOID_LIMIT || fabsf(negative) >= NEUMF_SIGMOID_LIMIT))
		d = NAN;
	float dd = a->kind == LOSS_BPR ? -sigmoid(-d) : d >= 1 ? 0.0f : -1.0f;

	*dpositive = dd * score_slope(positive, a->sigmoid_output);
	*dnegative = -dd * score_slope(negative, a->sigmoid_output);
	if (a->kind == LOSS_BPR)
		return softplus(-d);
	return d >= 1 ? 0.0f : 1.0f - d; // NaN stays NaN, which fmaxf would hide
}

/* The logit of sample s, in every lane of a warp. */
static __device__ __forceinline__ float logit_of(const struct loss *a, uint32_t s, uint32_t lane)
{
	float logit = head_dot(a->g + (size_t)s * a->F, a->x + (size_t)s * a->H, a->head, a->F,
			      a->H, lane) +
		      (a->bias ? a->bias[0] : 0.0f);

	if (a->user_bias)
		logit += a->user_bias[a->user[s % a->batch]] + a->item_bias[a->item[s]];
	return logit;
}

/* Write the gradients of sample s, given dlogit of the mean loss. */
static __device__ __forceinline__ void write_gradient(
	const struct loss *a, uint32_t s, float dlogit, uint32_t lane)
{
	uint32_t H = a->H;

	if (lane == 0)
		a->dlogit[s] = dlogit;
	for (uint32_t k = lane; k < H; k += 32)
		a->dx[(size_t)s * H + k] = dlogit * a->head[a->F + k];
}

__global__ void __launch_bounds__(GPU_BLOCK) loss_backward_kernel(struct loss a)
{
	__shared__ double sums[GPU_BLOCK / 32];
	uint32_t lane = threadIdx.x % 32, warp = threadIdx.x / 32, warps = blockDim.x / 32;
	float scale = 1.0f / (float)a.batch;
	double sum = 0;

	for (uint32_t r = blockIdx.x * warps + warp; r < a.batch; r += gridDim.x * warps) {
		float logit = logit_of(&a, r, lane);

		if (a.kind == LOSS_BCE) {
			sum += softplus(logit) - a.label[r] * logit;
			write_gradient(&a, r, (sigmoid(logit) - a.label[r]) * scale, lane);
		} else {
			uint32_t s = r + a.batch;
			float other = logit_of(&a, s, lane);
			float dpositive, dnegative;

			sum += pair_loss(&a, logit, other, &dpositive, &dnegative);
			write_gradient(&a, r, dpositive * scale, lane);
			write_gradient(&a, s, dnegative * scale, lane);
		}
	}
	if (lane == 0)
		sums[warp] = sum;
	__syncthreads();
	if (threadIdx.x == 0) {
		for (uint32_t w = 1; w < warps; w++)
			sum += sums[w];
		a.partial[blockIdx.x] = sum;
	}
}

/* One block adds the partial sums in a fixed order, then counts the batch in. */
__global__ void __launch_bounds__(GPU_BLOCK) loss_total_kernel(const double *__restrict__ partial,
	uint32_t num_partials, uint32_t rows, struct loss_total *total)
{
	__shared__ double sums[GPU_BLOCK];
	double sum = 0;

	for (uint32_t i = threadIdx.x; i < num_partials; i += blockDim.x)
		sum += partial[i];
	sums[threadIdx.x] = sum;
	__syncthreads();
	if (threadIdx.x)
		return;
	for (uint32_t i = 1; i < blockDim.x; i++)
		sum += sums[i];
	if (!isfinite(sum) && total->bad_batch == ~0ull)
		total->bad_batch = total->batches;
	total->sum += sum;
	total->rows += rows;
	total->batches++;
}

void loss_backward_cuda(cudaStream_t stream, const struct loss *a, struct loss_total *total)
{
	unsigned blocks = gpu_blocks(a->batch, GPU_BLOCK / 32);

	if (blocks > LOSS_PARTIALS)
		blocks = LOSS_PARTIALS;
	LAUNCH(loss_backward_kernel, blocks, GPU_BLOCK, 0, stream, *a);
	CHECK_LAUNCH();
	LAUNCH(loss_total_kernel, 1, GPU_BLOCK, 0, stream, a->partial, blocks, a->batch, total);
	CHECK_LAUNCH();
}
