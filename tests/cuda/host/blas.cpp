/* blas: cuBLAS's sgemm, by product.cpp. */
#include "product.h"

struct cu_blas {
	cudaStream_t stream = nullptr;
	cublasMath_t mode = CUBLAS_DEFAULT_MATH;
};

cublasStatus_t cublasCreate(cublasHandle_t *h)
{
	if (cu_opt.no_device)
		return CUBLAS_STATUS_NOT_INITIALIZED;
	*h = new cu_blas;
	return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasDestroy(cublasHandle_t h)
{
	delete h;
	return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasSetStream(cublasHandle_t h, cudaStream_t s)
{
	h->stream = s;
	return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasGetStream(cublasHandle_t h, cudaStream_t *s)
{
	*s = h->stream;
	return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasSetMathMode(cublasHandle_t h, cublasMath_t mode)
{
	h->mode = mode;
	return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasSetWorkspace(cublasHandle_t, void *workspace, size_t size)
{
	if (size)
		cu_need(workspace, size, CU_DEVICE, "cublasSetWorkspace");
	return CUBLAS_STATUS_SUCCESS;
}

const char *cublasGetStatusString(cublasStatus_t s)
{
	switch (s) {
	case CUBLAS_STATUS_SUCCESS:
		return "CUBLAS_STATUS_SUCCESS";
	case CUBLAS_STATUS_NOT_INITIALIZED:
		return "CUBLAS_STATUS_NOT_INITIALIZED";
	case CUBLAS_STATUS_ALLOC_FAILED:
		return "CUBLAS_STATUS_ALLOC_FAILED";
	case CUBLAS_STATUS_INVALID_VALUE:
		return "CUBLAS_STATUS_INVALID_VALUE";
	case CUBLAS_STATUS_NOT_SUPPORTED:
		return "CUBLAS_STATUS_NOT_SUPPORTED";
	}
	return "unknown status";
}

cublasStatus_t cublasSgemm(cublasHandle_t h, cublasOperation_t ta, cublasOperation_t tb, int m,
	int n, int k, const float *alpha, const float *a, int lda, const float *b, int ldb,
	const float *beta, float *c, int ldc)
{
	cu_product p = { "cublasSgemm", { CUDA_R_32F, ta, m, k, a, lda },
		{ CUDA_R_32F, tb, k, n, b, ldb }, { CUDA_R_32F, CUBLAS_OP_N, m, n, c, ldc }, *alpha,
		*beta, h->mode == CUBLAS_TF32_TENSOR_OP_MATH, nullptr };

	if (!cu_product_fits(p))
		return CUBLAS_STATUS_INVALID_VALUE;
	cu_submit(h->stream, [=] { cu_product_run(p); });
	return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasSgemmStridedBatched(cublasHandle_t h, cublasOperation_t ta,
	cublasOperation_t tb, int m, int n, int k, const float *alpha, const float *a, int lda,
	long long stride_a, const float *b, int ldb, long long stride_b, const float *beta,
	float *c, int ldc, long long stride_c, int count)
{
	cublasStatus_t s = CUBLAS_STATUS_SUCCESS;

	if (count > 1 && stride_c < (long long)ldc * n)
		cu_die("cublasSgemmStridedBatched: the results overlap");
	for (int i = 0; i < count && s == CUBLAS_STATUS_SUCCESS; i++)
		s = cublasSgemm(h, ta, tb, m, n, k, alpha, a + i * stride_a, lda, b + i * stride_b,
			ldb, beta, c + i * stride_c, ldc);
	return s;
}

void *cu_library_open(const char *name)
{
	bool there = strstr(name, "libcublas.so.13") || strstr(name, "libcublasLt.so.13");

	return cu_opt.no_blas || !there ? nullptr : (void *)name;
}

void *cu_library_symbol(void *, const char *name)
{
	static const struct {
		const char *name;
		void *function;
	} all[] = {
#define CU_BLAS(f) { #f, (void *)f }
		CU_BLAS(cublasCreate), CU_BLAS(cublasDestroy), CU_BLAS(cublasSetStream),
		CU_BLAS(cublasGetStream), CU_BLAS(cublasSetMathMode), CU_BLAS(cublasSetWorkspace),
		CU_BLAS(cublasSgemm), CU_BLAS(cublasSgemmStridedBatched),
		CU_BLAS(cublasGetStatusString), CU_BLAS(cublasLtCreate), CU_BLAS(cublasLtDestroy),
		CU_BLAS(cublasLtMatmulDescCreate), CU_BLAS(cublasLtMatmulDescDestroy),
		CU_BLAS(cublasLtMatmulDescSetAttribute), CU_BLAS(cublasLtMatrixLayoutCreate),
		CU_BLAS(cublasLtMatrixLayoutDestroy), CU_BLAS(cublasLtMatrixLayoutSetAttribute),
		CU_BLAS(cublasLtMatmulPreferenceCreate), CU_BLAS(cublasLtMatmulPreferenceDestroy),
		CU_BLAS(cublasLtMatmulPreferenceSetAttribute),
		CU_BLAS(cublasLtMatmulAlgoGetHeuristic), CU_BLAS(cublasLtMatmul)
#undef CU_BLAS
	};

	for (auto &f : all)
		if (!strcmp(name, f.name))
			return f.function;
	return nullptr;
}
