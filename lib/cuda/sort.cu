/*
 * sort: the ids of a batch in ascending order with the places they came from, so that the
 * occurrences of an embedding row lie side by side and are always added in the same order.
 *   id (n), below `bound`:  key (n) ascending, position (n): id[position[j]] == key[j]; equal keys
 *   keep their order (stable)
 * Least significant digit first, 8 bits per pass (ceil(log2(bound) / 8) passes). A pass counts the
 * digits of each tile, adds the counts up (digit by digit, tile by tile) to first places, and moves
 * the keys. Within a tile each warp has its own stretch of keys; lanes that hold the same digit
 * find each other with a match. Counts are integers, so no order of addition matters. A single tile
 * (up to 2 k ids) is sorted by one block in one launch.
 */
#include "cuda/ops.h"

enum { DIGITS = 256, WARPS = GPU_BLOCK / 32, SORT_TILE = 2048, WARP_KEYS = SORT_TILE / WARPS };

/* A pass reads `key` and `position` (NULL: 0, 1, 2, ...) and writes the other two. */
struct sort_pass {
	const uint32_t *key, *position;
	uint32_t *key_out, *position_out;
	uint32_t n, shift;
};

static __device__ __forceinline__ uint32_t digit_of(uint32_t key, uint32_t shift)
{
	return key >> shift & (DIGITS - 1);
}

/* place[warp][digit] = number of keys with that digit in the warp's stretch of the tile; ends with
   a barrier. */
static __device__ void tile_count(
	const struct sort_pass *a, uint32_t tile, uint32_t (*place)[DIGITS])
{
	uint32_t warp = threadIdx.x / 32, lane = threadIdx.x % 32;
	uint32_t begin = tile * SORT_TILE + warp * WARP_KEYS;

	for (uint32_t d = threadIdx.x; d < WARPS * DIGITS; d += blockDim.x)
		place[d / DIGITS][d % DIGITS] = 0;
	__syncthreads();
	for (uint32_t i = begin + lane; i < begin + WARP_KEYS && i < a->n; i += 32)
		atomicAdd(&place[warp][digit_of(a->key[i], a->shift)], 1u);
	__syncthreads();
}

/* Given first[digit], where the tile's keys of that digit go, turn the counts place[warp][digit]
   into where the warp's keys go. */
static __device__ void tile_places(
	const uint32_t *first, uint32_t stride, uint32_t (*place)[DIGITS])
{
	for (uint32_t d = threadIdx.x; d < DIGITS; d += blockDim.x) {
		uint32_t next = first[(size_t)d * stride];

		for (uint32_t w = 0; w < WARPS; w++) {
			uint32_t count = place[w][d];

			place[w][d] = next;
			next += count;
		}
	}
	__syncthreads();
}

/* Move the tile's keys to their places. */
static __device__ void tile_move(
	const struct sort_pass *a, uint32_t tile, uint32_t (*place)[DIGITS])
{
	uint32_t warp = threadIdx.x / 32, lane = threadIdx.x % 32;
	uint32_t begin = tile * SORT_TILE + warp * WARP_KEYS;

	for (uint32_t base = begin; base < begin + WARP_KEYS && base < a->n; base += 32) {
		uint32_t i = base + lane, key = i < a->n ? a->key[i] : 0;
		uint32_t d = i < a->n ? digit_of(key, a->shift)
				      : (uint32_t)DIGITS; // lanes past the end match each other
		unsigned same = __match_any_sync(FULL_WARP, d);
		uint32_t before = (uint32_t)__popc(same & ((1u << lane) - 1));

		if (i < a->n) {
			uint32_t to = place[warp][d] + before;

			a->key_out[to] = key;
			a->position_out[to] = a->position ? a->position[i] : i;
		}
		__syncwarp();
		if (i < a->n && !before)
			place[warp][d] += (uint32_t)__popc(same);
		__syncwarp();
	}
}

/* count (DIGITS, tiles) */
__global__ void __launch_bounds__(GPU_BLOCK)
	sort_count_kernel(struct sort_pass a, uint32_t *__restrict__ count)
{
	__shared__ uint32_t place[WARPS][DIGITS];

	tile_count(&a, blockIdx.x, place);
	for (uint32_t d = threadIdx.x; d < DIGITS; d += blockDim.x) {
		uint32_t sum = 0;

		for (uint32_t w = 0; w < WARPS; w++)
			sum += place[w][d];
		count[(size_t)d * gridDim.x + blockIdx.x] = sum;
	}
}

/* count[i] becomes the sum of count[0..i); one block. */
static __device__ void exclusive_scan(uint32_t *count, uint32_t n)
{
	__shared__ uint32_t sums[GPU_BLOCK];
	uint32_t each = (n + blockDim.x - 1) / blockDim.x;
	uint32_t begin = min(n, threadIdx.x * each), end = min(n, begin + each), sum = 0;

	for (uint32_t i = begin; i < end; i++)
		sum += count[i];
	sums[threadIdx.x] = sum;
	__syncthreads();
	for (uint32_t d = 1; d < blockDim.x; d *= 2) {
		uint32_t add = threadIdx.x >= d ? sums[threadIdx.x - d] : 0;

		__syncthreads();
		sums[threadIdx.x] += add;
		__syncthreads();
	}
	sum = sums[threadIdx.x] - sum;
	for (uint32_t i = begin; i < end; i++) {
		uint32_t own = count[i];

		count[i] = sum;
		sum += own;
	}
	__syncthreads();
}

__global__ void __launch_bounds__(GPU_BLOCK) sort_scan_kernel(uint32_t *count, uint32_t n)
{
	exclusive_scan(count, n);
}

/* count: first places (DIGITS, tiles) */
__global__ void __launch_bounds__(GPU_BLOCK)
	sort_move_kernel(struct sort_pass a, const uint32_t *__restrict__ count)
{
	__shared__ uint32_t place[WARPS][DIGITS];

	tile_count(&a, blockIdx.x, place);
	tile_places(count + blockIdx.x, gridDim.x, place);
	tile_move(&a, blockIdx.x, place);
}

/* The first pass writes arrays 1, the second arrays 0, ... (Indexing them by `pass` would put them
   into local memory.) */
static __host__ __device__ __forceinline__ struct sort_pass pass_of(
	const struct sorter *s, const uint32_t *id, uint32_t n, uint32_t pass)
{
	bool odd = pass & 1;
	struct sort_pass a;

	a.key = !pass ? id : odd ? s->key[1] : s->key[0];
	a.position = !pass ? NULL : odd ? s->position[1] : s->position[0];
	a.key_out = odd ? s->key[0] : s->key[1];
	a.position_out = odd ? s->position[0] : s->position[1];
	a.n = n;
	a.shift = pass * 8;
	return a;
}

/* All passes over a single tile. */
__global__ void __launch_bounds__(GPU_BLOCK)
	sort_tile_kernel(const uint32_t *id, struct sorter sorter, uint32_t n, uint32_t passes)
{
	__shared__ uint32_t place[WARPS][DIGITS], first[DIGITS];

	for (uint32_t pass = 0; pass < passes; pass++) {
		struct sort_pass a = pass_of(&sorter, id, n, pass);

		tile_count(&a, 0, place);
		for (uint32_t d = threadIdx.x; d < DIGITS; d += blockDim.x) {
			first[d] = 0;
			for (uint32_t w = 0; w < WARPS; w++)
				first[d] += place[w][d];
		}
		__syncthreads();
		exclusive_scan(first, DIGITS);
		tile_places(first, 1, place);
		tile_move(&a, 0, place);
		__syncthreads();
	}
}

/* slot[id] = the first place of id */
__global__ void sort_slot_kernel(
	const uint32_t *__restrict__ key, uint32_t n, uint32_t *__restrict__ slot)
{
	uint32_t j = blockIdx.x * blockDim.x + threadIdx.x;

	if (j < n && (!j || key[j - 1] != key[j]))
		slot[key[j]] = j;
}

static uint32_t sort_passes(uint32_t bound)
{
	uint32_t passes = 1;

	while (passes < 4 && (bound - 1) >> (8 * passes))
		passes++;
	return passes;
}

unsigned sort_result(uint32_t bound)
{
	return sort_passes(bound) & 1;
}

size_t sort_counts(uint32_t n)
{
	return (size_t)DIGITS * gpu_blocks(n, SORT_TILE);
}

void sort_slots_cuda(cudaStream_t stream, const uint32_t *key, uint32_t n, uint32_t *slot)
{
	LAUNCH(sort_slot_kernel, gpu_blocks(n, GPU_BLOCK), GPU_BLOCK, 0, stream, key, n, slot);
	CHECK_LAUNCH();
}

void sort_ids_cuda(cudaStream_t stream, const struct sorter *s, const uint32_t *id, uint32_t n,
	uint32_t bound, uint32_t *slot)
{
	uint32_t passes = sort_passes(bound), tiles = gpu_blocks(n, SORT_TILE);

	if (tiles == 1) {
		LAUNCH(sort_tile_kernel, 1, GPU_BLOCK, 0, stream, id, *s, n, passes);
		CHECK_LAUNCH();
	}
	for (uint32_t pass = 0; tiles > 1 && pass < passes; pass++) {
		struct sort_pass a = pass_of(s, id, n, pass);

		LAUNCH(sort_count_kernel, tiles, GPU_BLOCK, 0, stream, a, s->count);
		CHECK_LAUNCH();
		LAUNCH(sort_scan_kernel, 1, GPU_BLOCK, 0, stream, s->count, DIGITS * tiles);
		CHECK_LAUNCH();
		LAUNCH(sort_move_kernel, tiles, GPU_BLOCK, 0, stream, a, s->count);
		CHECK_LAUNCH();
	}
	sort_slots_cuda(stream, s->key[passes & 1], n, slot);
}
