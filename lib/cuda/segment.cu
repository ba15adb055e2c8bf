/*
 * segment: gradients of embedding rows, sums over the occurrences of an id in the batch.
 *   gmf_user[u]  sum over its samples s of dlogit[s] x head x gmf_item[item[s]]; gmf_item likewise
 *   mlp tables   sum over its samples s of dx[s]
 *   all          + l2 x row x occurrences
 * The ids are sorted (sort.cu), so the occurrences of a row are a run of places. Two kernels, for
 * runs of any length. The first sums the aligned chunks of SEGMENT_CHUNK places that lie within one
 * run; most runs have none. In the second a group of threads has a run: it adds the places before
 * its first chunk, its chunks in order and the places after them, and then writes the gradient or
 * updates the row. A run of more than LONG_RUN chunks, a popular item, is shared by all groups of a
 * block.
 */
#include "cuda/parts.h"

/* Places, or chunks, whose loads are under way at the same time; chunks of a run for one group. */
enum { IN_FLIGHT = 4, LONG_RUN = 32 };

/* What becomes of the gradient of a row: it is written; it moves the row; it moves the row, as the
   lack of one moves the others. */
enum purpose { WRITE, MOVE, MOVE_ALL };

struct segments {
	struct segment table[MAX_TABLES];
	struct update_table to[MAX_TABLES]; /* but to WRITE */
	uint32_t vector[MAX_TABLES];	    /* gpu_vector */
};

/* Places head to end of a row. Its addends: `before` places, `chunks` whole chunks from number `first`
   on, and the places after them. */
struct run {
	uint32_t row, head, end;
	uint32_t before, first, chunks;
};

/* Columns k.. of the gradient of occurrence o, of products or terms. */
template <int V>
static __device__ __forceinline__ floats_of<V> sum_terms(
	const struct segment *a, uint32_t o, uint32_t k)
{
	floats_of<V> sum = {};

#pragma unroll 1
	for (uint32_t t = 0; t < a->terms; t++) {
		uint32_t s = o + t * a->batch;
		float d = 1;
		const float *from = a->dx + (size_t)s * a->stride + k;

		if (!a->dx) {
			uint32_t other = a->other_id[s < a->other_mod ? s : s % a->other_mod];

			d = a->dlogit[s];
			from = a->other + (size_t)other * a->cols + k;
		}
		floats_of<V> v = vector_at<V>(from);
		for (int i = 0; i < V; i++)
			sum.at[i] += d * (a->head ? a->head[k + i] : 1.0f) * v.at[i];
	}
	return sum;
}

/* The same; TERMS: it may be that, else it is a row of dx. */
template <int V, bool TERMS>
static __device__ __forceinline__ floats_of<V> occurrence(
	const struct segment *a, uint32_t o, uint32_t k)
{
	if constexpr (TERMS)
		return sum_terms<V>(a, o, k);
	else
		return vector_at<V>(a->dx + (size_t)o * a->stride + k);
}

template <int V> static __device__ __forceinline__ void sum_chunk(const struct segment *a)
{
	uint32_t chunk = thread_row(), begin = chunk * SEGMENT_CHUNK;

	if (chunk >= a->n / SEGMENT_CHUNK || a->key[begin] != a->key[begin + SEGMENT_CHUNK - 1])
		return;
	for (uint32_t k = threadIdx.x * V; k < a->cols; k += blockDim.x * V) {
		floats_of<V> own[SEGMENT_CHUNK], sum = {};

#pragma unroll
		for (uint32_t i = 0; i < SEGMENT_CHUNK; i++)
			own[i] = occurrence<V, true>(a, a->position[begin + i], k);
#pragma unroll
		for (uint32_t i = 0; i < SEGMENT_CHUNK; i++)
			for (int v = 0; v < V; v++)
				sum.at[v] += own[i].at[v];
		vector_put<V>(a->chunk + (size_t)chunk * a->cols + k, sum);
	}
}

__global__ void __launch_bounds__(GPU_BLOCK) segment_chunk_kernel(struct segments all)
{
	const struct segment *a = &all.table[blockIdx.y];

	if (all.vector[blockIdx.y] == 4)
		sum_chunk<4>(a);
	else if (all.vector[blockIdx.y] == 2)
		sum_chunk<2>(a);
	else
		sum_chunk<1>(a);
}

/* The place after the run of place `from`. */
static __device__ __forceinline__ uint32_t run_end(const struct segment *a, uint32_t from)
{
	uint32_t low = from + 1, high = a->n, step = SEGMENT_CHUNK, id = a->key[from];

	if (low == high || a->key[low] != id)
		return low;
	while (step < high - low && a->key[low + step] == id) {
		low += step + 1;
		step *= 2;
	}
	high = min(high, low + step);
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (a->key[middle] == id)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* What follows from the head of a run. */
static __device__ __forceinline__ void find_addends(const struct segment *a, struct run *r)
{
	r->end = r->head < a->n ? run_end(a, r->head) : r->head;
	r->first = (r->head + SEGMENT_CHUNK - 1) / SEGMENT_CHUNK;
	r->before = min(r->first * SEGMENT_CHUNK, r->end) - r->head;
	r->chunks = max(r->end / SEGMENT_CHUNK, r->first) - r->first;
}

/* The run of this group of threads, to MOVE_ALL: of its row of the table; false: it has none. */
static __device__ __forceinline__ bool own_run(
	const struct segment *a, const struct update_table *to, enum purpose purpose, struct run *r)
{
	uint32_t t = thread_row();

	if (purpose == MOVE_ALL) {
		if (t >= to->rows)
			return false;
		r->row = t;
		r->head = find_row(to, t);
	} else {
		if (t >= a->n || (t && a->key[t - 1] == a->key[t]))
			return false;
		r->row = a->key[t];
		r->head = t;
	}
	find_addends(a, r);
	return true;
}

/* Columns k.. of addend t of a run. */
template <int V, bool TERMS>
static __device__ __forceinline__ floats_of<V> addend(
	const struct segment *a, const struct run *r, uint32_t t, uint32_t k)
{
	uint32_t chunk = t - r->before, place = r->head + t;

	if (chunk < r->chunks)
		return vector_at<V>(a->chunk + (size_t)(r->first + chunk) * a->cols + k);
	if (t >= r->before)
		place += r->chunks * (SEGMENT_CHUNK - 1);
	return occurrence<V, TERMS>(a, a->position[place], k);
}

/* Columns k.. of the sum of the addends t, t + step, ... of a run, in their order. */
template <int V, bool TERMS>
static __device__ __forceinline__ floats_of<V> sum_run(
	const struct segment *a, const struct run *r, uint32_t t, uint32_t step, uint32_t k)
{
	uint32_t total = r->end - r->head - r->chunks * (SEGMENT_CHUNK - 1);
	floats_of<V> sum = {};

	for (; t < total; t += IN_FLIGHT * step) {
		floats_of<V> own[IN_FLIGHT];

#pragma unroll
		for (uint32_t i = 0; i < IN_FLIGHT; i++)
			if (t + i * step < total)
				own[i] = addend<V, TERMS>(a, r, t + i * step, k);
#pragma unroll
		for (uint32_t i = 0; i < IN_FLIGHT; i++)
			for (int v = 0; v < V && t + i * step < total; v++)
				sum.at[v] += own[i].at[v];
	}
	return sum;
}

/* The weights of columns k.. of a row that moves; of one that does not, what l2 needs. */
template <int V, int PURPOSE>
static __device__ __forceinline__ weights<V> row_weights(const struct segment *a,
	const struct update_table *to, const struct run *r, uint32_t k,
	const struct update_rule *rule)
{
	size_t at = (size_t)r->row * a->cols + k;
	weights<V> w = {};

	if (PURPOSE != WRITE)
		return weights_at<V>(to->value, to->moment1, to->moment2, at, rule);
	if (a->l2 != 0)
		w.value = vector_at<V>(a->value + at);
	return w;
}

template <int V, int PURPOSE>
static __device__ __forceinline__ void end_row(const struct segment *a,
	const struct update_table *to, const struct run *r, uint32_t k, weights<V> w,
	floats_of<V> sum, const struct update_rule *rule, const struct step_state *state)
{
	float l2 = a->l2 * (float)(r->end - r->head);

	for (int i = 0; i < V && l2 != 0; i++)
		sum.at[i] += l2 * w.value.at[i];
	if (PURPOSE == WRITE)
		vector_put<V>(a->drow + (size_t)r->head * a->cols + k, sum);
	else
		move_weights<V>(to->value, to->moment1, to->moment2, (size_t)r->row * a->cols + k,
			w, sum, rule, state);
}

/* The heads of a block's long runs, by row of threads. */
static __device__ __forceinline__ uint32_t *shared_runs(void)
{
	__shared__ uint32_t heads[GPU_BLOCK];

	return heads;
}

/* All threads of a block have one run. */
template <int V, int PURPOSE>
static __device__ __forceinline__ void long_run(const struct segment *a,
	const struct update_table *to, const struct run *r, const struct update_rule *rule,
	const struct step_state *state)
{
	floats_of<V> *sums = (floats_of<V> *)shared_vectors() + threadIdx.x;

	for (uint32_t base = 0; base < a->cols; base += blockDim.x * V) {
		uint32_t k = base + threadIdx.x * V;
		floats_of<V> sum = {};

		if (k < a->cols)
			sum = sum_run<V, PURPOSE == WRITE>(a, r, threadIdx.y, blockDim.y, k);
		sums[threadIdx.y * blockDim.x] = sum;
		__syncthreads();
		for (uint32_t y = 1; y < blockDim.y && !threadIdx.y; y++)
			for (int v = 0; v < V; v++)
				sum.at[v] += sums[y * blockDim.x].at[v];
		if (!threadIdx.y && k < a->cols)
			end_row<V, PURPOSE>(a, to, r, k, row_weights<V, PURPOSE>(a, to, r, k, rule),
				sum, rule, state);
		__syncthreads(); // before the next columns replace these sums
	}
}

template <int V, int PURPOSE>
static __device__ __forceinline__ void rows_of_block(const struct segment *a,
	const struct update_table *to, const struct update_rule *rule,
	const struct step_state *state)
{
	uint32_t *head = shared_runs();
	struct run r = {};
	bool has = own_run(a, to, (enum purpose)PURPOSE, &r), is_long = r.chunks > LONG_RUN;

	for (uint32_t k = threadIdx.x * V; k < a->cols && has && !is_long; k += blockDim.x * V) {
		weights<V> w = row_weights<V, PURPOSE>(a, to, &r, k, rule);

		end_row<V, PURPOSE>(
			a, to, &r, k, w, sum_run<V, PURPOSE == WRITE>(a, &r, 0, 1, k), rule, state);
	}
	if (!__syncthreads_or(is_long))
		return;
	if (!threadIdx.x)
		head[threadIdx.y] = is_long ? r.head : a->n;
	__syncthreads();
	for (uint32_t y = 0; y < blockDim.y; y++) {
		r.head = head[y];
		if (r.head == a->n)
			continue;
		r.row = a->key[r.head];
		find_addends(a, &r);
		long_run<V, PURPOSE>(a, to, &r, rule, state);
	}
}

/* For more blocks at a time ptxas would spill. */
template <int PURPOSE>
__global__ void __launch_bounds__(GPU_BLOCK, 3) segment_rows_kernel(
	struct segments all, struct update_rule rule, const struct step_state *__restrict__ state)
{
	const struct segment *a = &all.table[blockIdx.y];
	const struct update_table *to = &all.to[blockIdx.y];

	if (all.vector[blockIdx.y] == 4)
		rows_of_block<4, PURPOSE>(a, to, &rule, state);
	else if (all.vector[blockIdx.y] == 2)
		rows_of_block<2, PURPOSE>(a, to, &rule, state);
	else
		rows_of_block<1, PURPOSE>(a, to, &rule, state);
}

/* Tables for the launches of both kernels. */
struct launch {
	struct segments all;
	uint32_t n, rows; /* most occurrences; most rows of a table to move */
	dim3 block;
};

static struct launch launch_of(const struct segment *a, const struct update_table *to, unsigned num)
{
	struct launch l;
	uint32_t widest = 1;

	memset(&l.all, 0, sizeof(l.all));
	l.n = l.rows = 0;
	for (unsigned i = 0; i < num; i++) {
		uint32_t vector = gpu_vector(a[i].cols, a[i].stride), width = a[i].cols / vector;

		l.all.table[i] = a[i];
		if (to)
			l.all.to[i] = to[i];
		l.all.vector[i] = vector;
		l.n = a[i].n > l.n ? a[i].n : l.n;
		l.rows = to && to[i].rows > l.rows ? to[i].rows : l.rows;
		widest = width > widest ? width : widest;
	}
	l.block = gpu_row_block(widest);
	return l;
}

static void sum_chunks(cudaStream_t stream, const struct launch *l, unsigned num)
{
	unsigned blocks = gpu_blocks(l->n / SEGMENT_CHUNK, l->block.y);

	if (!blocks)
		return;
	LAUNCH(segment_chunk_kernel, dim3(blocks, num), l->block, 0, stream, l->all);
	CHECK_LAUNCH();
}

void segment_sum_cuda(cudaStream_t stream, const struct segment *a, unsigned num)
{
	const struct launch l = launch_of(a, NULL, num);
	const struct update_rule none = {};
	const struct step_state *no_state = NULL;

	sum_chunks(stream, &l, num);
	LAUNCH(segment_rows_kernel<WRITE>, dim3(gpu_blocks(l.n, l.block.y), num), l.block, 0,
		stream, l.all, none, no_state);
	CHECK_LAUNCH();
}

void segment_update_cuda(cudaStream_t stream, const struct segment *a,
	const struct update_table *to, unsigned num, bool all_rows, const struct update_rule *rule,
	const struct step_state *state)
{
	const struct launch l = launch_of(a, to, num);

	sum_chunks(stream, &l, num);
	if (all_rows)
		LAUNCH(segment_rows_kernel<MOVE_ALL>, dim3(gpu_blocks(l.rows, l.block.y), num),
			l.block, 0, stream, l.all, *rule, state);
	else
		LAUNCH(segment_rows_kernel<MOVE>, dim3(gpu_blocks(l.n, l.block.y), num), l.block, 0,
			stream, l.all, *rule, state);
	CHECK_LAUNCH();
}
