#include "cuda/fused.h"

#include "cuda/blas.h"

/* Rows and arrays begin at multiples of this many bytes, or cublasLt is not asked. */
enum { ALIGNMENT = 16 };

/* D (m, n) = op(A) (m, k) op(B) (k, n), column-major, that is transposed; see dense.cu. */
struct product {
	cublasOperation_t ta;
	uint32_t m, n, k;
	const void *a, *b;
	uint32_t lda;
	void *d;
	cublasLtEpilogue_t epilogue;
	const void *bias; /* (m) */
	const void *mask; /* as fused_mask_words(n, m) */
};

/* The same for cublasLt. */
struct description {
	cublasLtMatmulDesc_t work;
	cublasLtMatrixLayout_t a, b, d;
};

template <class T>
static void set_work(cublasLtMatmulDesc_t work, cublasLtMatmulDescAttributes_t what, T value)
{
	CUBLAS(blas_lt_load()->desc_set(work, what, &value, sizeof(value)));
}

static cublasLtMatrixLayout_t layout(uint32_t rows, uint32_t cols, uint32_t ld)
{
	cublasLtMatrixLayout_t l;

	CUBLAS(blas_lt_load()->layout_create(&l, CUDA_R_32F, rows, cols, ld));
	return l;
}

static struct description describe(const struct fused *f, const struct product *p)
{
	struct description d;

	CUBLAS(blas_lt_load()->desc_create(&d.work, f->compute, CUDA_R_32F));
	set_work(d.work, CUBLASLT_MATMUL_DESC_TRANSA, p->ta);
	set_work(d.work, CUBLASLT_MATMUL_DESC_EPILOGUE, p->epilogue);
	if (p->bias)
		set_work(d.work, CUBLASLT_MATMUL_DESC_BIAS_POINTER, p->bias);
	if (p->mask) {
		set_work(d.work, CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_POINTER, p->mask);
		set_work(d.work, CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_LD,
			(int64_t)fused_mask_words(1, p->m) * 32);
	}
	d.a = layout(
		p->ta == CUBLAS_OP_T ? p->k : p->m, p->ta == CUBLAS_OP_T ? p->m : p->k, p->lda);
	d.b = layout(p->k, p->n, p->k);
	d.d = layout(p->m, p->n, p->m);
	return d;
}

static void discard(const struct description *d)
{
	const struct blas_lt *lt = blas_lt_load();

	CUBLAS(lt->desc_destroy(d->work));
	CUBLAS(lt->layout_destroy(d->a));
	CUBLAS(lt->layout_destroy(d->b));
	CUBLAS(lt->layout_destroy(d->d));
}

template <class T>
static void prefer(cublasLtMatmulPreference_t p, cublasLtMatmulPreferenceAttributes_t what, T value)
{
	CUBLAS(blas_lt_load()->preference_set(p, what, &value, sizeof(value)));
}

/* The first algorithm of cublasLt's heuristic; false: there is none. */
static bool choose(
	const struct fused *f, const struct description *d, cublasLtMatmulHeuristicResult_t *best)
{
	const struct blas_lt *lt = blas_lt_load();
	cublasLtMatmulPreference_t p;
	int found = 0;

	CUBLAS(lt->preference_create(&p));
	prefer(p, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, (uint64_t)f->workspace_size);
	prefer(p, CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK,
		(uint32_t)CUBLASLT_REDUCTION_SCHEME_NONE);
	for (auto what : { CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES,
		     CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES,
		     CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES,
		     CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES })
		prefer(p, what, (uint32_t)ALIGNMENT);
	cublasStatus_t status =
		lt->heuristic(f->lt, d->work, d->a, d->b, d->d, d->d, p, 1, best, &found);
	CUBLAS(lt->preference_destroy(p));
	/* which of the two it says of a product that it lacks depends on its version */
	if (status == CUBLAS_STATUS_NOT_SUPPORTED || status == CUBLAS_STATUS_INVALID_VALUE)
		return false;
	blas_check(status, "lt->cublasLtMatmulAlgoGetHeuristic");
	return found > 0 && best->state == CUBLAS_STATUS_SUCCESS;
}

static bool aligned(const void *p)
{
	return (uintptr_t)p % ALIGNMENT == 0;
}

static bool run(const struct fused *f, const struct product *p)
{
	const float one = 1, zero = 0;
	cublasLtMatmulHeuristicResult_t best;

	if (!aligned(p->a) || !aligned(p->b) || !aligned(p->d))
		return false;
	const struct description d = describe(f, p);
	bool found = choose(f, &d, &best);
	if (found)
		CUBLAS(blas_lt_load()->matmul(f->lt, d.work, &one, p->a, d.a, p->b, d.b, &zero,
			p->d, d.d, p->d, d.d, &best.algo, f->workspace, f->workspace_size,
			f->stream));
	discard(&d);
	return found;
}

bool fused_forward_cuda(const struct fused *f, const float *x, const float *w, const float *bias,
	uint32_t rows, uint32_t in, uint32_t out, float *y, uint32_t *mask)
{
	struct product p = { CUBLAS_OP_T, out, rows, in, w, x, in, y,
		mask ? CUBLASLT_EPILOGUE_RELU_AUX_BIAS : CUBLASLT_EPILOGUE_RELU_BIAS, bias, mask };

	return run(f, &p);
}

bool fused_dx_cuda(const struct fused *f, const float *dy, const float *w, uint32_t rows,
	uint32_t in, uint32_t out, const uint32_t *mask, float *dx)
{
	struct product p = { CUBLAS_OP_N, in, rows, out, w, dy, in, dx, CUBLASLT_EPILOGUE_DRELU,
		NULL, mask };

	return run(f, &p);
}

__global__ void finite_kernel(const float *__restrict__ v, uint32_t n, struct loss_total *total)
{
	uint32_t i = blockIdx.x * blockDim.x + threadIdx.x;

	if (i < n && !isfinite(v[i]))
		atomicMin(&total->bad_batch, total->batches - 1);
}

void finite_cuda(cudaStream_t stream, const float *v, uint32_t n, struct loss_total *total)
{
	LAUNCH(finite_kernel, gpu_blocks(n, GPU_BLOCK), GPU_BLOCK, 0, stream, v, n, total);
	CHECK_LAUNCH();
}
