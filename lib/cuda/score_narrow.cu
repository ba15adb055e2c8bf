/*
 * score_narrow: the scores of a narrow network in one kernel, from the halves of its first layer.
 *   x_1 = relu(user_half + item_half + bias), x_l = relu(W_l x_(l-1) + b_l),
 *   score = head . concat(gmf_user * gmf_item, x_n) + biases, or its sigmoid
 * A thread has one item with N users, four in a block of scores and one among pairs: what it reads
 * of the item, and every weight, is read once for all of them. Weights, in rows of the units that
 * they go to, and activations lie in shared memory; a column of activations holds one unit of all
 * threads, each of which reads only what it wrote.
 */
#include "cuda/parts.h"

/* Units of a layer that a thread sums at a time; users of a thread in a block of scores; threads of
   the largest and the smallest block; lanes that load a row of weights. */
enum { UNITS = 4, USERS = 4, MOST_THREADS = GPU_BLOCK / 2, FEWEST_THREADS = 32, LOADERS = 16 };
enum { SHARED = 48 << 10 };

/* The pairs of a thread: where their halves and rows of tables begin. */
template <int N> struct pairs {
	size_t half[N], user[N]; /* numbers of rows */
	size_t item_half, item;
};

/* weights (in, row) = w (out, in)^T, 0 beyond `out`; bias likewise */
static __device__ __forceinline__ void load_layer(const struct narrow_layer *l, float *weights)
{
	uint32_t lane = threadIdx.x % LOADERS;

	for (uint32_t k = threadIdx.x / LOADERS; k < l->in; k += blockDim.x / LOADERS)
		for (uint32_t j = lane; j < l->row; j += LOADERS)
			weights[l->shared + k * l->row + j] =
				j < l->out ? l->weight[j * l->in + k] : 0.0f;
	for (uint32_t j = threadIdx.x; j < l->row; j += blockDim.x)
		weights[l->shared_bias + j] = j < l->out ? l->bias[j] : 0.0f;
}

static __device__ __forceinline__ void load_weights(const struct narrow_scores *a, float *weights)
{
	for (uint32_t l = 0; l < a->num_layers; l++)
		load_layer(&a->layer[l], weights);
	for (uint32_t k = threadIdx.x; k < a->to.F + a->to.H; k += blockDim.x)
		weights[a->shared_head + k] = a->to.head[k];
}

/* Pairs of item number i of the launch and the users from number `first` on; beyond the last user
   it is he again. Among pairs (items 0) both numbers are those of the pair. */
template <int N>
static __device__ __forceinline__ pairs<N> pairs_of(
	const struct score_output *to, uint32_t i, uint32_t first, uint32_t users)
{
	pairs<N> p;

#pragma unroll
	for (uint32_t n = 0; n < N; n++) {
		p.half[n] = min(first + n, users - 1);
		p.user[n] = to->user[p.half[n]];
	}
	p.item_half = i;
	p.item = to->items ? to->first + i : to->item[i];
	return p;
}

template <int N>
static __device__ __forceinline__ void first_layer(const struct narrow_scores *a,
	const float *weights, const pairs<N> *p, floats_of<N> *columns)
{
	const struct narrow_layer *l = &a->layer[0];

#pragma unroll 2
	for (uint32_t k = 0; k < l->out; k++) {
		float item = a->item_half[p->item_half * l->out + k],
		      bias = weights[l->shared_bias + k];
		floats_of<N> x;

		for (int n = 0; n < N; n++)
			x.at[n] = relu(a->user_half[p->half[n] * l->out + k] + item + bias);
		columns[(l->y + k) * blockDim.x] = x;
	}
}

template <int N>
static __device__ __forceinline__ void next_layer(
	const struct narrow_layer *l, const float *weights, floats_of<N> *columns)
{
	for (uint32_t j = 0; j < l->out; j += UNITS) {
		floats_of<UNITS> bias = vector_at<UNITS>(weights + l->shared_bias + j);
		floats_of<N> sum[UNITS];

		for (int i = 0; i < UNITS; i++)
			for (int n = 0; n < N; n++)
				sum[i].at[n] = bias.at[i];
#pragma unroll 2
		for (uint32_t k = 0; k < l->in; k++) {
			floats_of<UNITS> w = vector_at<UNITS>(weights + l->shared + k * l->row + j);
			floats_of<N> x = columns[(l->x + k) * blockDim.x];

			for (int i = 0; i < UNITS; i++)
				for (int n = 0; n < N; n++)
					sum[i].at[n] += x.at[n] * w.at[i];
		}
#pragma unroll
		for (int i = 0; i < UNITS; i++) {
			for (int n = 0; n < N; n++)
				sum[i].at[n] = relu(sum[i].at[n]);
			if (j + i < l->out)
				columns[(l->y + j + i) * blockDim.x] = sum[i];
		}
	}
}

/* head . concat(user row * item row, x), x from column `from` on */
template <int N>
static __device__ __forceinline__ floats_of<N> head_sums(const struct score_output *to,
	const float *head, const pairs<N> *p, const floats_of<N> *columns, uint32_t from)
{
	floats_of<N> sum = {};

#pragma unroll 2
	for (uint32_t k = 0; k < to->F; k++) {
		float item = to->gmf_item[p->item * to->F + k];

		for (int n = 0; n < N; n++)
			sum.at[n] += head[k] * (to->gmf_user[p->user[n] * to->F + k] * item);
	}
#pragma unroll 2
	for (uint32_t k = 0; k < to->H; k++) {
		floats_of<N> x = columns[(from + k) * blockDim.x];

		for (int n = 0; n < N; n++)
			sum.at[n] += head[to->F + k] * x.at[n];
	}
	return sum;
}

/* Blocks walk over the items first, `tiles` of them for the same users. */
template <int N>
__global__ void __launch_bounds__(MOST_THREADS)
	score_narrow_kernel(struct narrow_scores a, uint32_t users, uint32_t items, uint32_t tiles)
{
	DYN_SHARED(float4, memory);
	float *weights = (float *)memory;
	floats_of<N> *columns = (floats_of<N> *)(weights + a.columns_at) + threadIdx.x;
	uint32_t group = blockIdx.x / tiles,
		 i = (blockIdx.x - group * tiles) * blockDim.x + threadIdx.x;
	uint32_t first = a.to.items ? group * N : i;

	load_weights(&a, weights);
	__syncthreads();
	if (i >= items)
		return;
	pairs<N> p = pairs_of<N>(&a.to, i, first, users);
	first_layer(&a, weights, &p, columns);
	for (uint32_t l = 1; l < a.num_layers; l++)
		next_layer(&a.layer[l], weights, columns);
	floats_of<N> sum =
		head_sums(&a.to, weights + a.shared_head, &p, columns, a.layer[a.num_layers - 1].y);
	float bias = a.to.bias ? a.to.bias[0] : 0.0f;
#pragma unroll
	for (uint32_t n = 0; n < N; n++)
		if (first + n < users)
			a.to.score[(size_t)(first + n) * a.to.width + (a.to.items ? i : 0)] =
				score_of(sum.at[n] + bias, a.to.sigmoid_output);
}

/* ---- plans and launches ---- */

static uint32_t whole_vectors(uint32_t n)
{
	return (n + UNITS - 1) / UNITS * UNITS;
}

/* Places in shared memory. Layers write to the columns that the layer before did not. */
static void place(struct narrow_scores *a)
{
	uint32_t at = 0, widest[2] = { 0, 0 };

	for (uint32_t l = 0; l < a->num_layers; l++) {
		uint32_t out = a->layer[l].out;

		widest[l & 1] = out > widest[l & 1] ? out : widest[l & 1];
	}
	for (uint32_t l = 0; l < a->num_layers; l++) {
		struct narrow_layer *layer = &a->layer[l];

		layer->in = l ? a->layer[l - 1].out : 0;
		layer->row = whole_vectors(layer->out);
		layer->shared = at;
		layer->shared_bias = at + layer->in * layer->row;
		layer->y = l & 1 ? widest[0] : 0;
		layer->x = l & 1 ? 0 : widest[0];
		at = layer->shared_bias + layer->row;
	}
	a->shared_head = at;
	a->columns_at = whole_vectors(at + a->to.F + a->to.H);
	a->columns = widest[0] + widest[1];
}

static size_t shared_bytes(const struct narrow_scores *a, uint32_t users, uint32_t threads)
{
	return (a->columns_at + (size_t)a->columns * users * threads) * sizeof(float);
}

/* The most threads of a block, a power of two; 0: too much for any. */
static uint32_t most_threads(const struct narrow_scores *a, uint32_t users)
{
	for (uint32_t threads = MOST_THREADS; threads >= FEWEST_THREADS; threads /= 2)
		if (shared_bytes(a, users, threads) <= SHARED)
			return threads;
	return 0;
}

bool score_narrow_plan(struct narrow_scores *a)
{
	place(a);
	return most_threads(a, 1) > 0;
}

void score_narrow_cuda(cudaStream_t stream, const struct narrow_scores *a)
{
	const struct score_output *to = &a->to;
	uint32_t items = to->items ? to->items : to->rows,
		 users = to->rows / (to->items ? items : 1);
	bool block = to->items && most_threads(a, USERS);
	uint32_t at_once = block ? USERS : 1, threads = most_threads(a, at_once);
	uint32_t tiles = gpu_blocks(items, threads),
		 groups = to->items ? gpu_blocks(users, at_once) : 1;
	size_t shared = shared_bytes(a, at_once, threads);

	if (block)
		LAUNCH(score_narrow_kernel<USERS>, tiles * groups, threads, shared, stream, *a,
			users, items, tiles);
	else
		LAUNCH(score_narrow_kernel<1>, tiles * groups, threads, shared, stream, *a, users,
			items, tiles);
	CHECK_LAUNCH();
}
