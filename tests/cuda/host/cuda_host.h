/*
 * cuda_host: runs plain C-style CUDA on the CPU, strictly, so that kernels can be tested where
 * there is no GPU. Under g++ it replaces nvcc's headers; gpu.h includes it. Not for production.
 *
 * The blocks of a grid run one after another; so do the threads of a block, each up to its next
 * barrier or warp collective. A kernel with neither runs as a plain loop. Whatever CUDA leaves
 * undefined ends the program with a message that names kernel, block, thread and place.
 *
 * Environment:
 *   CUDA_HOST_ORDER=forward|reverse|random:SEED
 *                              order of blocks, threads, streams, nodes of a graph
 *   CUDA_HOST_STREAMS=eager|lazy
 *                              stream work runs when submitted, or as late as CUDA allows
 *   CUDA_HOST_GUARD=1          device memory is unreadable to host code
 *   CUDA_HOST_LEAKS=1          what is not freed when the program ends is an error
 *   CUDA_HOST_FAIL_MALLOC=N    allocation number N (device or pinned, from 1) fails
 *   CUDA_HOST_MEMORY=BYTES     memory of the device (2 GiB)
 *   CUDA_HOST_SMS=N            multiprocessors of the device (4)
 *   CUDA_HOST_NO_DEVICE=1      there is no device
 *   CUDA_HOST_DRIVER=VERSION   what the driver knows (13000: CUDA 13.0)
 *   CUDA_HOST_NO_BLAS=1        there is no cuBLAS
 *   CUDA_HOST_STATS=1          prints launches, threads, switches and time per kernel at the end,
 *                              and how many waits of the host would have kept a core busy
 */
#ifndef CUDA_HOST_H
#define CUDA_HOST_H

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <math.h>
#include <type_traits>
#include <utility>

#if defined(__SANITIZE_THREAD__)
#define CU_TSAN 1
#endif
#ifndef CU_TSAN
#define CU_TSAN 0
#endif

/* The language. */
#define __global__
#define __device__
#define __host__
#define __grid_constant__
#define __forceinline__ inline
#define __launch_bounds__(...)
#define __shared__	       static __attribute__((section("cuda_shared"), used))
#define DYN_SHARED(type, name) type *name = (type *)cu_dyn_shared()

#define CU_VEC(T, n, align)                                \
	struct alignas(align) n##2                         \
	{                                                  \
		T x, y;                                    \
	};                                                 \
	struct n##3                                        \
	{                                                  \
		T x, y, z;                                 \
	};                                                 \
	struct alignas(2 * align) n##4                     \
	{                                                  \
		T x, y, z, w;                              \
	};                                                 \
	static inline n##2 make_##n##2(T x, T y)           \
	{                                                  \
		return n##2 { x, y };                      \
	}                                                  \
	static inline n##4 make_##n##4(T x, T y, T z, T w) \
	{                                                  \
		return n##4 { x, y, z, w };                \
	}
CU_VEC(float, float, 8)
CU_VEC(int, int, 8)
CU_VEC(unsigned, uint, 8)
#undef CU_VEC

struct dim3 {
	unsigned x, y, z;
	constexpr dim3(unsigned x_ = 1, unsigned y_ = 1, unsigned z_ = 1) : x(x_), y(y_), z(z_)
	{
	}
};
extern uint3 threadIdx, blockIdx;
extern dim3 blockDim, gridDim;
enum { warpSize = 32 };

#include "host_api.h"

/* The block engine (block.cpp, warp.cpp). */
enum cu_op { CU_SYNC, CU_COUNT, CU_AND, CU_OR, CU_WARP_SYNC, CU_SHUFFLE, CU_BALLOT, CU_MATCH };

void *cu_dyn_shared(void);
int cu_sync(cu_op op, int predicate, const char *file, int line);
uint64_t cu_warp(cu_op op, unsigned mask, uint64_t bits, int source, const char *file, int line);
int cu_lane(void);
int cu_next_thread(void); /* sets threadIdx; -1: none left for this fiber */
void cu_run_grid(
	const char *kernel, dim3 grid, dim3 block, size_t smem, void (*loop)(void *), void *arg);
[[noreturn]] void cu_die(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A launch: arguments are checked and copied at once, the grid runs when its stream reaches it. */
bool cu_launch_ok(const void *function, dim3 grid, dim3 block, size_t smem);
void cu_submit(cudaStream_t s, std::function<void()> op);
void cu_check_arg(const char *kernel, int index, const void *p);
void cu_check_struct(const char *kernel, int index, const void *v, size_t size);

template <class T> static inline void cu_arg(const char *kernel, int index, T *p)
{
	cu_check_arg(kernel, index, (const void *)p);
}

template <class T>
static inline std::enable_if_t<!std::is_pointer<T>::value> cu_arg(
	const char *kernel, int index, const T &v)
{
	static_assert(std::is_trivially_copyable<T>::value, "argument of a kernel");
	if (std::is_class<T>::value)
		cu_check_struct(kernel, index, &v, sizeof(v));
}

template <class F> struct cu_thunk {
	static void loop(void *f)
	{
		while (cu_next_thread() >= 0)
			(*(F *)f)();
	}
};

template <class K, class... A>
static inline void cu_launch(const char *name, const void *function, K kernel, dim3 grid,
	dim3 block, size_t smem, cudaStream_t stream, A... args)
{
	int index = 0;

	if (!cu_launch_ok(function, grid, block, smem))
		return;
	(cu_arg(name, index++, args), ...);
	(void)index;
	auto body = [=] { kernel(args...); };
	cu_submit(stream, [=]() mutable {
		cu_run_grid(name, grid, block, smem, cu_thunk<decltype(body)>::loop, &body);
	});
}

/* The kernel is named inside the lambda, so that a thread is an inlined call. */
#define LAUNCH(kernel, grid, block, smem, stream, ...)                                          \
	cu_launch(                                                                              \
		#kernel, (const void *)(kernel), [](auto... cu_a) { kernel(cu_a...); }, (grid), \
		(block), (smem), (stream)__VA_OPT__(, ) __VA_ARGS__)

#include "host_device.h"

#include "host_bf16.h"
#include "host_lt.h"

#endif
