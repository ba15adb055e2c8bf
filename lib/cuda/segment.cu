/*
 * segment: gradients of embedding rows, sums over the occurrences of an id in the batch.
 *   gmf_user[u]  sum over its samples s of dlogit[s] x head x gmf_item[item[s]]; gmf_item likewise
 *   mlp tables   sum over its samples s of dx[s]
 *   all          + l2 x row x occurrences
 * The ids are sorted (sort.cu), so the occurrences of a row are a run of places. Two stages, for
 * runs of any length. A thread adds a vector of columns over SEGMENT_CHUNK places. A run within a
 * chunk is then complete; the sum that a chunk adds to a run from earlier chunks is its carry_in,
 * the sum of a run that goes on into later chunks its carry_out. A second kernel has a warp for each
 * run that crosses chunks, which adds its carry_out and the carry_ins in order. A run of more than
 * LONG_RUN chunks, a popular item, is shared by the warps of a block.
 */
#include "cuda/ops.h"

/* Places whose loads are under way at the same time; chunks of a run for one warp; warps. */
enum { IN_FLIGHT = 4, LONG_RUN = 32, WARPS = GPU_BLOCK / 32 };

struct segments {
	struct segment table[MAX_TABLES];
};

/* Columns k.. of the gradient of occurrence o. */
template <int V>
static __device__ __forceinline__ floats_of<V> occurrence(
	const struct segment *a, uint32_t o, uint32_t k)
{
	floats_of<V> sum = {};

	for (uint32_t t = 0; t < a->terms; t++) {
		uint32_t s = o + t * a->batch;

		if (a->dx) {
			floats_of<V> v = vector_at<V>(a->dx + (size_t)s * a->stride + k);

			for (int i = 0; i < V; i++)
				sum.at[i] += v.at[i];
		} else {
			uint32_t other = a->other_id[s < a->other_mod ? s : s % a->other_mod];
			float d = a->dlogit[s];
			floats_of<V> v = vector_at<V>(a->other + (size_t)other * a->cols + k);

			for (int i = 0; i < V; i++)
				sum.at[i] += d * (a->head ? a->head[k + i] : 1.0f) * v.at[i];
		}
	}
	return sum;
}

/* Write the gradient of the row whose run begins at place `head` and has `count` occurrences. */
template <int V>
static __device__ __forceinline__ void write_row(
	const struct segment *a, uint32_t head, uint32_t count, uint32_t k, floats_of<V> sum)
{
	if (a->l2 != 0) {
		floats_of<V> v = vector_at<V>(a->value + (size_t)a->key[head] * a->cols + k);

		for (int i = 0; i < V; i++)
			sum.at[i] += a->l2 * (float)count * v.at[i];
	}
	vector_put<V>(a->drow + (size_t)head * a->cols + k, sum);
}

/* Does the run at place j go on at j + 1? */
static __device__ __forceinline__ bool goes_on(const struct segment *a, uint32_t j)
{
	return j + 1 < a->n && a->key[j + 1] == a->key[j];
}

/* Columns k.. of places begin to end, a chunk. */
template <int V>
static __device__ __forceinline__ void sum_chunk(
	const struct segment *a, uint32_t begin, uint32_t end, uint32_t k)
{
	bool carried = begin && goes_on(a, begin - 1);
	size_t at = (size_t)(begin / SEGMENT_CHUNK) * a->cols + k;
	uint32_t head = begin;
	floats_of<V> sum = {};

	for (uint32_t base = begin; base < end; base += IN_FLIGHT) {
		floats_of<V> own[IN_FLIGHT];

#pragma unroll
		for (uint32_t i = 0; i < IN_FLIGHT; i++)
			if (base + i < end)
				own[i] = occurrence<V>(a, a->position[base + i], k);
#pragma unroll
		for (uint32_t i = 0; i < IN_FLIGHT; i++) {
			uint32_t j = base + i;

			if (j >= end)
				break;
			bool more = goes_on(a, j);
			for (int v = 0; v < V; v++)
				sum.at[v] += own[i].at[v];
			if (more && j + 1 < end)
				continue;
			if (carried)
				vector_put<V>(a->carry_in + at, sum);
			else if (more)
				vector_put<V>(a->carry_out + at, sum);
			else
				write_row<V>(a, head, j + 1 - head, k, sum);
			carried = false;
			head = j + 1;
			sum = {};
		}
	}
}

template <int V> __global__ void segment_chunk_kernel(struct segments all)
{
	const struct segment *a = &all.table[blockIdx.y];
	uint32_t chunk = thread_row(), begin = chunk * SEGMENT_CHUNK;

	if (chunk >= segment_chunks(a->n))
		return;
	for (uint32_t k = threadIdx.x * V; k < a->cols; k += blockDim.x * V)
		sum_chunk<V>(a, begin, min(begin + SEGMENT_CHUNK, a->n), k);
}

/* The place after the run of place `from`. */
static __device__ __forceinline__ uint32_t run_end(const struct segment *a, uint32_t from)
{
	uint32_t low = from + 1, high = a->n, step = SEGMENT_CHUNK;

	while (step < high - low && a->key[low + step] == a->key[from]) {
		low += step + 1;
		step *= 2;
	}
	high = min(high, low + step);
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (a->key[middle] == a->key[from])
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* A run that begins in `chunk` and goes on after it: *head and *end. */
static __device__ __forceinline__ bool crossing_run(
	const struct segment *a, uint32_t chunk, uint32_t *head, uint32_t *end)
{
	uint32_t begin = chunk * SEGMENT_CHUNK, last = begin + SEGMENT_CHUNK - 1;

	if (chunk >= segment_chunks(a->n) || last >= a->n || !goes_on(a, last))
		return false;
	*head = last;
	while (*head > begin && a->key[*head - 1] == a->key[last])
		--*head;
	if (*head && a->key[*head - 1] == a->key[last])
		return false; // the run began in an earlier chunk
	*end = run_end(a, last);
	return true;
}

/* carry_in of column k, summed over chunks first, first + step, ... before `end`. */
static __device__ __forceinline__ float carried_in(
	const struct segment *a, uint32_t first, uint32_t end, uint32_t step, uint32_t k, float sum)
{
#pragma unroll 4
	for (uint32_t chunk = first; chunk < end; chunk += step)
		sum += a->carry_in[(size_t)chunk * a->cols + k];
	return sum;
}

/* All warps of a block add up one run of many chunks. */
static __device__ void join_long_run(const struct segment *a, uint32_t head, uint32_t end)
{
	__shared__ float sums[WARPS][32];
	uint32_t lane = threadIdx.x % 32, warp = threadIdx.x / 32, chunk = head / SEGMENT_CHUNK;

	for (uint32_t base = 0; base < a->cols; base += 32) {
		uint32_t k = base + lane;

		sums[warp][lane] = k < a->cols ? carried_in(a, chunk + 1 + warp,
							 segment_chunks(end), WARPS, k, 0)
					       : 0;
		__syncthreads();
		if (warp == 0 && k < a->cols) {
			floats_of<1> sum = { { a->carry_out[(size_t)chunk * a->cols + k] } };

			for (uint32_t w = 0; w < WARPS; w++)
				sum.at[0] += sums[w][lane];
			write_row<1>(a, head, end - head, k, sum);
		}
		__syncthreads(); // before the next columns replace these sums
	}
}

/* A warp per chunk, idle unless the chunk's last run begins in it and goes on. */
__global__ void __launch_bounds__(GPU_BLOCK) segment_join_kernel(struct segments all)
{
	__shared__ uint32_t long_head[WARPS], long_end[WARPS]; // of each warp; end 0: no long run
	const struct segment *a = &all.table[blockIdx.y];
	uint32_t lane = threadIdx.x % 32, warp = threadIdx.x / 32;
	uint32_t chunk = blockIdx.x * WARPS + warp, head = 0, end = 0;
	bool crosses = crossing_run(a, chunk, &head, &end);
	bool is_long = crosses && segment_chunks(end) - chunk > LONG_RUN;

	if (lane == 0) {
		long_head[warp] = head;
		long_end[warp] = is_long ? end : 0;
	}
	for (uint32_t k = lane; k < a->cols && crosses && !is_long; k += 32) {
		floats_of<1> sum = { { carried_in(a, chunk + 1, segment_chunks(end), 1, k,
			a->carry_out[(size_t)chunk * a->cols + k]) } };

		write_row<1>(a, head, end - head, k, sum);
	}
	__syncthreads();
	for (uint32_t w = 0; w < WARPS; w++)
		if (long_end[w])
			join_long_run(a, long_head[w], long_end[w]);
}

void segment_sum_cuda(cudaStream_t stream, const struct segment *a, unsigned num)
{
	struct segments all;
	uint32_t chunks = 0, widest = 0, vector = 4;

	memset(&all, 0, sizeof(all));
	for (unsigned i = 0; i < num; i++) {
		uint32_t own = gpu_vector(a[i].cols, a[i].stride);

		all.table[i] = a[i];
		chunks = segment_chunks(a[i].n) > chunks ? segment_chunks(a[i].n) : chunks;
		widest = a[i].cols > widest ? a[i].cols : widest;
		vector = own < vector ? own : vector;
	}
	dim3 block = gpu_row_block(widest / vector);
	LAUNCH_VECTOR(vector, segment_chunk_kernel, dim3(gpu_blocks(chunks, block.y), num), block,
		0, stream, all);
	LAUNCH(segment_join_kernel, dim3(gpu_blocks(chunks, WARPS), num), GPU_BLOCK, 0, stream,
		all);
	CHECK_LAUNCH();
}
