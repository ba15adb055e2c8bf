#include "cuda/blas.h"

#define TEXT_OF(x)   #x
#define TEXT(x)	     TEXT_OF(x)
#define BLAS_LIBRARY "libcublas.so." TEXT(CUBLAS_VER_MAJOR)
#define TOOLKIT	     "/usr/local/cuda/lib64/"

template <class F> static void find(void *library, const char *name, F *function)
{
	*function = (F)LIBRARY_SYMBOL(library, name);
	if (!*function)
		die("cuda: " BLAS_LIBRARY " has no %s", name);
}

static struct blas load(void)
{
	struct blas b;
	void *library = LIBRARY_OPEN(BLAS_LIBRARY);

	if (!library)
		library = LIBRARY_OPEN(TOOLKIT BLAS_LIBRARY);
	if (!library)
		die("cuda: layers of more than 64 units need cuBLAS, and neither the loader "
		    "nor " TOOLKIT " has " BLAS_LIBRARY);
	find(library, TEXT(cublasCreate), &b.create);
	find(library, TEXT(cublasDestroy), &b.destroy);
	find(library, TEXT(cublasSetStream), &b.set_stream);
	find(library, TEXT(cublasGetStream), &b.get_stream);
	find(library, TEXT(cublasSetMathMode), &b.set_math_mode);
	find(library, TEXT(cublasSetWorkspace), &b.set_workspace);
	find(library, TEXT(cublasSgemm), &b.sgemm);
	find(library, TEXT(cublasSgemmStridedBatched), &b.sgemm_batched);
	find(library, TEXT(cublasGetStatusString), &b.status_string);
	return b;
}

const struct blas *blas_load(void)
{
	static const struct blas functions = load();

	return &functions;
}

void blas_check(cublasStatus_t status, const char *call)
{
	const char *name = strstr(call, "->"); /* blas_load()->sgemm(...) */

	if (status != CUBLAS_STATUS_SUCCESS)
		die("cuBLAS: %.*s failed: %s", (int)strcspn(name + 2, "("), name + 2,
			blas_load()->status_string(status));
}
