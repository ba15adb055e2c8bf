#include "cuda/blas.h"

#define TEXT_OF(x)   #x
#define TEXT(x)	     TEXT_OF(x)
#define BLAS_LIBRARY "libcublas.so." TEXT(CUBLAS_VER_MAJOR)
#define LT_LIBRARY   "libcublasLt.so." TEXT(CUBLAS_VER_MAJOR)
#define TOOLKIT	     "/usr/local/cuda/lib64/"

/* A library, and the name that messages give it. */
struct library {
	const char *name;
	void *handle;
};

static struct library open_library(const char *name, const char *in_toolkit)
{
	struct library library = { name, LIBRARY_OPEN(name) };

	if (!library.handle)
		library.handle = LIBRARY_OPEN(in_toolkit);
	if (!library.handle)
		die("cuda: layers of more than 64 units need cuBLAS, and neither the loader "
		    "nor " TOOLKIT " has %s",
			name);
	return library;
}

template <class F> static void find(const struct library *library, const char *name, F *function)
{
	*function = (F)LIBRARY_SYMBOL(library->handle, name);
	if (!*function)
		die("cuda: %s has no %s", library->name, name);
}

static struct blas load(void)
{
	const struct library library = open_library(BLAS_LIBRARY, TOOLKIT BLAS_LIBRARY);
	struct blas b;

	find(&library, TEXT(cublasCreate), &b.create);
	find(&library, TEXT(cublasDestroy), &b.destroy);
	find(&library, TEXT(cublasSetStream), &b.set_stream);
	find(&library, TEXT(cublasGetStream), &b.get_stream);
	find(&library, TEXT(cublasSetMathMode), &b.set_math_mode);
	find(&library, TEXT(cublasSetWorkspace), &b.set_workspace);
	find(&library, TEXT(cublasSgemm), &b.sgemm);
	find(&library, TEXT(cublasSgemmStridedBatched), &b.sgemm_batched);
	find(&library, TEXT(cublasGetStatusString), &b.status_string);
	return b;
}

static struct blas_lt load_lt(void)
{
	const struct library library = open_library(LT_LIBRARY, TOOLKIT LT_LIBRARY);
	struct blas_lt b;

	find(&library, "cublasLtCreate", &b.create);
	find(&library, "cublasLtDestroy", &b.destroy);
	find(&library, "cublasLtMatmulDescCreate", &b.desc_create);
	find(&library, "cublasLtMatmulDescDestroy", &b.desc_destroy);
	find(&library, "cublasLtMatmulDescSetAttribute", &b.desc_set);
	find(&library, "cublasLtMatrixLayoutCreate", &b.layout_create);
	find(&library, "cublasLtMatrixLayoutDestroy", &b.layout_destroy);
	find(&library, "cublasLtMatrixLayoutSetAttribute", &b.layout_set);
	find(&library, "cublasLtMatmulPreferenceCreate", &b.preference_create);
	find(&library, "cublasLtMatmulPreferenceDestroy", &b.preference_destroy);
	find(&library, "cublasLtMatmulPreferenceSetAttribute", &b.preference_set);
	find(&library, "cublasLtMatmulAlgoGetHeuristic", &b.heuristic);
	find(&library, "cublasLtMatmul", &b.matmul);
	return b;
}

const struct blas *blas_load(void)
{
	static const struct blas functions = load();

	return &functions;
}

const struct blas_lt *blas_lt_load(void)
{
	static const struct blas_lt functions = load_lt();

	return &functions;
}

void blas_check(cublasStatus_t status, const char *call)
{
	const char *name = strstr(call, "->"); /* blas_load()->sgemm(...) */

	if (status != CUBLAS_STATUS_SUCCESS)
		die("cuBLAS: %.*s failed: %s", (int)strcspn(name + 2, "("), name + 2,
			blas_load()->status_string(status));
}
