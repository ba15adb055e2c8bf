/*
 * sort: the ids of a batch in ascending order with the places they came from, so that the
 * occurrences of an embedding row lie side by side and are always added in the same order.
 *   id (n), below `bound`:  key (n) ascending, position (n): id[position[j]] == key[j]; equal keys
 *   keep their order (stable)
 * The sort is CUB's, of the bits that ids below `bound` have. A stable sort has one result, so no
 * version of CUB changes a bit of a model.
 */
#include "cuda/ops.h"

#include <cub/device/device_radix_sort.cuh>

/* Bits of the ids below `bound`; a sort by none would not copy them. */
static int id_bits(uint32_t bound)
{
	int bits = 1;

	while (bits < 32 && (bound - 1) >> bits)
		bits++;
	return bits;
}

size_t sort_scratch(uint32_t n, uint32_t bound)
{
	size_t size = 0;
	const uint32_t *in = NULL;
	uint32_t *out = NULL;

	CUDA(cub::DeviceRadixSort::SortPairs(
		NULL, size, in, out, in, out, (int)n, 0, id_bits(bound), (cudaStream_t)0));
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

void sort_ids_cuda(cudaStream_t stream, const struct sorter *s, const uint32_t *id, uint32_t n,
	uint32_t bound, uint32_t *slot)
{
	size_t size = s->scratch_size;

	CUDA(cub::DeviceRadixSort::SortPairs(s->scratch, size, id, s->key, s->place, s->position,
		(int)n, 0, id_bits(bound), stream));
	sort_slots_cuda(stream, s->key, n, slot);
}
