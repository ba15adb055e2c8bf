/*
 * bugs: each case has a bug that the host runtime must report; tests/cuda/host.bats says with which
 * words and in which mode. Usage: bugs CASE
 *
 * A case without a bug prints "right". One that computes wrong numbers prints "wrong" and exits
 * with 1; one whose calls fail prints the name of the error and exits with 1.
 */
#include "kernels.h"

enum { N = 256, ODD = 63 };

static float *a, *odd, host[N]; /* device: N zeros; ODD floats, not set */
static float *pin;		/* pinned: N floats */
static cudaStream_t stream, other;
static cublasHandle_t blas;

static void ok(cudaError_t e)
{
	if (e == cudaSuccess)
		return;
	printf("%s\n", cudaGetErrorName(e));
	exit(1);
}

/* Is p[0..n) all v after what was launched? */
static void expect(const float *p, int n, float v)
{
	ok(cudaGetLastError());
	ok(cudaDeviceSynchronize());
	ok(cudaMemcpy(host, p, (size_t)n * sizeof(float), cudaMemcpyDeviceToHost));
	for (int i = 0; i < n; i++)
		if (host[i] != v) {
			printf("wrong: [%d] is %g, not %g\n", i, host[i], v);
			exit(1);
		}
}

#define KERNEL(name, threads, ...) LAUNCH(name##_kernel, 1, threads, 0, stream, __VA_ARGS__)

static void clean(void)
{
	LAUNCH(iota_kernel, 2, 64, 0, stream, a, N);
	ok(cudaMemcpyAsync(pin, a, N * sizeof(float), cudaMemcpyDeviceToHost, stream));
	ok(cudaStreamSynchronize(stream));
	if (pin[200] != 200)
		printf("wrong: iota\n"), exit(1);
	ok(cudaMemsetAsync(a, 0, N * sizeof(float), stream));
	LAUNCH(reduce_kernel, 3, 64, 0, stream, a, a + 100);
	LAUNCH(warp_kernel, 1, 64, 0, stream, a + 128);
	expect(a, 3, 64);
	expect(a + 100, 1, 192);
	expect(a + 128, 32, 496);
}

/* The same sums as a graph with two branches, launched three times; only a pinned word changes. */
static void clean_graph(void)
{
	cudaEvent_t fork, join;
	cudaGraph_t graph;
	cudaGraphExec_t run;

	ok(cudaDeviceSynchronize());
	ok(cudaEventCreateWithFlags(&fork, cudaEventDisableTiming));
	ok(cudaEventCreateWithFlags(&join, cudaEventDisableTiming));
	ok(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal));
	ok(cudaMemcpyAsync(a + 100, pin, sizeof(float), cudaMemcpyHostToDevice, stream));
	ok(cudaEventRecord(fork, stream));
	ok(cudaStreamWaitEvent(other, fork));
	LAUNCH(reduce_kernel, 3, 64, 0, stream, a, a + 100);
	LAUNCH(warp_kernel, 1, 32, 0, other, a + 128);
	ok(cudaEventRecord(join, other));
	ok(cudaStreamWaitEvent(stream, join));
	ok(cudaMemcpyAsync(a + 200, a + 128, sizeof(float), cudaMemcpyDeviceToDevice, stream));
	ok(cudaStreamEndCapture(stream, &graph));
	ok(cudaGraphInstantiate(&run, graph));
	ok(cudaGraphDestroy(graph));
	for (int i = 0; i < 3; i++) {
		pin[0] = (float)i;
		ok(cudaGraphLaunch(run, stream));
		ok(cudaStreamSynchronize(stream));
	}
	expect(a + 100, 1, 194);
	expect(a + 200, 1, 496);
	ok(cudaGraphExecDestroy(run));
	ok(cudaEventDestroy(fork));
	ok(cudaEventDestroy(join));
}

/* 1 + 2^-11 is 1 in TF32, 1 + 2^-10 stays; a sum of 64 of them. */
static void tf32(void)
{
	float one = 1, zero = 0, x[128];

	for (int i = 0; i < 64; i++) {
		x[i] = 1 + 1.0f / 2048;
		x[64 + i] = 1;
	}
	ok(cudaMemcpy(a, x, sizeof(x), cudaMemcpyHostToDevice));
	for (int mode = 0; mode < 2; mode++) {
		cublasSetMathMode(blas, mode ? CUBLAS_TF32_TENSOR_OP_MATH : CUBLAS_DEFAULT_MATH);
		cublasSgemm(blas, CUBLAS_OP_T, CUBLAS_OP_N, 1, 1, 64, &one, a, 64, a + 64, 64,
			&zero, a + 128, 1);
		expect(a + 128, 1, mode ? 64 : 64 * x[0]);
	}
}

static void gemm(int k, int lda, float *c)
{
	float one = 1, zero = 0;
	cublasStatus_t s = cublasSgemm(
		blas, CUBLAS_OP_N, CUBLAS_OP_N, 8, 8, k, &one, a, lda, a, k, &zero, c, 8);

	if (s != CUBLAS_STATUS_SUCCESS)
		printf("%s\n", cublasGetStatusString(s)), exit(1);
	expect(c, 0, 0);
}

static void kernel_case(const char *name)
{
#define CASE(kernel, threads, n, v, ...)                   \
	if (!strcmp(name, #kernel)) {                      \
		KERNEL(kernel, threads, a, ##__VA_ARGS__); \
		expect(a, n, v);                           \
		return;                                    \
	}
	CASE(divergent, 64, 0, 0)
	CASE(early_return, 64, 0, 0, 60)
	CASE(two_barriers, 64, 0, 0)
	CASE(shuffle_in_branch, 32, 0, 0)
	CASE(shuffle_outside, 32, 0, 0)
	CASE(not_in_mask, 32, 0, 0)
	CASE(two_collectives, 32, 0, 0)
	CASE(width, 32, 0, 0)
	CASE(missing_syncwarp, 32, 32, 32)
	CASE(uninitialised_shared, 64, 64, 1)
	CASE(shared_index, 32, 0, 0)
	CASE(shared_pointer, 32, 0, 0)
	CASE(misaligned, 4, 0, 0)
	CASE(int_overflow, 64, 0, 0, 1)
	CASE(plain_add, 64, 1, 64)
#undef CASE
	printf("no case %s\n", name);
	exit(2);
}

static void missing_barrier(void)
{
	KERNEL(missing_barrier, 64, a);
	ok(cudaDeviceSynchronize());
	ok(cudaMemcpy(host, a, 64 * sizeof(float), cudaMemcpyDeviceToHost));
	for (int i = 0; i < 64; i++)
		if (host[i] != (float)((i + 1) % 64))
			printf("wrong: [%d] is %g\n", i, host[i]), exit(1);
}

static void dynamic_shared(void)
{
	LAUNCH(dynamic_shared_kernel, 1, 33, 33 * sizeof(float), stream, a);
	expect(a, 0, 0);
}

static void one_too_many(void)
{
	KERNEL(one_too_many, 64, odd, ODD);
	expect(odd, ODD, 1);
}

static void blocks_race(void)
{
	LAUNCH(plain_add_kernel, 8, 1, 0, stream, a);
	expect(a, 0, 0);
}

static void cross_block(void)
{
	LAUNCH(cross_block_kernel, 2, 32, 0, stream, a);
	expect(a, 0, 0);
}

static void freed_argument(void)
{
	ok(cudaFree(odd));
	KERNEL(iota, 64, odd, ODD);
}

static void host_argument(void)
{
	KERNEL(iota, 64, host, N);
}

static void host_in_struct(void)
{
	struct arrays s = { a, host, N };

	KERNEL(struct, 64, s);
}

static void host_reads_device(void)
{
	printf("%g\n", a[3]);
}

static void uninitialised_device(void)
{
	expect(odd, ODD, 0);
}

static void too_many_threads(void)
{
	KERNEL(iota, 2048, a, N);
	expect(a, 0, 0);
}

static void too_much_shared(void)
{
	LAUNCH(dynamic_shared_kernel, 1, 32, 50000, stream, a);
	expect(a, 0, 0);
}

static void copy_direction(void)
{
	ok(cudaMemcpy(host, a, sizeof(host), cudaMemcpyHostToDevice));
}

static void copy_too_long(void)
{
	ok(cudaMemcpy(host, odd, sizeof(host), cudaMemcpyDeviceToHost));
}

static void copy_past_pinned(void)
{
	ok(cudaMemcpy(pin + 1, a, N * sizeof(float), cudaMemcpyDeviceToHost));
}

static void copy_overlap(void)
{
	ok(cudaMemcpy(a, a + 1, 2 * sizeof(float), cudaMemcpyDeviceToDevice));
}

static void memset_too_long(void)
{
	ok(cudaMemsetAsync(odd, 0, (ODD + 1) * sizeof(float), stream));
	expect(a, 0, 0);
}

static void double_free(void)
{
	ok(cudaFree(odd));
	ok(cudaFree(odd));
}

static void gemm_extent(void)
{
	gemm(8, 8, odd);
}

static void gemm_leading(void)
{
	gemm(8, 7, a + 128);
}

static void out_of_memory(void)
{
	ok(cudaMalloc(&odd, (size_t)3 << 30));
}

static void missing_sync(void)
{
	KERNEL(iota, 64, a, N);
	ok(cudaMemcpyAsync(pin, a, N * sizeof(float), cudaMemcpyDeviceToHost, stream));
	if (pin[5] != 5)
		printf("wrong: [5] is %g\n", pin[5]), exit(1);
}

/* cudaMemcpy waits for the legacy stream and the blocking ones, not for this one. */
static void copy_elsewhere(void)
{
	KERNEL(iota, 64, a, N);
	ok(cudaMemcpy(host, a, sizeof(host), cudaMemcpyDeviceToHost));
	if (host[5] != 5)
		printf("wrong: [5] is %g\n", host[5]), exit(1);
}

static void missing_wait(void)
{
	KERNEL(iota, 64, a, N);
	ok(cudaMemcpyAsync(pin, a, N * sizeof(float), cudaMemcpyDeviceToHost, other));
	ok(cudaStreamSynchronize(other));
	if (pin[5] != 5)
		printf("wrong: [5] is %g\n", pin[5]), exit(1);
}

static void pinned_reused(void)
{
	for (int i = 0; i < 2; i++) {
		pin[0] = (float)i;
		ok(cudaMemcpyAsync(a + i, pin, sizeof(float), cudaMemcpyHostToDevice, stream));
	}
	expect(a, 1, 0);
}

static void destroyed_stream(void)
{
	cudaStream_t s;

	ok(cudaStreamCreate(&s));
	ok(cudaStreamDestroy(s));
	LAUNCH(iota_kernel, 1, 64, 0, s, a, N);
}

static void destroyed_event(void)
{
	cudaEvent_t e;

	ok(cudaEventCreate(&e));
	ok(cudaEventDestroy(e));
	ok(cudaEventRecord(e, stream));
}

#include "capture.h"

static void leak(void)
{
	ok(cudaMalloc(&odd, 40));
}

#define CASE(name)          \
	{                   \
#name, name \
	}
static const struct {
	const char *name;
	void (*run)(void);
} cases[] = { CASE(clean), CASE(clean_graph), CASE(tf32), CASE(missing_barrier),
	CASE(dynamic_shared), CASE(one_too_many), CASE(blocks_race), CASE(cross_block),
	CASE(freed_argument), CASE(host_argument), CASE(host_in_struct), CASE(host_reads_device),
	CASE(uninitialised_device), CASE(too_many_threads), CASE(too_much_shared),
	CASE(copy_direction), CASE(copy_too_long), CASE(copy_past_pinned), CASE(copy_overlap),
	CASE(memset_too_long), CASE(double_free), CASE(gemm_extent), CASE(gemm_leading),
	CASE(out_of_memory), CASE(missing_sync), CASE(copy_elsewhere), CASE(missing_wait),
	CASE(pinned_reused), CASE(destroyed_stream), CASE(destroyed_event), CASE(sync_in_capture),
	CASE(malloc_in_capture), CASE(legacy_in_capture), CASE(loose_in_capture),
	CASE(unjoined_capture), CASE(missing_dependency), CASE(uncaptured_wait), CASE(leak) };

static void run_case(const char *name)
{
	for (auto &c : cases)
		if (!strcmp(c.name, name)) {
			c.run();
			return;
		}
	kernel_case(name);
}

int main(int argc, char **argv)
{
	float *first;

	setvbuf(stdout, nullptr, _IOLBF, 0);
	ok(cudaMalloc(&a, N * sizeof(float)));
	ok(cudaMalloc(&first, ODD * sizeof(float)));
	odd = first;
	ok(cudaMallocHost(&pin, N * sizeof(float)));
	ok(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
	ok(cudaStreamCreateWithFlags(&other, cudaStreamNonBlocking));
	cublasCreate(&blas);
	cublasSetStream(blas, stream);
	ok(cudaMemset(a, 0, N * sizeof(float)));
	ok(cudaDeviceSynchronize());
	run_case(argc > 1 ? argv[1] : "");
	ok(cudaFree(a));
	ok(cudaFree(first));
	ok(cudaFreeHost(pin));
	ok(cudaStreamDestroy(stream));
	ok(cudaStreamDestroy(other));
	cublasDestroy(blas);
	printf("right\n");
	return 0;
}
