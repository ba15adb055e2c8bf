/*
 * sort: the ids of a batch in ascending order with the places they came from, so that the
 * occurrences of an embedding row lie side by side and are always added in the same order.
 *   id (n), of a side below `bound`:  key (n) ascending, position (n): id[position[j]] == key[j];
 *   equal keys keep their order (stable)
 * Users and items go through one sort, CUB's, with keys that count items after all users: 18 bits for
 * 138 k users and 27 k items, which CUB's one kernel sorts in 3 passes of 6. A stable sort has one
 * result, so no version of CUB changes a bit of a model.
 */
#include "cuda/ops.h"

#include <cub/device/device_radix_sort.cuh>

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

	LAUNCH(sort_mark_kernel, gpu_blocks(n, GPU_BLOCK), GPU_BLOCK, 0, stream, id, users->n, n,
		mark, s->marked);
	CHECK_LAUNCH();
	CUDA(cub::DeviceRadixSort::SortPairs(s->scratch, size, s->marked, s->sorted, s->place,
		users->position, n, 0, key_bits(s->bound), stream));
	LAUNCH(sort_split_kernel, gpu_blocks(n, GPU_BLOCK), GPU_BLOCK, 0, stream, s->sorted, n,
		mark, *users, *items);
	CHECK_LAUNCH();
}
