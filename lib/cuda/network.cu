/*
 * network: a narrow network in one kernel: rows, layers, loss, and the gradients of all of them.
 *   x_0 = concat(p, q), x_l = relu(W_l x_(l-1) + b_l), logit = head . concat(g, x_n) + bias
 *   dz_l = (W_(l+1)^T dz_(l+1)) (x_l > 0), dz_n = dlogit head (x_n > 0)
 *   dW_l = sum of dz_l x_(l-1)^T, db_l = sum of dz_l, dhead = sum of dlogit concat(g, x_n)
 * A group of threads, x of the block, has SAMPLES samples and a unit of each; a block has a tile of
 * y groups, walks from tile to tile, and ends with its sums of the dense gradients, which a second
 * kernel adds in the order of the blocks. The rows of the batch are divided so that the positive and
 * the negative of a row belong to one thread. Only the sums of the dense gradients read what other
 * groups wrote.
 */
#include "cuda/network.h"

/* The sum over the samples of the tile of column x, times column y where it is given. By pairs: what
   cancels in a row of bpr is then exactly 0. */
static __device__ __forceinline__ float sum_tile(const struct shared *m, uint32_t x, const float *y)
{
	const float *from = m->columns + x * m->ld;
	float sum = 0;

#pragma unroll 2
	for (uint32_t s = 0; s < blockDim.y * SAMPLES; s += SAMPLES) {
		samples v = vector_at<SAMPLES>(from + s);

		if (y) {
			samples w = vector_at<SAMPLES>(y + s);

			for (int i = 0; i < SAMPLES; i++)
				v.at[i] *= w.at[i];
		}
		sum += (v.at[0] + v.at[1]) + (v.at[2] + v.at[3]);
	}
	return sum;
}

/* sums (out, in) += columns dz (out) x columns x (in) */
static __device__ __forceinline__ void add_products(
	const struct shared *m, float *sums, uint32_t x, uint32_t in, uint32_t dz, uint32_t out)
{
	for (uint32_t j = threadIdx.y; j < out; j += blockDim.y)
		for (uint32_t k = threadIdx.x; k < in; k += blockDim.x)
			sums[j * in + k] += sum_tile(m, x + k, m->columns + (dz + j) * m->ld);
}

/* The dense gradients of a tile, each by one thread. */
static __device__ __forceinline__ void add_dense(const struct network *a, const struct shared *m)
{
	uint32_t thread = threadIdx.y * blockDim.x + threadIdx.x;

	for (uint32_t l = 0; l < a->num_layers; l++) {
		const struct network_layer *layer = &a->layer[l];

		add_products(
			m, m->sums + layer->weight, layer->x, layer->in, layer->dz, layer->out);
		for (uint32_t j = thread; j < layer->out; j += blockDim.x * blockDim.y)
			m->sums[layer->bias + j] += sum_tile(m, layer->dz + j, NULL);
	}
	if (a->head_size)
		add_products(m, m->sums + a->head, a->g, a->head_size, a->dlogit, 1);
	if (a->has_bias && !thread)
		m->sums[a->bias] += sum_tile(m, a->dlogit, NULL);
}

/* Block number a.blocks, if there is one, computes the scalars of the step. For more blocks at a time
   ptxas would spill. */
__global__ void __launch_bounds__(GPU_BLOCK, 4)
	network_backward_kernel(struct network a, struct update_rule rule, struct step_state *state)
{
	DYN_SHARED(float4, memory);
	const struct shared m = shared_of(&a, (float *)memory);
	double loss = 0;

	if (blockIdx.x == a.blocks) {
		if (!threadIdx.x && !threadIdx.y)
			begin_step(state, &rule);
		return;
	}
	load_weights(&a, &m);
	__syncthreads();
	for (uint32_t tile = blockIdx.x; tile < a.tiles; tile += a.blocks) {
		loss += one_group(&a, &m, tile);
		__syncthreads();
		add_dense(&a, &m);
		__syncthreads(); // before the next tile replaces the columns
	}
	for (uint32_t i = threadIdx.y * blockDim.x + threadIdx.x; i < a.dense.n;
		i += blockDim.x * blockDim.y)
		a.partial[(size_t)blockIdx.x * a.dense.n + i] = m.sums[i];
	write_loss(loss, a.loss_partial);
}

/* The dense gradients and, where there is a state, their update; the last block adds up the losses. */
__global__ void __launch_bounds__(GPU_BLOCK) network_dense_kernel(const float *__restrict__ partial,
	const double *__restrict__ loss_partial, uint32_t blocks, uint32_t rows,
	struct update_flat dense, uint32_t bias, float l2, struct loss_total *total,
	struct update_rule rule, const struct step_state *__restrict__ state)
{
	uint32_t i = blockIdx.x * 32 + threadIdx.x;

	if (blockIdx.x == gridDim.x - 1) {
		add_losses(loss_partial, blocks, rows, total);
		return;
	}
	floats_of<1> gradient = { { reduce_column(partial, blocks, dense.n, i) } };
	if (threadIdx.y || i >= dense.n)
		return;
	if (l2 != 0 && i == bias)
		gradient.at[0] += l2 * dense.value[i];
	dense.gradient[i] = gradient.at[0];
	if (state)
		update_vector<1>(
			dense.value, dense.moment1, dense.moment2, i, gradient, &rule, state);
}

/* ---- plans and launches ---- */

/* Threads of the smallest block; as many blocks as a device can use at once. */
enum { FEWEST_THREADS = 64, ENOUGH_BLOCKS = 128 };

static uint32_t up_to_vectors(uint32_t n)
{
	return (n + SAMPLES - 1) / SAMPLES * SAMPLES;
}

static size_t shared_bytes(const struct network *a, uint32_t y)
{
	return (a->columns_at + (size_t)a->columns * (y + 1) * SAMPLES) * sizeof(float);
}

bool network_plan(struct network *a)
{
	uint32_t at = 0, widest = a->F > a->E ? a->F : a->E, column = 2 * a->F + a->H;

	a->q = 0;
	a->g = a->F;
	for (uint32_t l = 0; l < a->num_layers; l++) {
		struct network_layer *layer = &a->layer[l];

		layer->row = layer->in | 1;
		layer->shared = at;
		layer->shared_bias = at + layer->out * layer->row;
		at = layer->shared_bias + layer->out;
		layer->x = column;
		column += layer->in;
		if (l)
			a->layer[l - 1].y = layer->x;
		layer->y = 2 * a->F; /* of the last: beside g */
		widest = layer->out > widest ? layer->out : widest;
	}
	for (uint32_t l = 0; l < a->num_layers; l++) {
		a->layer[l].dz = column;
		column += a->layer[l].out;
	}
	a->dlogit = column;
	a->columns = column + 1;
	a->shared_head = at;
	a->weights_at = up_to_vectors(a->dense.n);
	a->columns_at = up_to_vectors(a->weights_at + at + a->head_size);
	a->x = gpu_row_block(widest).x;
	return shared_bytes(a, FEWEST_THREADS / a->x) <= NETWORK_SHARED;
}

static uint32_t tiles_of(const struct network *a, uint32_t y)
{
	return gpu_blocks(a->batch, y * SAMPLES / a->items_per_row);
}

/* Tiles of fewer samples where there would be too few blocks, or too little shared memory. */
static uint32_t block_height(const struct network *a)
{
	uint32_t y = GPU_BLOCK / a->x;

	while (y * a->x > FEWEST_THREADS &&
		(tiles_of(a, y) < ENOUGH_BLOCKS || shared_bytes(a, y) > NETWORK_SHARED))
		y /= 2;
	return y;
}

static uint32_t blocks_of(uint32_t tiles)
{
	return tiles < NETWORK_BLOCKS ? tiles : (uint32_t)NETWORK_BLOCKS;
}

uint32_t network_partials(const struct network *a)
{
	return blocks_of(tiles_of(a, FEWEST_THREADS / a->x));
}

void network_backward_cuda(cudaStream_t stream, struct network *a, const struct update_rule *rule,
	struct step_state *state)
{
	dim3 block(a->x, block_height(a));

	a->tiles = tiles_of(a, block.y);
	a->blocks = blocks_of(a->tiles);
	LAUNCH(network_backward_kernel, a->blocks + (state ? 1 : 0), block,
		shared_bytes(a, block.y), stream, *a, *rule, state);
	CHECK_LAUNCH();
}

void network_dense_cuda(cudaStream_t stream, const struct network *a, float l2,
	struct loss_total *total, const struct update_rule *rule, const struct step_state *state)
{
	LAUNCH(network_dense_kernel, gpu_blocks(a->dense.n, 32) + 1, dim3(32, REDUCE_Y), 0, stream,
		a->partial, a->loss_partial, a->blocks, a->batch, a->dense, a->bias, l2, total,
		*rule, state);
	CHECK_LAUNCH();
}
