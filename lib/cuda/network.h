/*
 * network: what a block of network.cu does with a tile of samples: forward, loss, and backward to the
 * rows and to dz of each layer.
 *
 * Shared memory holds the weights, the sums, and columns: one number of each sample of the tile. Rows
 * of weights have an odd length and columns 4 floats more than the tile, so that neighbouring threads
 * read different banks, of weights, and of columns four samples at a time. Within a group, which lies
 * in a warp, what a thread wrote is read after a __syncwarp.
 */
#ifndef NETWORK_H
#define NETWORK_H

#include "cuda/parts.h"

enum { SAMPLES = 4 }; /* of a group of threads */

/* Numbers of the samples of a group: row r has its positive at i = r P, its negative behind it. */
typedef floats_of<SAMPLES> samples;

/* The samples of a group, in the batch. */
struct group {
	uint32_t first, per_row, batch; /* row of the batch of its first sample; P; B */
};

/* Shared memory: weights and columns begin at these floats, the sums at 0. */
struct shared {
	float *sums, *weights, *columns;
	uint32_t ld; /* floats from column to column */
};

static __device__ __forceinline__ struct shared shared_of(const struct network *a, float *memory)
{
	struct shared m;

	m.sums = memory;
	m.weights = memory + a->weights_at;
	m.columns = memory + a->columns_at;
	m.ld = (blockDim.y + 1) * SAMPLES;
	return m;
}

/* This group's part of a column. */
static __device__ __forceinline__ float *own_column(const struct shared *m, uint32_t column)
{
	return m->columns + column * m->ld + threadIdx.y * SAMPLES;
}

static __device__ __forceinline__ samples get(const struct shared *m, uint32_t column)
{
	return vector_at<SAMPLES>(own_column(m, column));
}

/* By one instruction: nvcc takes four where the samples were computed one by one, and lanes that are
   16 bytes apart wait for each other's banks. */
static __device__ __forceinline__ void put(const struct shared *m, uint32_t column, samples v)
{
	float *to = own_column(m, column);

#ifdef __CUDACC__
	asm volatile("st.shared.v4.f32 [%0], {%1, %2, %3, %4};" ::"r"(
			     (uint32_t)__cvta_generic_to_shared(to)),
		     "f"(v.at[0]), "f"(v.at[1]), "f"(v.at[2]), "f"(v.at[3])
		     : "memory");
#else
	vector_put<SAMPLES>(to, v);
#endif
}

/* Row i of the batch, and sample i; i < SAMPLES */
static __device__ __forceinline__ uint32_t row_of(const struct group *g, uint32_t i)
{
	return g->first + (g->per_row == 2 ? i / 2 : i);
}

static __device__ __forceinline__ uint32_t sample_of(const struct group *g, uint32_t i)
{
	return row_of(g, i) + (g->per_row == 2 && i % 2 ? g->batch : 0);
}

/* Is there such a row? */
static __device__ __forceinline__ bool there(const struct group *g, uint32_t i)
{
	return row_of(g, i) < g->batch;
}

/* Weights of the layers in rows of odd length, then their biases, and zeros in the sums. */
static __device__ __forceinline__ void load_weights(const struct network *a, const struct shared *m)
{
	uint32_t thread = threadIdx.y * blockDim.x + threadIdx.x, all = blockDim.x * blockDim.y;

	for (uint32_t i = thread; i < a->dense.n; i += all)
		m->sums[i] = 0;
	for (uint32_t l = 0; l < a->num_layers; l++) {
		const struct network_layer *layer = &a->layer[l];
		const float *w = a->dense.value + layer->weight;

		for (uint32_t j = threadIdx.y; j < layer->out; j += blockDim.y)
			for (uint32_t k = threadIdx.x; k < layer->in; k += blockDim.x)
				m->weights[layer->shared + j * layer->row + k] =
					w[j * layer->in + k];
		for (uint32_t j = thread; j < layer->out; j += all)
			m->weights[layer->shared_bias + j] = a->dense.value[layer->bias + j];
	}
	for (uint32_t k = thread; k < a->head_size; k += all)
		m->weights[a->shared_head + k] = a->dense.value[a->head + k];
}

/* Columns first.. are rows `id` of a table; 0 of samples that are not there. */
static __device__ __forceinline__ void gather(const struct shared *m, const struct group *g,
	const uint32_t *id, const float *table, uint32_t cols, uint32_t first)
{
	for (uint32_t k = threadIdx.x; k < cols; k += blockDim.x) {
		samples v;

#pragma unroll
		for (uint32_t i = 0; i < SAMPLES; i++)
			v.at[i] = there(g, i) ? table[(size_t)id[i] * cols + k] : 0.0f;
		put(m, first + k, v);
	}
}

static __device__ __forceinline__ void gather_rows(
	const struct network *a, const struct shared *m, const struct group *g)
{
	uint32_t user[SAMPLES], item[SAMPLES];

#pragma unroll
	for (uint32_t i = 0; i < SAMPLES; i++) {
		user[i] = there(g, i) ? a->user[row_of(g, i)] : 0;
		item[i] = there(g, i) ? a->item[sample_of(g, i)] : 0;
	}
	gather(m, g, user, a->gmf_user, a->F, a->g);
	gather(m, g, item, a->gmf_item, a->F, a->q);
	if (!a->num_layers)
		return;
	gather(m, g, user, a->mlp_user, a->E, a->layer[0].x);
	gather(m, g, item, a->mlp_item, a->E, a->layer[0].x + a->E);
	__syncwarp();
}

static __device__ __forceinline__ void forward_layer(
	const struct shared *m, const struct network_layer *layer)
{
	for (uint32_t j = threadIdx.x; j < layer->out; j += blockDim.x) {
		const float *w = m->weights + layer->shared + j * layer->row;
		float bias = m->weights[layer->shared_bias + j];
		samples sum = { { bias, bias, bias, bias } };

#pragma unroll 4
		for (uint32_t k = 0; k < layer->in; k++) {
			samples x = get(m, layer->x + k);

			for (int i = 0; i < SAMPLES; i++)
				sum.at[i] += w[k] * x.at[i];
		}
		for (int i = 0; i < SAMPLES; i++)
			sum.at[i] = relu(sum.at[i]);
		put(m, layer->y + j, sum);
	}
	__syncwarp();
}

/* The logits of the group's samples, in all of its threads. */
static __device__ __forceinline__ samples logits(
	const struct network *a, const struct shared *m, const struct group *g)
{
	const float *head = a->head_size ? m->weights + a->shared_head : NULL;
	samples sum = {};

	for (uint32_t k = threadIdx.x; k < a->F + a->H; k += blockDim.x) {
		samples v = get(m, a->g + k);
		float w = head ? head[k] : 1.0f;

		if (k < a->F) {
			samples q = get(m, a->q + k);

			for (int i = 0; i < SAMPLES; i++)
				v.at[i] *= q.at[i];
		}
		for (int i = 0; i < SAMPLES; i++)
			sum.at[i] += w * v.at[i];
	}
	float bias = a->has_bias ? a->dense.value[a->bias] : 0.0f;
#pragma unroll
	for (uint32_t i = 0; i < SAMPLES; i++) {
		sum.at[i] = row_sum(sum.at[i]) + bias;
		if (a->user_bias && there(g, i))
			sum.at[i] += a->user_bias[a->user[row_of(g, i)]] +
				     a->item_bias[a->item[sample_of(g, i)]];
	}
	return sum;
}

/* The losses of the group's rows; *d: dlogit of the mean loss. */
static __device__ __forceinline__ double group_loss(
	const struct network *a, const struct group *g, samples logit, samples *d)
{
	float scale = 1.0f / (float)a->batch;
	double sum = 0;

	*d = {};
#pragma unroll
	for (uint32_t i = 0; i < SAMPLES; i++) {
		float loss;

		if (!there(g, i) || (g->per_row == 2 && i % 2))
			continue;
		if (g->per_row == 1)
			loss = label_loss(logit.at[i], a->label[row_of(g, i)], &d->at[i]);
		else
			loss = pair_loss(a->kind, a->sigmoid_output, logit.at[i],
				logit.at[(i + 1) % SAMPLES], &d->at[i], &d->at[(i + 1) % SAMPLES]);
		sum += loss;
	}
	for (int i = 0; i < SAMPLES; i++)
		d->at[i] *= scale;
	return sum;
}

/* Column k of gradients of the batch's rows, (B, cols), and of its samples, (S, cols). */
static __device__ __forceinline__ void put_rows(
	const struct group *g, samples v, float *to, uint32_t cols, uint32_t k)
{
#pragma unroll
	for (uint32_t i = 0; i < SAMPLES; i++)
		if (there(g, i) && g->per_row == 1)
			to[(size_t)row_of(g, i) * cols + k] = v.at[i];
		else if (there(g, i) && i % 2 == 0)
			to[(size_t)row_of(g, i) * cols + k] = v.at[i] + v.at[(i + 1) % SAMPLES];
}

static __device__ __forceinline__ void put_samples(
	const struct group *g, samples v, float *to, uint32_t cols, uint32_t k)
{
#pragma unroll
	for (uint32_t i = 0; i < SAMPLES; i++)
		if (there(g, i))
			to[(size_t)sample_of(g, i) * cols + k] = v.at[i];
}

/* Gradients of the rows of the products, which then take the place of the user's. */
static __device__ __forceinline__ void backward_products(
	const struct network *a, const struct shared *m, const struct group *g, samples d)
{
	const float *head = a->head_size ? m->weights + a->shared_head : NULL;

	for (uint32_t k = threadIdx.x; k < a->F; k += blockDim.x) {
		samples p = get(m, a->g + k), q = get(m, a->q + k), dp, dq;

		for (int i = 0; i < SAMPLES; i++) {
			float w = d.at[i] * (head ? head[k] : 1.0f);

			dp.at[i] = w * q.at[i];
			dq.at[i] = w * p.at[i];
			p.at[i] *= q.at[i];
		}
		put(m, a->g + k, p);
		put_rows(g, dp, a->dgmf_user, a->F, k);
		put_samples(g, dq, a->dgmf_item, a->F, k);
	}
	if (threadIdx.x)
		return;
	put(m, a->dlogit, d);
	if (a->user_bias) {
		put_rows(g, d, a->duser_bias, 1, 0);
		put_samples(g, d, a->ditem_bias, 1, 0);
	}
}

/* dz of the last layer. */
static __device__ __forceinline__ void backward_head(
	const struct network *a, const struct shared *m, samples d)
{
	const struct network_layer *last = &a->layer[a->num_layers - 1];

	for (uint32_t k = threadIdx.x; k < a->H; k += blockDim.x) {
		samples v = get(m, last->y + k);

		for (int i = 0; i < SAMPLES; i++)
			v.at[i] = v.at[i] > 0 ? d.at[i] * m->weights[a->shared_head + a->F + k]
					      : 0.0f;
		put(m, last->dz + k, v);
	}
	__syncwarp();
}

/* dz of the layer before; of the first, the gradients of its rows. */
static __device__ __forceinline__ void backward_layer(
	const struct network *a, const struct shared *m, const struct group *g, uint32_t l)
{
	const struct network_layer *layer = &a->layer[l];

	for (uint32_t k = threadIdx.x; k < layer->in; k += blockDim.x) {
		const float *w = m->weights + layer->shared + k;
		samples sum = {};

#pragma unroll 4
		for (uint32_t j = 0; j < layer->out; j++) {
			samples dz = get(m, layer->dz + j);

			for (int i = 0; i < SAMPLES; i++)
				sum.at[i] += w[j * layer->row] * dz.at[i];
		}
		if (l) {
			samples x = get(m, layer->x + k);

			for (int i = 0; i < SAMPLES; i++)
				sum.at[i] = x.at[i] > 0 ? sum.at[i] : 0.0f;
			put(m, a->layer[l - 1].dz + k, sum);
		} else if (k < a->E) {
			put_rows(g, sum, a->dmlp_user, a->E, k);
		} else {
			put_samples(g, sum, a->dmlp_item, a->E, k - a->E);
		}
	}
	__syncwarp();
}

/* Forward and backward of the group's samples; returns the sum of its losses. */
static __device__ __forceinline__ double one_group(
	const struct network *a, const struct shared *m, uint32_t tile)
{
	struct group g = { (tile * blockDim.y + threadIdx.y) * (SAMPLES / a->items_per_row),
		a->items_per_row, a->batch };
	samples d;

	gather_rows(a, m, &g);
	for (uint32_t l = 0; l < a->num_layers; l++)
		forward_layer(m, &a->layer[l]);
	double loss = group_loss(a, &g, logits(a, m, &g), &d);
	backward_products(a, m, &g, d);
	if (a->num_layers)
		backward_head(a, m, d);
	for (uint32_t l = a->num_layers; l-- > 0;)
		backward_layer(a, m, &g, l);
	return loss;
}

#endif
