/*
 * limits: what the device at hand can do, so that a throughput has a denominator: copy, gather of
 * rows, products in fp32, TF32 and bf16 at the model's shapes (forward, and both of the backward
 * pass, as dense.cu has them, and in bf16 fused.cu), the time of a launch.
 *   limits [SCALE]    1: sizes for a GPU; 1000 and more: to see that it runs on the host runtime
 * Prints lines of "name value unit"; every figure is the median of five, on random numbers.
 */
#include "cuda/fused.h"
#include "cuda/ops.h"
#include "timing.h"

enum { ROW = 64 }; /* floats of an embedding row: 256 bytes */

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

static void memory_limits(size_t scale)
{
	size_t bytes = ((size_t)1 << 30) / scale & ~(size_t)255, ids = ((size_t)1 << 24) / scale;
	float *a = random_floats(bytes / 4), *b = random_floats(bytes / 4);
	double rate = copy_rate((const float4 *)a, (float4 *)b, bytes / 16);

	printf("copy %.1f GB/s\n", rate / 1e9);
	for (int hot = 0; hot < 2; hot++) {
		uint32_t *id = random_ids(ids, (uint32_t)(bytes / sizeof(float) / ROW), hot);
		double s = seconds(2, [&] {
			LAUNCH(gather_kernel, all_blocks(), GPU_BLOCK, 0, stream, (const float4 *)a,
				id, ids, b);
		});

		CHECK_LAUNCH();
		printf("gather%s %.1f Mrows/s\n", hot ? "_hot" : "", (double)ids / s / 1e6);
		printf("gather%s_bytes %.1f GB/s\n", hot ? "_hot" : "",
			(double)ids * ROW * sizeof(float) / s / 1e9);
		CUDA(cudaFree(id));
	}
	CUDA(cudaFree(a));
	CUDA(cudaFree(b));
}

static void print_product(
	const char *what, const char *mode, int rows, int in, int out, double seconds)
{
	printf("%s_%s_%dx%dx%d %.4g TFLOP/s\n", what, mode, rows, in, out,
		2.0 * rows * in * out / seconds / 1e12);
}

/* The three products of a layer: x (rows, in), w (out, in), y (rows, out). */
static void product_limits(const char *mode, int rows, int in, int out, float *const *array)
{
	float *x = array[0], *y = array[1], *w = array[2], *partial = array[3];
	uint32_t R = (uint32_t)rows, I = (uint32_t)in, O = (uint32_t)out;

	print_product("gemm", mode, rows, in, out,
		seconds(4, [&] { dense_forward_cuda(blas, x, I, w, I, R, I, O, y); }));
	print_product("gemm_dx", mode, rows, in, out,
		seconds(4, [&] { dense_dx_cuda(blas, y, w, I, R, I, O, x); }));
	print_product("gemm_dw", mode, rows, in, out,
		seconds(4, [&] { dense_dw_cuda(blas, y, x, R, I, O, w, I, partial); }));
}

/* The same in bf16, by cublasLt; every bit of the arrays is as random as in floats. */
static void bf16_limits(const struct fused *f, int rows, int in, int out, float *const *array)
{
	bf16 *x = (bf16 *)array[0], *y = (bf16 *)array[1], *w = (bf16 *)array[2];
	uint32_t R = (uint32_t)rows, I = (uint32_t)in, O = (uint32_t)out;
	bool there = true;
	double forward =
		seconds(4, [&] { there &= fused_forward_cuda(f, x, w, w, R, I, O, y, NULL); });
	double dx = seconds(4, [&] { there &= fused_dx_cuda(f, y, w, R, I, O, NULL, x); });
	double dw =
		seconds(4, [&] { there &= fused_dw_cuda(f, y, x, R, I, O, array[3], array[4]); });

	if (!there) {
		printf("# cublasLt lacks a product in bf16: %dx%dx%d\n", rows, in, out);
		return;
	}
	print_product("gemm", "bf16", rows, in, out, forward);
	print_product("gemm_dx", "bf16", rows, in, out, dx);
	print_product("gemm_dw", "bf16", rows, in, out, dw);
}

static void gemm_limits(int scale)
{
	const int batch[] = { 2048, 32768, 262144 },
		  layer[][2] = { { 128, 256 }, { 256, 128 }, { 128, 64 } };
	size_t most = (size_t)std::max(batch[2] / scale, 8);
	float *const array[] = { random_floats(most * 256), random_floats(most * 256),
		random_floats(256 * 256), random_floats((size_t)DENSE_SLICES * 256 * 128),
		random_floats((size_t)DENSE_SLICES * 256 * 128) };
	struct fused f = { NULL, stream, CUBLAS_COMPUTE_32F, workspace, WORKSPACE };

	CUBLAS(blas_lt_load()->create(&f.lt));
	for (int b : batch)
		for (auto &l : layer) {
			int rows = std::max(b / scale, 8);

			CUBLAS(blas_load()->set_math_mode(blas, CUBLAS_DEFAULT_MATH));
			product_limits("fp32", rows, l[0], l[1], array);
			CUBLAS(blas_load()->set_math_mode(blas, CUBLAS_TF32_TENSOR_OP_MATH));
			product_limits("tf32", rows, l[0], l[1], array);
			bf16_limits(&f, rows, l[0], l[1], array);
		}
	CUBLAS(blas_lt_load()->destroy(f.lt));
	for (float *a : array)
		CUDA(cudaFree(a));
}

/* An empty kernel alone, and as one of many nodes of a graph. */
static void launch_limits(void)
{
	enum { LAUNCHES = 1000, NODES = 30 };
	auto empty = [&] { LAUNCH(empty_kernel, 1, 32, 0, stream); };

	printf("launch %.2f us\n", seconds_of([&] {
		for (int i = 0; i < LAUNCHES; i++)
			empty();
	}) / LAUNCHES * 1e6);
	printf("graph_node %.2f us\n", seconds(NODES, empty) * 1e6);
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
	timing_start();
	launch_limits();
	memory_limits((size_t)scale);
	gemm_limits(scale);
	timing_end();
	return 0;
}
