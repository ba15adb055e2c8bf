/*
 * segment: gradients of embedding rows, sums over the occurrences of an id in the batch.
 *   gmf_user[u]  sum over its samples s of dlogit[s] x head x gmf_item[item[s]]; gmf_item likewise
 *   mlp tables   sum over its samples s of dx[s]
 *   all          + l2 x row x occurrences
 * The ids are sorted (sort.cu), so the occurrences of a row are a run of places. Two stages, for
 * runs of any length. A thread adds one column of SEGMENT_CHUNK places. A run within a chunk is
 * then complete; the sum that a chunk adds to a run from earlier chunks is its carry_in, the sum of
 * a run that goes on into later chunks its carry_out. A second kernel follows each run that crosses
 * chunks and adds its carry_out and the carry_ins in order.
 */
#include "cuda/ops.h"

struct segments {
	struct segment table[MAX_TABLES];
};

/* Column k of the gradient of occurrence o. */
static __device__ __forceinline__ float occurrence(const struct segment *a, uint32_t o, uint32_t k)
{
	float sum = 0;

	for (uint32_t t = 0; t < a->terms; t++) {
		uint32_t s = o + t * a->batch;

		if (a->dx) {
			sum += a->dx[(size_t)s * a->stride + k];
		} else {
			uint32_t other = a->other_id[s % a->other_mod];

			sum += a->dlogit[s] * (a->head ? a->head[k] : 1.0f) *
			       a->other[(size_t)other * a->cols + k];
		}
	}
	return sum;
}

/* Write the gradient of the row whose run begins at place `head` and has `count` occurrences. */
static __device__ __forceinline__ void write_row(
	const struct segment *a, uint32_t head, uint32_t count, uint32_t k, float sum)
{
	if (a->l2 != 0)
		sum += a->l2 * (float)count * a->value[(size_t)a->key[head] * a->cols + k];
	a->drow[(size_t)head * a->cols + k] = sum;
}

/* Does the run at place j go on at j + 1? */
static __device__ __forceinline__ bool goes_on(const struct segment *a, uint32_t j)
{
	return j + 1 < a->n && a->key[j + 1] == a->key[j];
}

__global__ void segment_chunk_kernel(struct segments all)
{
	const struct segment *a = &all.table[blockIdx.y];
	uint32_t t = blockIdx.x * blockDim.x + threadIdx.x, chunk = t / a->cols, k = t % a->cols;
	uint32_t begin = chunk * SEGMENT_CHUNK, end = min(begin + SEGMENT_CHUNK, a->n),
		 head = begin;
	float sum = 0;

	if (begin >= a->n)
		return;
	bool carried = begin && goes_on(a, begin - 1);
	for (uint32_t j = begin; j < end; j++) {
		bool more = goes_on(a, j);

		sum += occurrence(a, a->position[j], k);
		if (more && j + 1 < end)
			continue;
		if (carried)
			a->carry_in[(size_t)chunk * a->cols + k] = sum;
		else if (more)
			a->carry_out[(size_t)chunk * a->cols + k] = sum;
		else
			write_row(a, head, j + 1 - head, k, sum);
		carried = false;
		head = j + 1;
		sum = 0;
	}
}

/* One thread per column of a chunk, idle unless the chunk's last run begins in it and goes on. */
__global__ void segment_join_kernel(struct segments all)
{
	const struct segment *a = &all.table[blockIdx.y];
	uint32_t t = blockIdx.x * blockDim.x + threadIdx.x, chunk = t / a->cols, k = t % a->cols;
	uint32_t begin = chunk * SEGMENT_CHUNK, end = begin + SEGMENT_CHUNK, head = end - 1;

	if (end >= a->n || !goes_on(a, end - 1))
		return;
	while (head > begin && a->key[head - 1] == a->key[head])
		head--;
	if (head && a->key[head - 1] == a->key[head])
		return; // the run began in an earlier chunk
	float sum = a->carry_out[(size_t)chunk * a->cols + k];
	uint32_t last = end - 1;
	while (goes_on(a, last)) {
		chunk++;
		sum += a->carry_in[(size_t)chunk * a->cols + k];
		last = min((chunk + 1) * SEGMENT_CHUNK, a->n) - 1;
		while (a->key[last] != a->key[head])
			last--;
	}
	write_row(a, head, last + 1 - head, k, sum);
}

void segment_sum_cuda(cudaStream_t stream, const struct segment *a, unsigned num)
{
	struct segments all;
	size_t most = 0;

	memset(&all, 0, sizeof(all));
	for (unsigned i = 0; i < num; i++) {
		size_t work = (size_t)segment_chunks(a[i].n) * a[i].cols;

		all.table[i] = a[i];
		most = work > most ? work : most;
	}
	LAUNCH(segment_chunk_kernel, dim3(gpu_blocks(most, GPU_BLOCK), num), GPU_BLOCK, 0, stream,
		all);
	CHECK_LAUNCH();
	LAUNCH(segment_join_kernel, dim3(gpu_blocks(most, GPU_BLOCK), num), GPU_BLOCK, 0, stream,
		all);
	CHECK_LAUNCH();
}
