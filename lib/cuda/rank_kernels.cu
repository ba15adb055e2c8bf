/*
 * rank_kernels: ranks a user's candidates as ranking.h defines it. score (rows, width), one block
 * per row.
 *   mask   bad[r] = first place whose score is not finite (width: none); then the removed become
 *          -inf
 *   count  for a place p: above = scores > score[p], ties = other equal ones, ties_before = those
 *          of them before p
 *   top    the k best, of equal ones the smaller place first: the k-th score is found from its top
 *          bits down, 8 per pass (a radix select), then the places are written in ascending order;
 *          the caller sorts these k
 */
#include "cuda/ops.h"

enum { DIGITS = 256, WARPS = GPU_BLOCK / 32 };

__global__ void __launch_bounds__(GPU_BLOCK) rank_mask_kernel(struct rank_rows a)
{
	__shared__ uint32_t bad;
	float *row = a.score + (size_t)blockIdx.x * a.width;

	if (threadIdx.x == 0)
		bad = a.width;
	__syncthreads();
	for (uint32_t i = threadIdx.x; i < a.width; i += blockDim.x)
		if (!isfinite(row[i]))
			atomicMin(&bad, i);
	__syncthreads();
	if (threadIdx.x == 0)
		a.bad[blockIdx.x] = bad;
	for (uint32_t i = a.removed_start[blockIdx.x] + threadIdx.x;
		i < a.removed_start[blockIdx.x + 1]; i += blockDim.x)
		row[a.removed[i]] = -INFINITY;
}

void rank_mask_cuda(cudaStream_t stream, const struct rank_rows *a)
{
	LAUNCH(rank_mask_kernel, a->rows, GPU_BLOCK, 0, stream, *a);
	CHECK_LAUNCH();
}

/* The sum of v over the block, in every thread. */
static __device__ uint32_t block_sum(uint32_t v)
{
	__shared__ uint32_t sums[WARPS];
	uint32_t sum = 0;

	for (int d = 16; d > 0; d >>= 1)
		v += __shfl_xor_sync(FULL_WARP, v, d);
	if (threadIdx.x % 32 == 0)
		sums[threadIdx.x / 32] = v;
	__syncthreads();
	for (uint32_t w = 0; w < WARPS; w++)
		sum += sums[w];
	__syncthreads();
	return sum;
}

__global__ void __launch_bounds__(GPU_BLOCK) rank_count_kernel(
	struct rank_rows a, const uint32_t *start, const uint32_t *place, struct rank_place *out)
{
	const float *row = a.score + (size_t)blockIdx.x * a.width;

	for (uint32_t p = start[blockIdx.x]; p < start[blockIdx.x + 1]; p++) {
		uint32_t at = place[p], above = 0, ties = 0, before = 0;
		float score = row[at];

		for (uint32_t i = threadIdx.x; i < a.width; i += blockDim.x) {
			above += row[i] > score;
			ties += row[i] == score && i != at;
			before += row[i] == score && i < at;
		}
		above = block_sum(above);
		ties = block_sum(ties);
		before = block_sum(before);
		if (threadIdx.x == 0) {
			out[p].above = above;
			out[p].ties = ties;
			out[p].ties_before = before;
		}
	}
}

void rank_count_cuda(cudaStream_t stream, const struct rank_rows *a, const uint32_t *start,
	const uint32_t *place, struct rank_place *out)
{
	LAUNCH(rank_count_kernel, a->rows, GPU_BLOCK, 0, stream, *a, start, place, out);
	CHECK_LAUNCH();
}

/* The bits of a score as a number with the same order; -0 is 0. */
static __device__ __forceinline__ uint32_t score_key(float score)
{
	uint32_t bits = __float_as_uint(score + 0.0f);

	return bits >> 31 ? ~bits : bits | 0x80000000u;
}

/* The key of the k-th best candidate (the lowest key if there are fewer); *equal: how many with
   exactly that key are among the k best. */
static __device__ uint32_t select_key(const float *row, uint32_t width, uint32_t k, uint32_t *equal)
{
	__shared__ uint32_t count[DIGITS], chosen, left;
	uint32_t key = 0, known = 0; // the digits found so far, and their mask

	for (int shift = 24; shift >= 0; shift -= 8) {
		for (uint32_t d = threadIdx.x; d < DIGITS; d += blockDim.x)
			count[d] = 0;
		__syncthreads();
		for (uint32_t i = threadIdx.x; i < width; i += blockDim.x) {
			uint32_t own = score_key(row[i]);

			if ((own & known) == key)
				atomicAdd(&count[own >> shift & (DIGITS - 1)], 1u);
		}
		__syncthreads();
		if (threadIdx.x == 0) {
			uint32_t d = DIGITS - 1, rest = known ? left : k;

			while (d && count[d] < rest)
				rest -= count[d--];
			chosen = d;
			left = rest;
		}
		__syncthreads();
		key |= chosen << shift;
		known |= (uint32_t)(DIGITS - 1) << shift;
	}
	*equal = left;
	__syncthreads();
	return key;
}

/* How many threads of the block before this one have the flag set; *total: how many in all. */
static __device__ uint32_t flags_before(bool flag, uint32_t *total)
{
	__shared__ uint32_t sums[WARPS];
	uint32_t lane = threadIdx.x % 32, warp = threadIdx.x / 32, before;
	unsigned ballot = __ballot_sync(FULL_WARP, flag);

	if (lane == 0)
		sums[warp] = (uint32_t)__popc(ballot);
	__syncthreads();
	before = (uint32_t)__popc(ballot & ((1u << lane) - 1));
	*total = 0;
	for (uint32_t w = 0; w < WARPS; w++) {
		before += w < warp ? sums[w] : 0;
		*total += sums[w];
	}
	__syncthreads();
	return before;
}

/* top, best (rows, k), num (rows) */
__global__ void __launch_bounds__(GPU_BLOCK)
	rank_top_kernel(struct rank_rows a, uint32_t k, uint32_t *top, float *best, uint32_t *num)
{
	const float *row = a.score + (size_t)blockIdx.x * a.width;
	uint32_t none = score_key(-INFINITY), equal, taken = 0, equal_seen = 0, total;
	uint32_t key = select_key(row, a.width, k, &equal);

	for (uint32_t begin = 0; begin < a.width; begin += blockDim.x) {
		uint32_t i = begin + threadIdx.x, own = i < a.width ? score_key(row[i]) : none;
		bool same = own == key && own > none;
		uint32_t nth = equal_seen + flags_before(same, &total);

		equal_seen += total;
		bool take = own > none && (own > key || (same && nth < equal));
		uint32_t to = taken + flags_before(take, &total);
		taken += total;
		if (take) {
			top[(size_t)blockIdx.x * k + to] = i;
			best[(size_t)blockIdx.x * k + to] = row[i];
		}
	}
	if (threadIdx.x == 0)
		num[blockIdx.x] = taken;
}

void rank_top_cuda(cudaStream_t stream, const struct rank_rows *a, uint32_t k, uint32_t *top,
	float *best, uint32_t *num)
{
	LAUNCH(rank_top_kernel, a->rows, GPU_BLOCK, 0, stream, *a, k, top, best, num);
	CHECK_LAUNCH();
}
