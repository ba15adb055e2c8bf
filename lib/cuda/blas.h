/*
 * blas: cuBLAS and cublasLt, which comes with it, loaded when the first wide layer asks for them. A
 * network of narrow layers needs neither, and they take half a second and 200 MB.
 */
#ifndef BLAS_H
#define BLAS_H

#include "cuda/gpu.h"

/* The functions of cuBLAS that the backend calls. */
struct blas {
	decltype(&cublasCreate) create;
	decltype(&cublasDestroy) destroy;
	decltype(&cublasSetStream) set_stream;
	decltype(&cublasGetStream) get_stream;
	decltype(&cublasSetMathMode) set_math_mode;
	decltype(&cublasSetWorkspace) set_workspace;
	decltype(&cublasSgemm) sgemm;
	decltype(&cublasSgemmStridedBatched) sgemm_batched;
	decltype(&cublasGetStatusString) status_string;
};

/* Those of cublasLt. */
struct blas_lt {
	decltype(&cublasLtCreate) create;
	decltype(&cublasLtDestroy) destroy;
	decltype(&cublasLtMatmulDescCreate) desc_create;
	decltype(&cublasLtMatmulDescDestroy) desc_destroy;
	decltype(&cublasLtMatmulDescSetAttribute) desc_set;
	decltype(&cublasLtMatrixLayoutCreate) layout_create;
	decltype(&cublasLtMatrixLayoutDestroy) layout_destroy;
	decltype(&cublasLtMatrixLayoutSetAttribute) layout_set;
	decltype(&cublasLtMatmulPreferenceCreate) preference_create;
	decltype(&cublasLtMatmulPreferenceDestroy) preference_destroy;
	decltype(&cublasLtMatmulPreferenceSetAttribute) preference_set;
	decltype(&cublasLtMatmulAlgoGetHeuristic) heuristic;
	decltype(&cublasLtMatmul) matmul;
};

/*
 * The library of the version that the plug-in was built with, from where the loader finds it or from
 * /usr/local/cuda; dies, with the reason, where there is none.
 */
const struct blas *blas_load(void);
const struct blas_lt *blas_lt_load(void);

/* Die if a call of cuBLAS failed. */
#define CUBLAS(call) blas_check((call), #call)
void blas_check(cublasStatus_t status, const char *call);

#endif
