/*
 * on_gpu: marks functions that kernels of a GPU call, too: integers and arrays, no library, no index
 * into a local array that is not known when it is compiled.
 */
#ifndef ON_GPU_H
#define ON_GPU_H

#include <stdint.h>

#ifdef __CUDACC__
#define ON_GPU __host__ __device__
#else
#define ON_GPU
#endif

/*
 * x % n, n >= 1. In CUDA by bits of the quotient: its 64-bit division is a call, which spills
 * registers, and quotients are small here.
 */
static inline ON_GPU uint64_t on_gpu_modulo(uint64_t x, uint64_t n)
{
#ifdef __cplusplus
	uint64_t part = n;

	while (part <= x >> 1)
		part <<= 1;
	for (; part >= n; part >>= 1)
		if (x >= part)
			x -= part;
	return x;
#else
	return x % n; // cppcheck-suppress zerodiv
#endif
}

#endif
