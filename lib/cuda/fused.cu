#include "cuda/fused.h"

#include "cuda/blas.h"

/* Rows and arrays begin at multiples of this many bytes, or cublasLt is not asked. */
enum { ALIGNMENT = 16 };

/* A matrix, column-major, that is transposed (see dense.cu), and how many more like it there are, so
   many numbers apart. */
struct matrix {
	const void *at;
	cudaDataType_t type;
	uint32_t rows, cols;
	int32_t count;
	int64_t stride;
};

/* D (m, n) = op(A) op(B), or added to it. */
struct product {
	struct matrix a, b, d;
	cublasOperation_t ta, tb;
	cublasLtEpilogue_t epilogue;
	const void *bias; /* (m) */
	const void *mask; /* as fused_mask_words(n, m) */
	bool add;
};

/* The same for cublasLt. */
struct description {
	cublasLtMatmulDesc_t work;
	cublasLtMatrixLayout_t a, b, d;
};

static cudaDataType_t type_of(const float *)
{
	return CUDA_R_32F;
}

static cudaDataType_t type_of(const bf16 *)
{
	return CUDA_R_16BF;
}

/* x (rows, cols) of ours. */
template <class T> static struct matrix matrix_of(const T *x, uint32_t rows, uint32_t cols)
{
	struct matrix m = { x, type_of(x), cols, rows, 1, 0 };

	return m;
}

template <class T>
static void set_work(cublasLtMatmulDesc_t work, cublasLtMatmulDescAttributes_t what, T value)
{
	CUBLAS(blas_lt_load()->desc_set(work, what, &value, sizeof(value)));
}

static cublasLtMatrixLayout_t layout(const struct matrix *m)
{
	const struct blas_lt *lt = blas_lt_load();
	cublasLtMatrixLayout_t l;

	CUBLAS(lt->layout_create(&l, m->type, m->rows, m->cols, m->rows));
	if (m->count > 1) {
		CUBLAS(lt->layout_set(
			l, CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, &m->count, sizeof(m->count)));
		CUBLAS(lt->layout_set(l, CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET, &m->stride,
			sizeof(m->stride)));
	}
	return l;
}

static struct description describe(const struct fused *f, const struct product *p)
{
	struct description d;

	CUBLAS(blas_lt_load()->desc_create(&d.work, f->compute, CUDA_R_32F));
	set_work(d.work, CUBLASLT_MATMUL_DESC_TRANSA, p->ta);
	set_work(d.work, CUBLASLT_MATMUL_DESC_TRANSB, p->tb);
	set_work(d.work, CUBLASLT_MATMUL_DESC_EPILOGUE, p->epilogue);
	if (p->bias)
		set_work(d.work, CUBLASLT_MATMUL_DESC_BIAS_POINTER, p->bias);
	if (p->mask) {
		set_work(d.work, CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_POINTER, p->mask);
		set_work(d.work, CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_LD,
			(int64_t)fused_mask_words(1, p->d.rows) * 32);
	}
	d.a = layout(&p->a);
	d.b = layout(&p->b);
	d.d = layout(&p->d);
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

static bool aligned(const struct matrix *m)
{
	return (uintptr_t)m->at % ALIGNMENT == 0;
}

static bool run(const struct fused *f, const struct product *p)
{
	const float one = 1, beta = p->add;
	cublasLtMatmulHeuristicResult_t best;

	if (!aligned(&p->a) || !aligned(&p->b) || !aligned(&p->d))
		return false;
	const struct description d = describe(f, p);
	bool found = choose(f, &d, &best);
	if (found)
		CUBLAS(blas_lt_load()->matmul(f->lt, d.work, &one, p->a.at, d.a, p->b.at, d.b,
			&beta, p->d.at, d.d, (void *)p->d.at, d.d, &best.algo, f->workspace,
			f->workspace_size, f->stream));
	discard(&d);
	return found;
}

template <class T, class Y>
bool fused_forward_cuda(const struct fused *f, const T *x, const T *w, const Y *bias, uint32_t rows,
	uint32_t in, uint32_t out, Y *y, uint32_t *mask)
{
	const struct product p = { matrix_of(w, out, in), matrix_of(x, rows, in),
		matrix_of(y, rows, out), CUBLAS_OP_T, CUBLAS_OP_N,
		mask ? CUBLASLT_EPILOGUE_RELU_AUX_BIAS : CUBLASLT_EPILOGUE_RELU_BIAS, bias, mask,
		false };

	return run(f, &p);
}

template <class T, class X>
bool fused_dx_cuda(const struct fused *f, const T *dy, const T *w, uint32_t rows, uint32_t in,
	uint32_t out, const uint32_t *mask, X *dx)
{
	const struct product p = { matrix_of(w, out, in), matrix_of(dy, rows, out),
		matrix_of(dx, rows, in), CUBLAS_OP_N, CUBLAS_OP_N,
		mask ? CUBLASLT_EPILOGUE_DRELU : CUBLASLT_EPILOGUE_DEFAULT, NULL, mask, false };

	return run(f, &p);
}

#define INSTANCES(T, Y)                                                                         \
	template bool fused_forward_cuda(const struct fused *, const T *, const T *, const Y *, \
		uint32_t, uint32_t, uint32_t, Y *, uint32_t *);                                 \
	template bool fused_dx_cuda(const struct fused *, const T *, const T *, uint32_t,       \
		uint32_t, uint32_t, const uint32_t *, Y *)
INSTANCES(float, float);
INSTANCES(bf16, bf16);
INSTANCES(bf16, float);

/* dw, of `rows` rows, `count` times: each of its rows and to an array of its own. */
static struct product dw_product(const bf16 *dy, const bf16 *x, uint32_t rows, uint32_t in,
	uint32_t out, int32_t count, float *dw)
{
	struct product p = { matrix_of(x, rows, in), matrix_of(dy, rows, out),
		matrix_of(dw, out, in), CUBLAS_OP_N, CUBLAS_OP_T, CUBLASLT_EPILOGUE_DEFAULT, NULL,
		NULL, false };

	p.a.count = p.b.count = p.d.count = count;
	p.a.stride = (int64_t)rows * in;
	p.b.stride = (int64_t)rows * out;
	p.d.stride = (int64_t)in * out;
	return p;
}

/* As dense_dw_cuda. */
bool fused_dw_cuda(const struct fused *f, const bf16 *dy, const bf16 *x, uint32_t rows, uint32_t in,
	uint32_t out, float *dw, float *partial)
{
	uint32_t each = rows / DENSE_SLICES, rest = rows % DENSE_SLICES;
	size_t begin = (size_t)rows - rest;
	struct product p = dw_product(dy, x, rows, in, out, 1, dw);

	if (rows < DENSE_SLICED)
		return run(f, &p);
	p = dw_product(dy, x, each, in, out, DENSE_SLICES, partial);
	if (!run(f, &p))
		return false;
	p = dw_product(dy + begin * out, x + begin * in, rest, in, out, 1, partial);
	p.add = true;
	if (rest && !run(f, &p))
		return false;
	sum_slices_cuda(f->stream, partial, in, out, dw, in);
	return true;
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
