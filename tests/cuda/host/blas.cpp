/* blas: cuBLAS's sgemm in plain loops. Extents are checked, TF32 rounds its inputs as tensor cores
   do, and products are summed in blocks, as in any fast sgemm. */
#include "host.h"

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
	}
	return "unknown status";
}

/* To nearest even at 10 bits of mantissa; infinities and NaNs stay. */
static float round_tf32(float x)
{
	uint32_t u = (uint32_t)cu_bits(x);

	if ((u & 0x7f800000u) != 0x7f800000u)
		u = (u + 0xfff + (u >> 13 & 1)) & ~0x1fffu;
	return cu_unbits<float>(u);
}

/* op(x) (rows, cols), as a dense column-major matrix. */
static std::vector<float> pack(
	cublasOperation_t op, int rows, int cols, const float *x, int ld, bool tf32)
{
	std::vector<float> out((size_t)rows * (size_t)cols);
	size_t down = op == CUBLAS_OP_N ? 1 : (size_t)ld,
	       across = op == CUBLAS_OP_N ? (size_t)ld : 1;
	float *o = out.data();

	for (int c = 0; c < cols; c++)
		for (int r = 0; r < rows; r++) {
			float v = x[(size_t)r * down + (size_t)c * across];

			*o++ = tf32 ? round_tf32(v) : v;
		}
	return out;
}

/* c (m) += a (m, k) b (k), the products summed in blocks of 64. */
static void column(int m, int k, float alpha, const float *a, const float *b, float *sum, float *c)
{
	for (int p = 0; p < k;) {
		int end = p + 64 < k ? p + 64 : k;

		for (int i = 0; i < m; i++)
			sum[i] = 0;
		for (; p < end; p++) {
			const float *ap = a + (size_t)p * (size_t)m;

			for (int i = 0; i < m; i++)
				sum[i] += ap[i] * b[p];
		}
		for (int i = 0; i < m; i++)
			c[i] += alpha * sum[i];
	}
}

struct gemm {
	cublasOperation_t ta, tb;
	int m, n, k;
	float alpha;
	const float *a;
	int lda;
	const float *b;
	int ldb;
	float beta;
	float *c;
	int ldc;
	bool tf32;
};

static size_t extent(cublasOperation_t t, int rows, int cols, int ld)
{
	if (t != CUBLAS_OP_N)
		std::swap(rows, cols);
	return rows && cols ? ((size_t)(cols - 1) * (size_t)ld + (size_t)rows) * sizeof(float) : 0;
}

static void run(const gemm &g)
{
	if (!g.m || !g.n)
		return;
	cu_need(g.a, extent(g.ta, g.m, g.k, g.lda), CU_DEVICE, "A of cublasSgemm");
	cu_need(g.b, extent(g.tb, g.k, g.n, g.ldb), CU_DEVICE, "B of cublasSgemm");
	cu_need(g.c, extent(CUBLAS_OP_N, g.m, g.n, g.ldc), CU_DEVICE, "C of cublasSgemm");
	cu_enter_device();
	std::vector<float> a = pack(g.ta, g.m, g.k, g.a, g.lda, g.tf32), sum((size_t)g.m);
	std::vector<float> b = pack(g.tb, g.k, g.n, g.b, g.ldb, g.tf32);
	for (int j = 0; j < g.n; j++) {
		float *c = g.c + (size_t)j * (size_t)g.ldc;

		for (int i = 0; i < g.m; i++) /* beta 0 does not read C */
			c[i] = g.beta == 0 ? 0 : g.beta * c[i];
		column(g.m, g.k, g.alpha, a.data(), b.data() + (size_t)j * (size_t)g.k, sum.data(),
			c);
	}
	cu_leave_device();
}

static bool bad_ld(cublasOperation_t t, int rows, int cols, int ld)
{
	return ld < (t == CUBLAS_OP_N ? rows : cols) || ld < 1;
}

cublasStatus_t cublasSgemm(cublasHandle_t h, cublasOperation_t ta, cublasOperation_t tb, int m,
	int n, int k, const float *alpha, const float *a, int lda, const float *b, int ldb,
	const float *beta, float *c, int ldc)
{
	gemm g = { ta, tb, m, n, k, *alpha, a, lda, b, ldb, *beta, c, ldc,
		h->mode == CUBLAS_TF32_TENSOR_OP_MATH };

	if (m < 0 || n < 0 || k < 0 || bad_ld(ta, m, k, lda) || bad_ld(tb, k, n, ldb) || ldc < m ||
		ldc < 1)
		return CUBLAS_STATUS_INVALID_VALUE;
	cu_submit(h->stream, [=] { run(g); });
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
	return cu_opt.no_blas || !strstr(name, "libcublas.so.13") ? nullptr : (void *)name;
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
		CU_BLAS(cublasGetStatusString)
#undef CU_BLAS
	};

	for (auto &f : all)
		if (!strcmp(name, f.name))
			return f.function;
	return nullptr;
}
