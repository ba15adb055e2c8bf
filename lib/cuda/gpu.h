/*
 * gpu: the one include of every .cu file. Real CUDA under nvcc; under g++ the host runtime of
 * tests/cuda/host, which runs the same source on a CPU. The macros below are all that differs from
 * ordinary CUDA.
 */
#ifndef GPU_H
#define GPU_H

#ifdef __CUDACC__
#include <cublas_v2.h>
#include <cublasLt.h>
#include <cuda_bf16.h>
#include <cuda_runtime.h>
#include <dlfcn.h>
#define LIBRARY_OPEN(name)	      dlopen(name, RTLD_NOW | RTLD_LOCAL)
#define LIBRARY_SYMBOL(library, name) dlsym(library, name)
#define LAUNCH(kernel, grid, block, smem, stream, ...) \
	kernel<<<(grid), (block), (smem), (stream)>>>(__VA_ARGS__)
#define DYN_SHARED(type, name) extern __shared__ type name[]
#else
#include <cuda_host.h> // stands in for the headers of CUDA
#endif

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define _Noreturn [[noreturn]] /* the C headers of lib/ in C++ */
extern "C" {
#include "base/die.h"
#include "base/mem.h"
#include "model/backend.h"
#include "stream/row_draws.h"
}
#undef _Noreturn

/* Threads of a block, a multiple of 32; a race-detector build takes fewer. Results depend on it, by
   rounding only. */
#ifndef GPU_BLOCK
#define GPU_BLOCK 256
#endif
#define FULL_WARP 0xffffffffu

/* Die if a call of the runtime or a launch failed. */
#define CUDA(call)     gpu_check((call), #call)
#define CHECK_LAUNCH() CUDA(cudaGetLastError())

void gpu_check(cudaError_t error, const char *call);

/* Blocks needed for `work` threads (rows, ...), `per` of them in each: ceil(work / per). */
static inline unsigned gpu_blocks(size_t work, unsigned per)
{
	return (unsigned)((work + per - 1) / per);
}

/* V floats that are read and written at once. */
template <int V> struct alignas(V * sizeof(float)) floats_of {
	float at[V];
};

/*
 * The most floats at a time, 4, 2 or 1, of rows whose widths and distances are a, b, c, d (0: no
 * such row). Rows begin where an allocation does, or a multiple of those distances after it.
 */
static inline uint32_t gpu_vector(uint32_t a, uint32_t b = 0, uint32_t c = 0, uint32_t d = 0)
{
	uint32_t all = a | b | c | d;

	return all % 4 == 0 ? 4 : all % 2 == 0 ? 2 : 1;
}

/*
 * A block of threads for rows of `width` vectors: x walks along a row, y is the row of the block.
 * x is a power of two and at most a warp, so that no thread divides by a width.
 */
static inline dim3 gpu_row_block(uint32_t width)
{
	uint32_t x = 1;

	while (x < width && x < 32)
		x *= 2;
	return dim3(x, GPU_BLOCK / x);
}

/* A launch of kernel<V>, V the number `vector`. */
#define LAUNCH_VECTOR(vector, kernel, grid, block, smem, stream, ...)              \
	do {                                                                       \
		if ((vector) == 4)                                                 \
			LAUNCH(kernel<4>, grid, block, smem, stream, __VA_ARGS__); \
		else if ((vector) == 2)                                            \
			LAUNCH(kernel<2>, grid, block, smem, stream, __VA_ARGS__); \
		else                                                               \
			LAUNCH(kernel<1>, grid, block, smem, stream, __VA_ARGS__); \
		CHECK_LAUNCH();                                                    \
	} while (0)

template <int V> static __device__ __forceinline__ floats_of<V> vector_at(const float *p)
{
	return *(const floats_of<V> *)p;
}

template <int V> static __device__ __forceinline__ void vector_put(float *p, floats_of<V> v)
{
	*(floats_of<V> *)p = v;
}

/* The row of this thread. */
static __device__ __forceinline__ uint32_t thread_row(void)
{
	return blockIdx.x * blockDim.y + threadIdx.y;
}

/* max(v, 0); a NaN stays a NaN, so that a broken network shows in its loss */
static __device__ __forceinline__ float relu(float v)
{
	return v < 0 ? 0.0f : v;
}

/* The sum over the threads of a row (gpu_row_block), the same bits in each of them. All threads of a
   warp must come here together. */
static __device__ __forceinline__ float row_sum(float v)
{
	for (unsigned d = blockDim.x / 2; d > 0; d >>= 1)
		v += __shfl_xor_sync(FULL_WARP, v, d);
	return v;
}

/* This thread's part of a . b (n), or of the sum of b where a is NULL. */
template <int V>
static __device__ __forceinline__ float dot_part(const float *a, const float *b, uint32_t n)
{
	float sum = 0;

	for (uint32_t k = threadIdx.x * V; k < n; k += blockDim.x * V) {
		floats_of<V> v = vector_at<V>(b + k);

		for (int i = 0; i < V; i++)
			sum += (a ? a[k + i] : 1.0f) * v.at[i];
	}
	return sum;
}

#endif
