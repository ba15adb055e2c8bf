/*
 * timing: what limits and bench_ops share: the time of work on a stream, and random arrays. Zeros
 * would not do: they draw less power, and products of them run an eighth faster.
 */
#ifndef TIMING_H
#define TIMING_H

#include "cuda/blas.h"

#include <algorithm>

enum { RUNS = 5, WORKSPACE = 32 << 20 };

static cudaStream_t stream;
static cublasHandle_t blas;
static char *workspace; /* of cuBLAS, as in the plug-in */
static cudaEvent_t from, to;

/* A pseudo-random number of place i (xorshift32). */
static __device__ __forceinline__ uint32_t scatter(size_t i)
{
	uint32_t x = (uint32_t)i * 2654435761u + 1;

	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	return x;
}

/* id[i] below `rows`; `hot`: half of them log-uniform, as popular items are */
static __global__ void random_ids_kernel(uint32_t *id, size_t n, uint32_t rows, bool hot)
{
	for (size_t i = blockIdx.x * (size_t)blockDim.x + threadIdx.x; i < n;
		i += gridDim.x * (size_t)blockDim.x) {
		uint32_t x = scatter(i);

		if (hot && (x & 1))
			id[i] = min(rows - 1,
				(uint32_t)powf((float)rows, (float)(x >> 8) / (1 << 24)) - 1);
		else
			id[i] = (x >> 1) % rows;
	}
}

/* v[i] in -1..1 */
static __global__ void random_floats_kernel(float *v, size_t n)
{
	for (size_t i = blockIdx.x * (size_t)blockDim.x + threadIdx.x; i < n;
		i += gridDim.x * (size_t)blockDim.x)
		v[i] = (float)scatter(i) / 2147483648.0f - 1;
}

/* Seconds that a call takes on the device: the median of RUNS runs, after one to warm up. */
template <class F> static double seconds_of(F call)
{
	double t[RUNS];

	for (int run = -1; run < RUNS; run++) {
		float ms;

		CUDA(cudaEventRecord(from, stream));
		call();
		CUDA(cudaEventRecord(to, stream));
		CUDA(cudaEventSynchronize(to));
		CUDA(cudaEventElapsedTime(&ms, from, to));
		if (run >= 0)
			t[run] = ms / 1e3;
	}
	std::sort(t, t + RUNS);
	return t[RUNS / 2];
}

/* Seconds that `work` takes, `times` of it one after another. As a graph: what the host does for each
   launch, above all cublasLt's choice of an algorithm, would take longer than short kernels do. */
template <class F> static double seconds(int times, F work)
{
	cudaGraph_t graph;
	cudaGraphExec_t exec;

	work(); // kernels are loaded at their first launch
	CUDA(cudaStreamSynchronize(stream));
	CUDA(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal));
	for (int i = 0; i < times; i++)
		work();
	CUDA(cudaStreamEndCapture(stream, &graph));
	CUDA(cudaGraphInstantiate(&exec, graph, 0));
	double s = seconds_of([&] { CUDA(cudaGraphLaunch(exec, stream)); }) / times;
	CUDA(cudaGraphExecDestroy(exec));
	CUDA(cudaGraphDestroy(graph));
	return s;
}

template <class T> static T *device(size_t n)
{
	T *p;

	CUDA(cudaMalloc(&p, n * sizeof(T)));
	CUDA(cudaMemset(p, 0, n * sizeof(T)));
	CUDA(cudaDeviceSynchronize());
	return p;
}

/* Blocks that fill the device. */
static unsigned all_blocks(void)
{
	int sms;

	CUDA(cudaDeviceGetAttribute(&sms, cudaDevAttrMultiProcessorCount, 0));
	return (unsigned)sms * 8;
}

static float *random_floats(size_t n)
{
	float *v = device<float>(n);

	LAUNCH(random_floats_kernel, all_blocks(), GPU_BLOCK, 0, stream, v, n);
	CHECK_LAUNCH();
	return v;
}

static uint32_t *random_ids(size_t n, uint32_t rows, bool hot)
{
	uint32_t *id = device<uint32_t>(n);

	LAUNCH(random_ids_kernel, all_blocks(), GPU_BLOCK, 0, stream, id, n, rows, hot);
	CHECK_LAUNCH();
	return id;
}

/* to[i] = from[i], n float4 */
static __global__ void copy_kernel(
	const float4 *__restrict__ from, float4 *__restrict__ to, size_t n)
{
	for (size_t i = blockIdx.x * (size_t)blockDim.x + threadIdx.x; i < n;
		i += gridDim.x * (size_t)blockDim.x)
		to[i] = from[i];
}

/* Bytes per second of a copy of n float4, read and written. */
static double copy_rate(const float4 *a, float4 *b, size_t n)
{
	double s = seconds(
		4, [&] { LAUNCH(copy_kernel, all_blocks(), GPU_BLOCK, 0, stream, a, b, n); });

	CHECK_LAUNCH();
	return 2 * sizeof(*a) * (double)n / s;
}

static void timing_start(void)
{
	CUDA(cudaSetDevice(0));
	CUDA(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
	CUDA(cudaEventCreate(&from));
	CUDA(cudaEventCreate(&to));
	CUBLAS(blas_load()->create(&blas));
	CUBLAS(blas_load()->set_stream(blas, stream));
	workspace = device<char>(WORKSPACE);
	CUBLAS(blas_load()->set_workspace(blas, workspace, WORKSPACE));
}

static void timing_end(void)
{
	CUBLAS(blas_load()->destroy(blas));
	CUDA(cudaFree(workspace));
	CUDA(cudaEventDestroy(from));
	CUDA(cudaEventDestroy(to));
	CUDA(cudaStreamDestroy(stream));
}

#endif
