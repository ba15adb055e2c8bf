/* device_radix_sort: CUB's sort of pairs, as far as the backend calls it, by cub.cpp. */
#ifndef CUB_DEVICE_RADIX_SORT_CUH
#define CUB_DEVICE_RADIX_SORT_CUH

#include "cuda_host.h"

cudaError_t cu_sort_pairs(void *scratch, size_t &size, const uint32_t *key, uint32_t *key_out,
	const uint32_t *value, uint32_t *value_out, uint32_t n, int begin_bit, int end_bit,
	cudaStream_t stream);

namespace cub
{
struct DeviceRadixSort {
	/* scratch NULL: only `size` is set */
	static cudaError_t SortPairs(void *scratch, size_t &size, const uint32_t *key,
		uint32_t *key_out, const uint32_t *value, uint32_t *value_out, uint32_t n, int begin_bit,
		int end_bit, cudaStream_t stream)
	{
		return cu_sort_pairs(scratch, size, key, key_out, value, value_out, n, begin_bit,
			end_bit, stream);
	}
};
}

#endif
