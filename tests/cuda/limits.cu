/*
 * limits: what the device at hand can do, so that a throughput has a denominator: copy, gather of
 * rows, sgemm in fp32 and TF32 at the model's shapes, the time of a launch.
 *   limits [SCALE]    1: sizes for a GPU; 1000 and more: to see that it runs on the host runtime
 * Prints lines of "name value unit"; every figure is the median of five.
 */
#include "cuda/blas.h"
#include "cuda/gpu.h"

#include <algorithm>

enum { RUNS = 5, ROW = 64 }; /* floats of an embedding row: 256 bytes */

static cudaStream_t stream;
static cublasHandle_t blas;
static cudaEvent_t from, to;

/* to[i] = from[i], n float4 */
static __global__ void copy_kernel(
	const float4 *__restrict__ from, float4 *__restrict__ to, size_t n)
{
	for (size_t i = blockIdx.x * (size_t)blockDim.x + threadIdx.x; i < n;
		i += gridDim.x * (size_t)blockDim.x)
		to[i] = from[i];
}

/* id[i] = a pseudo-random number below `rows` (xorshift32) */
static __global__ void random_ids_kernel(uint32_t *id, size_t n, uint32_t rows)
{
	for (size_t i = blockIdx.x * (size_t)blockDim.x + threadIdx.x; i < n;
		i += gridDim.x * (size_t)blockDim.x) {
		uint32_t x = (uint32_t)i * 2654435761u + 1;

		x ^= x << 13;
		x ^= x >> 17;
		x ^= x << 5;
		id[i] = x % rows;
	}
}

/* Read the rows table[id[r]], 16 lanes per row; `out` is written only to keep the loads. */
static __global__ void gather_kernel(const float4 *__restrict__ table,
	const uint32_t *__restrict__ id, size_t n, float *__restrict__ out)
{
	uint32_t lane = threadIdx.x % 16;
	size_t per_grid = gridDim.x * (size_t)blockDim.x / 16;

	for (size_t r = (blockIdx.x * (size_t)blockDim.x + threadIdx.x) / 16; r < n;
		r += per_grid) {
		float4 v = table[(size_t)id[r] * (ROW / 4) + lane];

		if (v.x + v.y + v.z + v.w == 1e30f) /* never true, which the compiler cannot know */
			out[0] = 1;
	}
}

static __global__ void empty_kernel(void)
{
}

/* Seconds that `work` takes, called `times` times in a run: the median of RUNS runs, after one to
   warm up. */
template <class F> static double seconds(int times, F work)
{
	double t[RUNS];

	for (int run = -1; run < RUNS; run++) {
		float ms;

		CUDA(cudaEventRecord(from, stream));
		for (int i = 0; i < times; i++)
			work();
		CUDA(cudaEventRecord(to, stream));
		CUDA(cudaEventSynchronize(to));
		CUDA(cudaEventElapsedTime(&ms, from, to));
		if (run >= 0)
			t[run] = ms / 1e3 / times;
	}
	std::sort(t, t + RUNS);
	return t[RUNS / 2];
}

template <class T> static T *device(size_t n)
{
	T *p;

	CUDA(cudaMalloc(&p, n * sizeof(T)));
	CUDA(cudaMemset(p, 0, n * sizeof(T)));
	CUDA(cudaDeviceSynchronize());
	return p;
}

static unsigned all_blocks(void)
{
	int sms;

	CUDA(cudaDeviceGetAttribute(&sms, cudaDevAttrMultiProcessorCount, 0));
	return (unsigned)sms * 8;
}

static void memory_limits(size_t scale)
{
	size_t bytes = ((size_t)1 << 30) / scale & ~(size_t)255, ids = ((size_t)1 << 24) / scale;
	float4 *a = device<float4>(bytes / 16), *b = device<float4>(bytes / 16);
	uint32_t *id = device<uint32_t>(ids);
	double s;

	s = seconds(4,
		[&] { LAUNCH(copy_kernel, all_blocks(), GPU_BLOCK, 0, stream, a, b, bytes / 16); });
	CHECK_LAUNCH();
	printf("copy %.1f GB/s\n", 2 * (double)bytes / s / 1e9);
	LAUNCH(random_ids_kernel, all_blocks(), GPU_BLOCK, 0, stream, id, ids,
		(uint32_t)(bytes / sizeof(float) / ROW));
	s = seconds(2, [&] {
		LAUNCH(gather_kernel, all_blocks(), GPU_BLOCK, 0, stream, a, id, ids, (float *)b);
	});
	CHECK_LAUNCH();
	printf("gather %.1f Mrows/s\n", (double)ids / s / 1e6);
	printf("gather_bytes %.1f GB/s\n", (double)ids * ROW * sizeof(float) / s / 1e9);
	CUDA(cudaFree(a));
	CUDA(cudaFree(b));
	CUDA(cudaFree(id));
}

/* y (rows, out) = x (rows, in) w^T, as the forward pass of a layer calls it. */
static void sgemm_limit(
	const char *mode, int rows, int in, int out, const float *x, const float *w, float *y)
{
	const float one = 1, zero = 0;
	double s = seconds(4, [&] {
		CUBLAS(blas_load()->sgemm(blas, CUBLAS_OP_T, CUBLAS_OP_N, out, rows, in, &one, w, in, x,
			in, &zero, y, out));
	});

	printf("sgemm_%s_%dx%dx%d %.2f TFLOP/s\n", mode, rows, in, out,
		2.0 * rows * in * out / s / 1e12);
}

static void gemm_limits(int scale)
{
	const int batch[] = { 2048, 32768, 262144 },
		  layer[][2] = { { 128, 256 }, { 256, 128 }, { 128, 64 } };
	int most = std::max(batch[2] / scale, 8);
	float *x = device<float>((size_t)most * 256), *y = device<float>((size_t)most * 256);
	float *w = device<float>(256 * 256);

	for (int tf32 = 0; tf32 < 2; tf32++) {
		CUBLAS(blas_load()->set_math_mode(
			blas, tf32 ? CUBLAS_TF32_TENSOR_OP_MATH : CUBLAS_DEFAULT_MATH));
		for (int b : batch)
			for (auto &l : layer)
				sgemm_limit(tf32 ? "tf32" : "fp32", std::max(b / scale, 8), l[0],
					l[1], x, w, y);
	}
	CUDA(cudaFree(x));
	CUDA(cudaFree(y));
	CUDA(cudaFree(w));
}

/* An empty kernel alone, and as one of 30 nodes of a graph. */
static void launch_limits(void)
{
	enum { NODES = 30 };
	cudaGraph_t graph;
	cudaGraphExec_t run;

	printf("launch %.2f us\n",
		seconds(1000, [&] { LAUNCH(empty_kernel, 1, 32, 0, stream); }) * 1e6);
	CUDA(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal));
	for (int i = 0; i < NODES; i++)
		LAUNCH(empty_kernel, 1, 32, 0, stream);
	CUDA(cudaStreamEndCapture(stream, &graph));
	CUDA(cudaGraphInstantiate(&run, graph, 0));
	printf("graph_node %.2f us\n",
		seconds(100, [&] { CUDA(cudaGraphLaunch(run, stream)); }) / NODES * 1e6);
	CUDA(cudaGraphExecDestroy(run));
	CUDA(cudaGraphDestroy(graph));
}

int main(int argc, char **argv)
{
	int scale = argc > 1 ? atoi(argv[1]) : 1;
	cudaDeviceProp p;

	if (scale < 1)
		return fprintf(stderr, "usage: limits [SCALE]\n"), 2;
	CUDA(cudaGetDeviceProperties(&p, 0));
	printf("# %s, compute capability %d.%d, %d multiprocessors, %zu MiB\n", p.name, p.major,
		p.minor, p.multiProcessorCount, p.totalGlobalMem >> 20);
	CUDA(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
	CUDA(cudaEventCreate(&from));
	CUDA(cudaEventCreate(&to));
	CUBLAS(blas_load()->create(&blas));
	CUBLAS(blas_load()->set_stream(blas, stream));
	launch_limits();
	memory_limits((size_t)scale);
	gemm_limits(scale);
	CUBLAS(blas_load()->destroy(blas));
	CUDA(cudaEventDestroy(from));
	CUDA(cudaEventDestroy(to));
	CUDA(cudaStreamDestroy(stream));
	return 0;
}
