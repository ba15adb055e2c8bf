/*
 * sort: the ids of a batch in ascending order with the places they came from, so that the
 * occurrences of an embedding row lie side by side and are always added in the same order.
 *   id (n), of a side below `bound`:  key (n) ascending, position (n): id[position[j]] == key[j];
 *   equal keys keep their order (stable)
 * Up to SORT_COUNTED ids of a side are put in order by one kernel for both sides: the place of an
 * id is the number of those that come before it, smaller ones, and equal ones that stood earlier.
 * These are n^2 comparisons, but none waits for another: the whole device does them in the time of
 * one launch, where a sort by digits is a chain of barriers on one multiprocessor.
 * Larger batches go through CUB's sort, users and items together, with keys that count items after
 * all users. A stable sort has one result, so neither way, nor a version of CUB, changes a bit of a
 * model.
 */
#include "cuda/ops.h"

#include <cub/device/device_radix_sort.cuh>

/* ---- up to SORT_COUNTED ids of a side ---- */

/* Ids of a block, one for each lane of its warps, which share the comparisons; ids read at once. */
enum { LANES = 32, WARPS = GPU_BLOCK / LANES, TOGETHER = 4 };
static const uint32_t NO_ID = (1u << SORT_ID_BITS) - 1;

struct alignas(TOGETHER * sizeof(uint32_t)) ids_together {
	uint32_t at[TOGETHER];
};

/* ids (n) = id, and up to the next multiple of LANES numbers that no id is above */
static __device__ __forceinline__ void load_ids(
	const uint32_t *__restrict__ id, uint32_t n, uint32_t *ids)
{
	uint32_t thread = threadIdx.y * LANES + threadIdx.x;

#pragma unroll 4
	for (uint32_t j = thread; j < (n + LANES - 1) / LANES * LANES; j += GPU_BLOCK)
		ids[j] = j < n ? id[j] : NO_ID;
}

/* Of this warp's share of the ids (n), those that stand before number `first` and are no greater
   than `own`, and the later ones that are less: by the sign of a difference, since all are below
   2^31. */
static __device__ __forceinline__ uint32_t count_before(
	const uint32_t *ids, uint32_t n, uint32_t first, uint32_t own)
{
	uint32_t before = 0;

#pragma unroll 4
	for (uint32_t j = threadIdx.y * TOGETHER; j < n; j += WARPS * TOGETHER) {
		ids_together v = *(const ids_together *)(ids + j);
		uint32_t limit = own + (j < first ? 1 : 0);

		for (uint32_t k = 0; k < TOGETHER; k++)
			before += (v.at[k] - limit) >> 31;
	}
	return before;
}

/* Of this warp's share of the ids before number `end`, those equal to `own`. */
static __device__ __forceinline__ uint32_t count_equal(
	const uint32_t *ids, uint32_t end, uint32_t own)
{
	uint32_t equal = 0;

	for (uint32_t j = threadIdx.y; j < end; j += WARPS)
		equal += ids[j] == own;
	return equal;
}

/* The sum of v over the warps, in those of number 0 only. */
static __device__ __forceinline__ uint32_t sum_of_warps(uint32_t v, uint32_t (*sums)[LANES])
{
	sums[threadIdx.y][threadIdx.x] = v;
	__syncthreads();
	for (uint32_t w = 1; w < WARPS && !threadIdx.y; w++)
		v += sums[w][threadIdx.x];
	return v;
}

/* Blocks from number user_blocks on are of the items. */
__global__ void __launch_bounds__(GPU_BLOCK) sort_count_kernel(const uint32_t *__restrict__ id,
	struct sorted users, struct sorted items, uint32_t user_blocks)
{
	alignas(16) __shared__ uint32_t ids[SORT_COUNTED];
	__shared__ uint32_t sums[2][WARPS][LANES];
	bool item = blockIdx.x >= user_blocks;
	struct sorted to = item ? items : users;
	uint32_t first = (blockIdx.x - (item ? user_blocks : 0)) * LANES;
	uint32_t i = first + threadIdx.x;

	load_ids(id + (item ? users.n : 0), to.n, ids);
	__syncthreads();
	uint32_t own = ids[i], equal = 0;
	unsigned same = __match_any_sync(FULL_WARP, own) & ((1u << threadIdx.x) - 1);
	uint32_t in_block = threadIdx.y ? 0 : (uint32_t)__popc(same);
	uint32_t place = sum_of_warps(count_before(ids, to.n, first, own) + in_block, sums[0]);
	if (to.slot)
		equal = sum_of_warps(count_equal(ids, first, own) + in_block, sums[1]);
	if (threadIdx.y || i >= to.n)
		return;
	to.key[place] = own;
	to.position[place] = i;
	if (to.slot && !equal)
		to.slot[own] = place;
}

bool sort_is_counted(uint32_t users, uint32_t items)
{
	return users <= SORT_COUNTED && items <= SORT_COUNTED;
}

static void sort_by_counts(cudaStream_t stream, const uint32_t *id, const struct sorted *users,
	const struct sorted *items)
{
	uint32_t user_blocks = gpu_blocks(users->n, LANES);

	LAUNCH(sort_count_kernel, user_blocks + gpu_blocks(items->n, LANES), dim3(LANES, WARPS), 0,
		stream, id, *users, *items, user_blocks);
	CHECK_LAUNCH();
}

/* ---- more of them ---- */

/* Bits of the keys of both sides. */
static int key_bits(const uint32_t *bound)
{
	uint32_t most = bound[SIDE_USER] + bound[SIDE_ITEM] - 1;
	int bits = 0;

	while (bits <= SORT_ID_BITS && most >> bits)
		bits++;
	return bits;
}

size_t sort_scratch(uint32_t n, const uint32_t *bound)
{
	size_t size = 0;
	const uint32_t *in = NULL;
	uint32_t *out = NULL;

	CUDA(cub::DeviceRadixSort::SortPairs(
		NULL, size, in, out, in, out, n, 0, key_bits(bound), (cudaStream_t)0));
	return size;
}

/* place[i] = i */
__global__ void places_kernel(uint32_t *place, uint32_t n)
{
	uint32_t i = blockIdx.x * blockDim.x + threadIdx.x;

	if (i < n)
		place[i] = i;
}

void sort_places_cuda(cudaStream_t stream, uint32_t *place, uint32_t n)
{
	LAUNCH(places_kernel, gpu_blocks(n, GPU_BLOCK), GPU_BLOCK, 0, stream, place, n);
	CHECK_LAUNCH();
}

/* marked[i] = id[i], with `mark` added to those of the items */
__global__ void sort_mark_kernel(const uint32_t *__restrict__ id, uint32_t users, uint32_t n,
	uint32_t mark, uint32_t *__restrict__ marked)
{
	uint32_t i = blockIdx.x * blockDim.x + threadIdx.x;

	if (i < n)
		marked[i] = id[i] + (i < users ? 0 : mark);
}

/* The sorted ids of both sides, marked, become the keys of each; slot[id] = the first place of id.
   Places of items count from the first item. */
__global__ void sort_split_kernel(const uint32_t *__restrict__ marked, uint32_t n, uint32_t mark,
	struct sorted users, struct sorted items)
{
	uint32_t i = blockIdx.x * blockDim.x + threadIdx.x;

	if (i >= n)
		return;
	bool item = i >= users.n;
	uint32_t j = item ? i - users.n : i, id = marked[i] - (item ? mark : 0);
	uint32_t *slot = item ? items.slot : users.slot;
	(item ? items.key : users.key)[j] = id;
	if (item)
		items.position[j] -= users.n;
	if (slot && (!j || marked[i - 1] != marked[i]))
		slot[id] = j;
}

/* slot[id] = the first place of id */
__global__ void sort_slot_kernel(
	const uint32_t *__restrict__ key, uint32_t n, uint32_t *__restrict__ slot)
{
	uint32_t j = blockIdx.x * blockDim.x + threadIdx.x;

	if (j < n && (!j || key[j - 1] != key[j]))
		slot[key[j]] = j;
}

void sort_slots_cuda(cudaStream_t stream, const uint32_t *key, uint32_t n, uint32_t *slot)
{
	LAUNCH(sort_slot_kernel, gpu_blocks(n, GPU_BLOCK), GPU_BLOCK, 0, stream, key, n, slot);
	CHECK_LAUNCH();
}

void sort_ids_cuda(cudaStream_t stream, const struct sorter *s, const uint32_t *id,
	const struct sorted *users, const struct sorted *items)
{
	size_t size = s->scratch_size;
	uint32_t n = users->n + items->n, mark = s->bound[SIDE_USER];

	if (sort_is_counted(users->n, items->n)) {
		sort_by_counts(stream, id, users, items);
		return;
	}
	LAUNCH(sort_mark_kernel, gpu_blocks(n, GPU_BLOCK), GPU_BLOCK, 0, stream, id, users->n, n,
		mark, s->marked);
	CHECK_LAUNCH();
	CUDA(cub::DeviceRadixSort::SortPairs(s->scratch, size, s->marked, s->sorted, s->place,
		users->position, n, 0, key_bits(s->bound), stream));
	LAUNCH(sort_split_kernel, gpu_blocks(n, GPU_BLOCK), GPU_BLOCK, 0, stream, s->sorted, n,
		mark, *users, *items);
	CHECK_LAUNCH();
}
