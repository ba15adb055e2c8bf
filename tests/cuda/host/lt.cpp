/* lt: cublasLt, by product.cpp; see host_lt.h for what it refuses. */
#include "product.h"

struct cu_lt {
};

struct cu_lt_work {
	cublasComputeType_t compute;
	cublasOperation_t ta = CUBLAS_OP_N, tb = CUBLAS_OP_N;
	cublasLtEpilogue_t epilogue = CUBLASLT_EPILOGUE_DEFAULT;
	const void *bias = nullptr;
	void *mask = nullptr;
	int64_t mask_ld = 0;
};

struct cu_lt_layout {
	cudaDataType_t type;
	int rows, cols, ld;
	int32_t count = 1;
	int64_t stride = 0;
};

struct cu_lt_preference {
	uint64_t workspace = 0;
	uint32_t reductions = 7, alignment[4] = { 256, 256, 256, 256 };
};

static int live; /* handles and descriptions */

template <class T, class... A> static cublasStatus_t make(T **at, A... a)
{
	*at = new T{ a... };
	live++;
	return CUBLAS_STATUS_SUCCESS;
}

template <class T> static cublasStatus_t destroy(T *p)
{
	delete p;
	live--;
	return CUBLAS_STATUS_SUCCESS;
}

template <class T> static cublasStatus_t set(T *to, const void *value, size_t size)
{
	if (size != sizeof(*to))
		return CUBLAS_STATUS_INVALID_VALUE;
	memcpy(to, value, size);
	return CUBLAS_STATUS_SUCCESS;
}

int cu_report_lt(void)
{
	if (live)
		fprintf(stderr, "cuda_host: %d objects of cublasLt were never destroyed\n", live);
	return live != 0;
}

cublasStatus_t cublasLtCreate(cublasLtHandle_t *h)
{
	return cu_opt.no_device ? CUBLAS_STATUS_NOT_INITIALIZED : make(h);
}

cublasStatus_t cublasLtDestroy(cublasLtHandle_t h)
{
	return destroy(h);
}

cublasStatus_t cublasLtMatmulDescCreate(
	cublasLtMatmulDesc_t *d, cublasComputeType_t compute, cudaDataType_t scale)
{
	return scale == CUDA_R_32F ? make(d, compute) : CUBLAS_STATUS_INVALID_VALUE;
}

cublasStatus_t cublasLtMatmulDescDestroy(cublasLtMatmulDesc_t d)
{
	return destroy(d);
}

cublasStatus_t cublasLtMatmulDescSetAttribute(
	cublasLtMatmulDesc_t d, cublasLtMatmulDescAttributes_t what, const void *value, size_t size)
{
	switch (what) {
	case CUBLASLT_MATMUL_DESC_TRANSA:
		return set(&d->ta, value, size);
	case CUBLASLT_MATMUL_DESC_TRANSB:
		return set(&d->tb, value, size);
	case CUBLASLT_MATMUL_DESC_EPILOGUE:
		return set(&d->epilogue, value, size);
	case CUBLASLT_MATMUL_DESC_BIAS_POINTER:
		return set(&d->bias, value, size);
	case CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_POINTER:
		return set(&d->mask, value, size);
	case CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_LD:
		return set(&d->mask_ld, value, size);
	}
	return CUBLAS_STATUS_INVALID_VALUE;
}

cublasStatus_t cublasLtMatrixLayoutCreate(
	cublasLtMatrixLayout_t *l, cudaDataType_t type, uint64_t rows, uint64_t cols, int64_t ld)
{
	return make(l, type, (int)rows, (int)cols, (int)ld);
}

cublasStatus_t cublasLtMatrixLayoutDestroy(cublasLtMatrixLayout_t l)
{
	return destroy(l);
}

cublasStatus_t cublasLtMatrixLayoutSetAttribute(cublasLtMatrixLayout_t l,
	cublasLtMatrixLayoutAttribute_t what, const void *value, size_t size)
{
	return what == CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT ? set(&l->count, value, size)
							  : set(&l->stride, value, size);
}

cublasStatus_t cublasLtMatmulPreferenceCreate(cublasLtMatmulPreference_t *p)
{
	return make(p);
}

cublasStatus_t cublasLtMatmulPreferenceDestroy(cublasLtMatmulPreference_t p)
{
	return destroy(p);
}

cublasStatus_t cublasLtMatmulPreferenceSetAttribute(cublasLtMatmulPreference_t p,
	cublasLtMatmulPreferenceAttributes_t what, const void *value, size_t size)
{
	switch (what) {
	case CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES:
		return set(&p->workspace, value, size);
	case CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK:
		return set(&p->reductions, value, size);
	case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES:
	case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES:
	case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES:
	case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES:
		return set(&p->alignment[what - CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES], value,
			size);
	}
	return CUBLAS_STATUS_INVALID_VALUE;
}

/* What an algorithm is good for; the workspace and the alignment it asks for come last. */
static cublasLtMatmulAlgo_t algorithm(cublasLtMatmulDesc_t w, cublasLtMatrixLayout_t a,
	cublasLtMatrixLayout_t b, cublasLtMatrixLayout_t d, uint64_t workspace, uint32_t alignment)
{
	return { { (uint64_t)d->rows << 32 | (uint32_t)d->cols,
		(uint64_t)a->rows << 32 | (uint32_t)b->rows,
		(uint64_t)a->ld << 32 | (uint32_t)b->ld, (uint64_t)w->epilogue << 32 | w->compute,
		(uint64_t)w->ta << 32 | w->tb,
		(uint64_t)a->type << 32 | (uint32_t)d->type << 16 | (uint32_t)d->count, workspace,
		alignment } };
}

static bool vectors(cublasLtMatrixLayout_t l)
{
	return l->ld * (l->type == CUDA_R_32F ? 4 : 2) % 16 == 0;
}

cublasStatus_t cublasLtMatmulAlgoGetHeuristic(cublasLtHandle_t, cublasLtMatmulDesc_t w,
	cublasLtMatrixLayout_t a, cublasLtMatrixLayout_t b, cublasLtMatrixLayout_t,
	cublasLtMatrixLayout_t d, cublasLtMatmulPreference_t p, int wanted,
	cublasLtMatmulHeuristicResult_t *result, int *found)
{
	uint32_t alignment = 256;

	*found = 0;
	for (uint32_t bytes : p->alignment)
		alignment = bytes < alignment ? bytes : alignment;
	if (p->reductions != CUBLASLT_REDUCTION_SCHEME_NONE)
		cu_die("cublasLtMatmulAlgoGetHeuristic: sums may be split between blocks, and "
		       "differ from run to run");
	if (w->epilogue & 128 && (w->mask_ld % 128 || w->mask_ld < d->rows || !w->mask))
		return CUBLAS_STATUS_INVALID_VALUE;
	if (wanted < 1 || !vectors(a) || !vectors(b) || !vectors(d) || alignment < 16)
		return CUBLAS_STATUS_NOT_SUPPORTED;
	if (w->epilogue == CUBLASLT_EPILOGUE_RELU_AUX_BIAS && b->rows % 8)
		return CUBLAS_STATUS_NOT_SUPPORTED;
	result->algo = algorithm(w, a, b, d, p->workspace, alignment);
	result->workspaceSize = p->workspace;
	result->state = CUBLAS_STATUS_SUCCESS;
	*found = 1;
	return CUBLAS_STATUS_SUCCESS;
}

/* A column of D, before it is written. */
static void finish(const cu_lt_work &w, cudaDataType_t type, int rows, int column, float *v)
{
	uint32_t *mask = (uint32_t *)w.mask + (size_t)column * (size_t)(w.mask_ld / 32);

	for (int i = 0; i < rows; i++) {
		uint32_t bit = 1u << i % 32;

		if (w.epilogue & CUBLASLT_EPILOGUE_BIAS)
			v[i] += cu_load(type, w.bias, (size_t)i);
		if (w.epilogue & CUBLASLT_EPILOGUE_RELU)
			v[i] = v[i] > 0 ? v[i] : 0;
		if (w.epilogue == CUBLASLT_EPILOGUE_RELU_AUX_BIAS)
			mask[i / 32] = (i % 32 ? mask[i / 32] : 0) | (v[i] > 0 ? bit : 0);
		if (w.epilogue == CUBLASLT_EPILOGUE_DRELU && !(mask[i / 32] & bit))
			v[i] = 0;
	}
}

static void run(const cu_lt_work &w, cu_product p, void *workspace, size_t size)
{
	const int rows = p.d.rows;
	const cudaDataType_t type = p.d.type;

	if (size)
		cu_need(workspace, size, CU_DEVICE, "workspace of cublasLtMatmul");
	if (w.epilogue & CUBLASLT_EPILOGUE_BIAS)
		cu_need(w.bias, (size_t)rows * (type == CUDA_R_32F ? 4 : 2), CU_DEVICE,
			"bias of cublasLtMatmul");
	if (w.epilogue & 128)
		cu_need(w.mask, (size_t)p.d.cols * (size_t)w.mask_ld / 8, CU_DEVICE,
			"mask of cublasLtMatmul");
	cu_enter_device();
	memset(workspace, 0xff, size < 65536 ? size : 65536); /* the rest would take long */
	cu_leave_device();
	p.epilogue = [=](int column, float *v) { finish(w, type, rows, column, v); };
	cu_product_run(p);
}

static cu_matrix matrix(cublasLtMatrixLayout_t l, cublasOperation_t op, const void *at)
{
	const bool turned = op == CUBLAS_OP_T;

	return { l->type, op, turned ? l->cols : l->rows, turned ? l->rows : l->cols, at, l->ld };
}

/* The same of the next product of a batch. */
static void next(cublasLtMatrixLayout_t l, cu_matrix *x)
{
	x->at = (const char *)x->at + l->stride * (l->type == CUDA_R_32F ? 4 : 2);
}

cublasStatus_t cublasLtMatmul(cublasLtHandle_t, cublasLtMatmulDesc_t work, const void *alpha,
	const void *a, cublasLtMatrixLayout_t la, const void *b, cublasLtMatrixLayout_t lb,
	const void *beta, const void *c, cublasLtMatrixLayout_t lc, void *d,
	cublasLtMatrixLayout_t ld, const cublasLtMatmulAlgo_t *algo, void *workspace,
	size_t workspace_size, cudaStream_t stream)
{
	const cu_lt_work w = *work;
	const cublasLtMatmulAlgo_t right =
		algorithm(work, la, lb, ld, algo->data[6], (uint32_t)algo->data[7]);
	const bool overlap = ld->count > 1 && ld->stride < (int64_t)ld->ld * ld->cols;
	cu_product p = { "cublasLtMatmul", matrix(la, w.ta, a), matrix(lb, w.tb, b),
		matrix(ld, CUBLAS_OP_N, d), *(const float *)alpha, *(const float *)beta,
		w.compute == CUBLAS_COMPUTE_32F_FAST_TF32, nullptr };

	if (memcmp(&right, algo, sizeof(right)) || algo->data[6] > workspace_size || c != d ||
		lc != ld || la->count != ld->count || lb->count != ld->count || overlap ||
		!cu_product_fits(p))
		return CUBLAS_STATUS_INVALID_VALUE;
	for (const void *at : { a, b, (const void *)d })
		if ((uintptr_t)at % algo->data[7])
			cu_die("cublasLtMatmul: an array is not aligned as it was said to be");
	for (int i = 0; i < ld->count; i++) {
		cu_submit(
			stream, [=, size = (size_t)algo->data[6]] { run(w, p, workspace, size); });
		next(la, &p.a);
		next(lb, &p.b);
		next(ld, &p.d);
	}
	return CUBLAS_STATUS_SUCCESS;
}
