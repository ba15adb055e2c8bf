/*
 * parts: functions of the device that kernels of several files share: a loss and its derivative, sums
 * over blocks, the update of a weight. What lies in shared memory stands outside of templates, where
 * the host runtime finds it.
 */
#ifndef PARTS_H
#define PARTS_H

#include "cuda/ops.h"

/* ---- loss ---- */

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

/* The score of a logit, in the operations that every backend does: itself, or 1 / (1 + expf(-v)) */
static __device__ __forceinline__ float score_of(float logit, bool sigmoid_output)
{
	return sigmoid_output ? 1.0f / (1.0f + expf(-logit)) : logit;
}

/* Loss of a pair of logits; *dpositive, *dnegative: its derivatives. */
static __device__ __forceinline__ float pair_loss(enum neumf_loss kind, bool sigmoid_output,
	float positive, float negative, float *dpositive, float *dnegative)
{
	float d = sigmoid_output ? sigmoid(positive) - sigmoid(negative) : positive - negative;

	if (sigmoid_output &&
		(fabsf(positive) >= NEUMF_SIGMOID_LIMIT || fabsf(negative) >= NEUMF_SIGMOID_LIMIT))
		d = NAN;
	float dd = kind == LOSS_BPR ? -sigmoid(-d) : d >= 1 ? 0.0f : -1.0f;

	*dpositive = dd * score_slope(positive, sigmoid_output);
	*dnegative = -dd * score_slope(negative, sigmoid_output);
	if (kind == LOSS_BPR)
		return softplus(-d);
	return d >= 1 ? 0.0f : 1.0f - d; // NaN stays NaN, which fmaxf would hide
}

/* bce of a logit; *dlogit: its derivative. */
static __device__ __forceinline__ float label_loss(float logit, float label, float *dlogit)
{
	*dlogit = sigmoid(logit) - label;
	return softplus(logit) - label * logit;
}

/* The losses of a block, one sum in each row of threads, go to partial[blockIdx.x]. */
static __device__ __forceinline__ void write_loss(double sum, double *partial)
{
	__shared__ double sums[GPU_BLOCK];

	if (threadIdx.x == 0)
		sums[threadIdx.y] = sum;
	__syncthreads();
	if (threadIdx.x == 0 && threadIdx.y == 0) {
		for (uint32_t y = 1; y < blockDim.y; y++)
			sum += sums[y];
		partial[blockIdx.x] = sum;
	}
}

/* A block of GPU_BLOCK threads adds the partial sums, pair by pair, then counts the batch in. */
static __device__ __forceinline__ void add_losses(
	const double *partial, uint32_t num_partials, uint32_t rows, struct loss_total *total)
{
	__shared__ double sums[GPU_BLOCK];
	uint32_t t = threadIdx.y * blockDim.x + threadIdx.x;
	double sum = 0;

	for (uint32_t i = t; i < num_partials; i += GPU_BLOCK)
		sum += partial[i];
	sums[t] = sum;
	__syncthreads();
	for (uint32_t half = GPU_BLOCK / 2; half > 0; half /= 2) {
		if (t < half)
			sums[t] += sums[t + half];
		__syncthreads();
	}
	if (t)
		return;
	sum = sums[0];
	if (!isfinite(sum) && total->bad_batch == ~0ull)
		total->bad_batch = total->batches;
	total->sum += sum;
	total->rows += rows;
	total->batches++;
}

/* ---- sums over blocks ---- */

enum { REDUCE_Y = GPU_BLOCK / 32 }; /* threads that share the partial sums of a column */

/* The sum over p < num_partials of partial[p][i], added in the order of p by a block of 32 columns x
   REDUCE_Y threads, all of which come here; in those of y = 0 only. */
static __device__ __forceinline__ float reduce_column(
	const float *partial, uint32_t num_partials, uint32_t n, uint32_t i)
{
	__shared__ float sums[REDUCE_Y][32];
	float sum = 0;

#pragma unroll 4
	for (uint32_t p = threadIdx.y; p < num_partials && i < n; p += REDUCE_Y)
		sum += partial[(size_t)p * n + i];
	sums[threadIdx.y][threadIdx.x] = sum;
	__syncthreads();
	for (uint32_t y = 1; y < REDUCE_Y && !threadIdx.y; y++)
		sum += sums[y][threadIdx.x];
	return sum;
}

/* A vector for each thread of a block. */
static __device__ __forceinline__ float *shared_vectors(void)
{
	alignas(16) __shared__ float vectors[GPU_BLOCK * 4];

	return vectors;
}

/* ---- optimizer ---- */

/* b^t; without the pow of the library, which would take local memory. */
static __device__ __forceinline__ double power(double b, uint64_t t)
{
	double p = 1;

	for (; t; t >>= 1) {
		p *= t & 1 ? b : 1;
		b *= b;
	}
	return p;
}

/* The scalars of step t + 1, in double. */
static __device__ __forceinline__ void begin_step(
	struct step_state *state, const struct update_rule *rule)
{
	uint64_t t = ++state->step;
	double lr = state->lr;

	state->step_size =
		(float)(rule->kind == OPTIMIZER_SGD ? lr : lr / (1 - power(rule->beta1, t)));
	state->root = (float)(1 / sqrt(1 - power(rule->beta2, t)));
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

/* V weights and their moments; sgd has none. */
template <int V> struct weights {
	floats_of<V> value, moment1, moment2;
};

template <int V>
static __device__ __forceinline__ weights<V> weights_at(const float *value, const float *moment1,
	const float *moment2, size_t at, const struct update_rule *rule)
{
	weights<V> w = {};

	w.value = vector_at<V>(value + at);
	if (rule->kind != OPTIMIZER_SGD) {
		w.moment1 = vector_at<V>(moment1 + at);
		w.moment2 = vector_at<V>(moment2 + at);
	}
	return w;
}

/* One step of w, which stands at `at`. */
template <int V>
static __device__ __forceinline__ void move_weights(float *value, float *moment1, float *moment2,
	size_t at, weights<V> w, floats_of<V> gradient, const struct update_rule *rule,
	const struct step_state *state)
{
	for (int i = 0; i < V; i++)
		update_weight(&w.value.at[i], &w.moment1.at[i], &w.moment2.at[i], gradient.at[i],
			rule, state);
	vector_put<V>(value + at, w.value);
	if (rule->kind != OPTIMIZER_SGD) {
		vector_put<V>(moment1 + at, w.moment1);
		vector_put<V>(moment2 + at, w.moment2);
	}
}

template <int V>
static __device__ __forceinline__ void update_vector(float *value, float *moment1, float *moment2,
	size_t at, floats_of<V> gradient, const struct update_rule *rule,
	const struct step_state *state)
{
	move_weights<V>(value, moment1, moment2, at,
		weights_at<V>(value, moment1, moment2, at, rule), gradient, rule, state);
}

/* Where the gradient of a row is; n: nowhere. slot[row] may be from an older batch, hence the look
   at the keys. */
static __device__ __forceinline__ uint32_t find_row(const struct update_table *a, uint32_t row)
{
	uint32_t j = a->slot[row];

	return j < a->n && a->key[j] == row && (!j || a->key[j - 1] != row) ? j : a->n;
}

#endif
