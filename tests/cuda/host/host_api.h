/* host_api: the part of the CUDA runtime and of cuBLAS that the backend may call. Calls that the
   host runtime does not implement are not declared, so that g++ refuses them. */
#ifndef HOST_API_H
#define HOST_API_H

#include <stddef.h>

#define CU_ERRORS(X)                                                                 \
	X(cudaSuccess, 0, "no error")                                                \
	X(cudaErrorInvalidValue, 1, "invalid argument")                              \
	X(cudaErrorMemoryAllocation, 2, "out of memory")                             \
	X(cudaErrorInvalidConfiguration, 9, "invalid configuration argument")        \
	X(cudaErrorInsufficientDriver, 35,                                           \
		"CUDA driver version is insufficient for CUDA runtime version")      \
	X(cudaErrorNoDevice, 100, "no CUDA-capable device is detected")              \
	X(cudaErrorInvalidDevice, 101, "invalid device ordinal")                     \
	X(cudaErrorInvalidResourceHandle, 400, "invalid resource handle")            \
	X(cudaErrorNotReady, 600, "device not ready")                                \
	X(cudaErrorStreamCaptureUnsupported, 900,                                    \
		"operation not permitted when stream is capturing")                  \
	X(cudaErrorStreamCaptureInvalidated, 901,                                    \
		"operation failed due to a previous error during capture")           \
	X(cudaErrorStreamCaptureMerge, 902,                                          \
		"operation would result in a merge of separate capture sequences")   \
	X(cudaErrorStreamCaptureUnmatched, 903,                                      \
		"capture was not ended in the same stream as it began")              \
	X(cudaErrorStreamCaptureUnjoined, 904, "capturing stream has unjoined work") \
	X(cudaErrorStreamCaptureIsolation, 905,                                      \
		"dependency created on uncaptured work in another stream")
#define CU_ERROR(name, value, text) name = value,
enum cudaError_t { CU_ERRORS(CU_ERROR) };
#undef CU_ERROR

enum cudaMemcpyKind {
	cudaMemcpyHostToHost,
	cudaMemcpyHostToDevice,
	cudaMemcpyDeviceToHost,
	cudaMemcpyDeviceToDevice,
	cudaMemcpyDefault
};
enum cudaStreamCaptureMode {
	cudaStreamCaptureModeGlobal,
	cudaStreamCaptureModeThreadLocal,
	cudaStreamCaptureModeRelaxed
};
enum { cudaStreamDefault = 0, cudaStreamNonBlocking = 1 };
enum { cudaEventDefault = 0, cudaEventBlockingSync = 1, cudaEventDisableTiming = 2 };
enum { cudaDeviceScheduleAuto = 0, cudaDeviceScheduleBlockingSync = 4 };
enum { cudaHostAllocDefault = 0, cudaHostAllocPortable = 1 };
enum cudaFuncAttribute { cudaFuncAttributeMaxDynamicSharedMemorySize = 8 };
enum cudaDeviceAttr {
	cudaDevAttrMultiProcessorCount = 16,
	cudaDevAttrComputeCapabilityMajor = 75,
	cudaDevAttrComputeCapabilityMinor = 76,
	cudaDevAttrMaxSharedMemoryPerBlockOptin = 97
};
struct cudaDeviceProp {
	char name[256];
	size_t totalGlobalMem, sharedMemPerBlock, sharedMemPerBlockOptin;
	int major, minor, multiProcessorCount, l2CacheSize, warpSize;
};

struct cu_stream;
struct cu_event;
struct cu_graph;
struct cu_graph_exec;
typedef cu_stream *cudaStream_t;
typedef cu_event *cudaEvent_t;
typedef cu_graph *cudaGraph_t;
typedef cu_graph_exec *cudaGraphExec_t;

const char *cudaGetErrorString(cudaError_t e);
const char *cudaGetErrorName(cudaError_t e);
cudaError_t cudaGetLastError(void);
cudaError_t cudaPeekAtLastError(void);
cudaError_t cudaGetDeviceCount(int *n);
cudaError_t cudaGetDevice(int *d);
cudaError_t cudaSetDevice(int d);
cudaError_t cudaSetDeviceFlags(unsigned flags);
cudaError_t cudaGetDeviceProperties(cudaDeviceProp *p, int d);
cudaError_t cudaDeviceGetAttribute(int *value, cudaDeviceAttr a, int d);
cudaError_t cudaDeviceSynchronize(void);
cudaError_t cudaRuntimeGetVersion(int *version);
cudaError_t cudaDriverGetVersion(int *version);
cudaError_t cu_func_smem(const void *function, int bytes);
template <class F>
static inline cudaError_t cudaFuncSetAttribute(F *f, cudaFuncAttribute, int value)
{
	return cu_func_smem((const void *)f, value);
}

cudaError_t cudaMemGetInfo(size_t *available, size_t *total);
cudaError_t cu_malloc(void **p, size_t n);
cudaError_t cu_malloc_host(void **p, size_t n);
template <class T> static inline cudaError_t cudaMalloc(T **p, size_t n)
{
	return cu_malloc((void **)p, n);
}
template <class T> static inline cudaError_t cudaMallocHost(T **p, size_t n)
{
	return cu_malloc_host((void **)p, n);
}
template <class T> static inline cudaError_t cudaHostAlloc(T **p, size_t n, unsigned)
{
	return cu_malloc_host((void **)p, n);
}
cudaError_t cudaFree(void *p);
cudaError_t cudaFreeHost(void *p);
cudaError_t cudaMemcpy(void *to, const void *from, size_t n, cudaMemcpyKind kind);
cudaError_t cudaMemcpyAsync(
	void *to, const void *from, size_t n, cudaMemcpyKind kind, cudaStream_t s = nullptr);
cudaError_t cudaMemset(void *to, int byte, size_t n);
cudaError_t cudaMemsetAsync(void *to, int byte, size_t n, cudaStream_t s = nullptr);

cudaError_t cudaStreamCreate(cudaStream_t *s);
cudaError_t cudaStreamCreateWithFlags(cudaStream_t *s, unsigned flags);
cudaError_t cudaStreamDestroy(cudaStream_t s);
cudaError_t cudaStreamSynchronize(cudaStream_t s);
cudaError_t cudaStreamWaitEvent(cudaStream_t s, cudaEvent_t e, unsigned flags = 0);
cudaError_t cudaEventCreate(cudaEvent_t *e);
cudaError_t cudaEventCreateWithFlags(cudaEvent_t *e, unsigned flags);
cudaError_t cudaEventDestroy(cudaEvent_t e);
cudaError_t cudaEventRecord(cudaEvent_t e, cudaStream_t s = nullptr);
cudaError_t cudaEventSynchronize(cudaEvent_t e);
cudaError_t cudaEventElapsedTime(float *ms, cudaEvent_t from, cudaEvent_t to);
cudaError_t cudaStreamBeginCapture(cudaStream_t s, cudaStreamCaptureMode mode);
cudaError_t cudaStreamEndCapture(cudaStream_t s, cudaGraph_t *g);
cudaError_t cudaGraphInstantiate(cudaGraphExec_t *x, cudaGraph_t g, unsigned long long flags = 0);
cudaError_t cudaGraphLaunch(cudaGraphExec_t x, cudaStream_t s);
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t x);
cudaError_t cudaGraphDestroy(cudaGraph_t g);

#define CUDART_VERSION	 13000
#define CUBLAS_VER_MAJOR 13

/* A library and a function of it: there are only cuBLAS and cublasLt (host_lt.h), and
   CUDA_HOST_NO_BLAS=1 takes them away. */
void *cu_library_open(const char *name);
void *cu_library_symbol(void *library, const char *name);
#define LIBRARY_OPEN(name)	      cu_library_open(name)
#define LIBRARY_SYMBOL(library, name) cu_library_symbol(library, name)

/* cuBLAS. TF32 is what the math mode says: the inputs rounded to 10 bits of mantissa. */
enum cublasStatus_t {
	CUBLAS_STATUS_SUCCESS = 0,
	CUBLAS_STATUS_NOT_INITIALIZED = 1,
	CUBLAS_STATUS_ALLOC_FAILED = 3,
	CUBLAS_STATUS_INVALID_VALUE = 7,
	CUBLAS_STATUS_NOT_SUPPORTED = 15
};
enum cublasOperation_t { CUBLAS_OP_N, CUBLAS_OP_T };
enum cublasMath_t {
	CUBLAS_DEFAULT_MATH = 0,
	CUBLAS_PEDANTIC_MATH = 2,
	CUBLAS_TF32_TENSOR_OP_MATH = 3
};
struct cu_blas;
typedef cu_blas *cublasHandle_t;
cublasStatus_t cublasCreate(cublasHandle_t *h);
cublasStatus_t cublasDestroy(cublasHandle_t h);
cublasStatus_t cublasSetStream(cublasHandle_t h, cudaStream_t s);
cublasStatus_t cublasGetStream(cublasHandle_t h, cudaStream_t *s);
cublasStatus_t cublasSetMathMode(cublasHandle_t h, cublasMath_t mode);
cublasStatus_t cublasSetWorkspace(cublasHandle_t h, void *workspace, size_t size);
cublasStatus_t cublasSgemm(cublasHandle_t h, cublasOperation_t ta, cublasOperation_t tb, int m,
	int n, int k, const float *alpha, const float *a, int lda, const float *b, int ldb,
	const float *beta, float *c, int ldc);
cublasStatus_t cublasSgemmStridedBatched(cublasHandle_t h, cublasOperation_t ta,
	cublasOperation_t tb, int m, int n, int k, const float *alpha, const float *a, int lda,
	long long stride_a, const float *b, int ldb, long long stride_b, const float *beta,
	float *c, int ldc, long long stride_c, int count);
const char *cublasGetStatusString(cublasStatus_t s);

#endif
