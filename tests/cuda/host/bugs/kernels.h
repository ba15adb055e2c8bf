/* kernels: what bugs.cu launches; each but those of "clean" has one bug. */
#ifndef KERNELS_H
#define KERNELS_H

#include "cuda_host.h"

/* Clean: p[i] = i; the sum of 64 ones through shared memory, then one atomic. */
static __global__ void iota_kernel(float *p, int n)
{
	for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x)
		p[i] = (float)i;
}

static __global__ void reduce_kernel(float *p, float *total)
{
	__shared__ float s[64];

	s[threadIdx.x] = 1;
	for (int d = 32; d > 0; d >>= 1) {
		__syncthreads();
		if ((int)threadIdx.x < d)
			s[threadIdx.x] += s[threadIdx.x + d];
	}
	__syncthreads();
	if (threadIdx.x == 0) {
		p[blockIdx.x] = s[0];
		atomicAdd(total, s[0]);
	}
}

static __global__ void warp_kernel(float *p)
{
	float v = (float)threadIdx.x;

	for (int d = 16; d > 0; d >>= 1)
		v += __shfl_xor_sync(0xffffffffu, v, d);
	if (__ballot_sync(0xffffffffu, threadIdx.x & 1) != 0xaaaaaaaau ||
		!__any_sync(0xffffffffu, threadIdx.x % 32 == 7) ||
		__all_sync(0xffffffffu, threadIdx.x % 32 < 31) ||
		__match_any_sync(0xffffffffu, threadIdx.x % 2) !=
			(threadIdx.x & 1 ? 0xaaaaaaaau : 0x55555555u))
		v = -1;
	p[threadIdx.x] = v;
}

/* Barriers. */
static __global__ void divergent_kernel(float *p)
{
	if (threadIdx.x < 16)
		__syncthreads();
	p[threadIdx.x] = 1;
}

static __global__ void early_return_kernel(float *p, int n)
{
	if ((int)threadIdx.x >= n)
		return;
	p[threadIdx.x] = 1;
	__syncthreads();
}

static __global__ void two_barriers_kernel(float *p)
{
	if (threadIdx.x & 1)
		__syncthreads();
	else
		__syncthreads();
	p[threadIdx.x] = 1;
}

/* Warp collectives. */
static __global__ void shuffle_in_branch_kernel(float *p)
{
	float v = 1;

	if (threadIdx.x < 20)
		v += __shfl_down_sync(0xffffffffu, v, 16);
	p[threadIdx.x] = v;
}

static __global__ void shuffle_outside_kernel(float *p)
{
	float v = 1;

	if (threadIdx.x < 16)
		v += __shfl_down_sync(0x0000ffffu, v, 16);
	p[threadIdx.x] = v;
}

static __global__ void not_in_mask_kernel(float *p)
{
	p[threadIdx.x] = __shfl_sync(0x0000ffffu, 1.0f, 0);
}

static __global__ void two_collectives_kernel(float *p)
{
	if (threadIdx.x & 1)
		p[threadIdx.x] = __shfl_sync(0xffffffffu, 1.0f, 0);
	else
		p[threadIdx.x] = (float)__ballot_sync(0xffffffffu, 1);
}

static __global__ void width_kernel(float *p)
{
	p[threadIdx.x] = __shfl_down_sync(0xffffffffu, 1.0f, 1, 24);
}

/* Shared memory. */
static __global__ void missing_barrier_kernel(float *p)
{
	__shared__ float s[64];

	s[threadIdx.x] = (float)threadIdx.x;
	p[threadIdx.x] = s[(threadIdx.x + 1) % 64];
}

static __global__ void missing_syncwarp_kernel(float *p)
{
	__shared__ float s[32];

	s[threadIdx.x] = 1;
	__syncthreads();
	for (int d = 16; d > 0; d >>= 1)
		if ((int)threadIdx.x < d)
			s[threadIdx.x] += s[threadIdx.x + d];
	__syncthreads();
	p[threadIdx.x] = s[0];
}

static __global__ void uninitialised_shared_kernel(float *p)
{
	__shared__ float s[64];

	if (threadIdx.x < 63)
		s[threadIdx.x] = 1;
	__syncthreads();
	p[threadIdx.x] = s[63 - threadIdx.x];
}

static __global__ void shared_index_kernel(float *p)
{
	__shared__ float s[32];

	s[threadIdx.x + (threadIdx.x == 31)] = 1;
	__syncthreads();
	p[threadIdx.x] = s[0];
}

static __device__ void put(float *s, int i)
{
	s[i] = 1;
}

static __global__ void shared_pointer_kernel(float *p)
{
	__shared__ float s[32], other[32];

	other[threadIdx.x] = 0;
	put(s, (int)threadIdx.x + 1);
	__syncthreads();
	p[threadIdx.x] = s[1] + other[0];
}

static __global__ void dynamic_shared_kernel(float *p)
{
	DYN_SHARED(float, s);

	s[threadIdx.x + 1] = 1;
	__syncthreads();
	p[threadIdx.x] = s[1];
}

/* Global memory. */
static __global__ void one_too_many_kernel(float *p, int n)
{
	int i = blockIdx.x * blockDim.x + threadIdx.x;

	if (i <= n)
		p[i] = 1;
}

static __global__ void misaligned_kernel(float *p)
{
	float4 v = *(float4 *)(p + 1 + 4 * threadIdx.x);

	p[0] = v.x;
}

static __global__ void int_overflow_kernel(float *p, int n)
{
	int i = ((int)threadIdx.x + 1) * 100000000 + n;

	p[threadIdx.x] = (float)i;
}

static __global__ void plain_add_kernel(float *p)
{
	p[0] += 1;
}

static __global__ void cross_block_kernel(float *p)
{
	if (threadIdx.x == 0)
		p[(blockIdx.x + 1) % 2] = p[blockIdx.x] + 1;
}

struct arrays {
	float *out;
	const float *in;
	int n;
};

static __global__ void struct_kernel(struct arrays a)
{
	for (int i = threadIdx.x; i < a.n; i += blockDim.x)
		a.out[i] = a.in[i];
}

#endif
