/*
 * gpu: the one include of every .cu file. Real CUDA under nvcc; under g++ the host runtime of
 * tests/cuda/host, which runs the same source on a CPU. The two macros below are all that differs
 * from ordinary CUDA.
 */
#ifndef GPU_H
#define GPU_H

#ifdef __CUDACC__
#include <cublas_v2.h>
#include <cuda_runtime.h>
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
}
#undef _Noreturn

/* Threads of a block, a multiple of 32; a race-detector build takes fewer. Results depend on it, by
   rounding only. */
#ifndef GPU_BLOCK
#define GPU_BLOCK 256
#endif
#define FULL_WARP 0xffffffffu

/* Die if a call of the runtime, a launch or a call of cuBLAS failed. */
#define CUDA(call)     gpu_check((call), #call)
#define CUBLAS(call)   gpu_check_blas((call), #call)
#define CHECK_LAUNCH() CUDA(cudaGetLastError())

void gpu_check(cudaError_t error, const char *call);
void gpu_check_blas(cublasStatus_t status, const char *call);

/* Blocks needed for `work` threads (rows, ...), `per` of them in each: ceil(work / per). */
static inline unsigned gpu_blocks(size_t work, unsigned per)
{
	return (unsigned)((work + per - 1) / per);
}

/* max(v, 0); a NaN stays a NaN, so that a broken network shows in its loss */
static __device__ __forceinline__ float relu(float v)
{
	return v < 0 ? 0.0f : v;
}

/* The sum over the warp's 32 lanes, the same bits in every lane. */
static __device__ __forceinline__ float warp_sum(float v)
{
	for (int d = 16; d > 0; d >>= 1)
		v += __shfl_xor_sync(FULL_WARP, v, d);
	return v;
}

/* head . concat(g, x), computed by one warp; g (F), x (H), head (F + H) or NULL: all ones (mf). */
static __device__ __forceinline__ float head_dot(
	const float *g, const float *x, const float *head, uint32_t F, uint32_t H, uint32_t lane)
{
	float sum = 0;

	for (uint32_t k = lane; k < F; k += 32)
		sum += (head ? head[k] : 1.0f) * g[k];
	for (uint32_t k = lane; k < H; k += 32)
		sum += head[F + k] * x[k];
	return warp_sum(sum);
}

#endif
