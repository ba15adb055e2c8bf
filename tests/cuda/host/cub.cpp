/* cub: a stable sort of pairs by some bits of their keys. */
#include "cub/device/device_radix_sort.cuh"
#include "host.h"

#include <algorithm>

struct sort {
	void *scratch;
	const uint32_t *key, *value;
	uint32_t *key_out, *value_out;
	size_t n;
	uint32_t mask;
};

/* CUB's scratch holds another copy of the pairs, and counts. */
static size_t scratch_size(size_t n)
{
	return 8 * n + 1024;
}

static void run(const sort &a)
{
	std::vector<std::pair<uint32_t, uint32_t>> pairs;
	size_t bytes = a.n * sizeof(uint32_t);

	cu_need(a.scratch, scratch_size(a.n), CU_DEVICE, "scratch of SortPairs");
	cu_need(a.key, bytes, CU_DEVICE, "keys of SortPairs");
	cu_need(a.value, bytes, CU_DEVICE, "values of SortPairs");
	cu_need(a.key_out, bytes, CU_DEVICE, "sorted keys of SortPairs");
	cu_need(a.value_out, bytes, CU_DEVICE, "sorted values of SortPairs");
	cu_enter_device();
	for (size_t i = 0; i < a.n; i++)
		pairs.push_back({ a.key[i], a.value[i] });
	memset(a.scratch, 0xff, scratch_size(a.n));
	std::stable_sort(pairs.begin(), pairs.end(), [&](const auto &x, const auto &y) {
		return (x.first & a.mask) < (y.first & a.mask);
	});
	for (size_t i = 0; i < a.n; i++) {
		a.key_out[i] = pairs[i].first;
		a.value_out[i] = pairs[i].second;
	}
	cu_leave_device();
}

cudaError_t cu_sort_pairs(void *scratch, size_t &size, const uint32_t *key, uint32_t *key_out,
	const uint32_t *value, uint32_t *value_out, uint32_t n, int begin_bit, int end_bit,
	cudaStream_t stream)
{
	if (begin_bit < 0 || end_bit > 32 || begin_bit >= end_bit)
		return cu_fail(cudaErrorInvalidValue);
	if (!scratch) {
		size = scratch_size(n);
		return cudaSuccess;
	}
	if (size < scratch_size(n) || key == key_out || value == value_out)
		return cu_fail(cudaErrorInvalidValue);
	uint32_t upto = end_bit == 32 ? ~0u : (1u << end_bit) - 1;
	sort a = { scratch, key, value, key_out, value_out, n, upto & ~((1u << begin_bit) - 1) };
	cu_submit(stream, [=] { run(a); });
	return cudaSuccess;
}
