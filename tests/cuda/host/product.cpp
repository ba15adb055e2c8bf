/* product: extents are checked, TF32 rounds its inputs as tensor cores do, and products are summed
   in blocks, as in any fast product. */
#include "product.h"

float cu_load(cudaDataType_t type, const void *x, size_t at)
{
	return type == CUDA_R_32F ? ((const float *)x)[at]
				  : __bfloat162float(((const __nv_bfloat16 *)x)[at]);
}

void cu_store(cudaDataType_t type, void *x, size_t at, float v)
{
	if (type == CUDA_R_32F)
		((float *)x)[at] = v;
	else
		((__nv_bfloat16 *)x)[at] = __float2bfloat16_rn(v);
}

/* To nearest even at 10 bits of mantissa; infinities and NaNs stay. */
static float round_tf32(float x)
{
	uint32_t u = (uint32_t)cu_bits(x);

	if ((u & 0x7f800000u) != 0x7f800000u)
		u = (u + 0xfff + (u >> 13 & 1)) & ~0x1fffu;
	return cu_unbits<float>(u);
}

/* op(x), as a dense column-major matrix. */
static std::vector<float> pack(const cu_matrix &x, bool tf32)
{
	std::vector<float> out((size_t)x.rows * (size_t)x.cols);
	size_t down = x.op == CUBLAS_OP_N ? 1 : (size_t)x.ld,
	       across = x.op == CUBLAS_OP_N ? (size_t)x.ld : 1;
	float *o = out.data();

	for (int c = 0; c < x.cols; c++)
		for (int r = 0; r < x.rows; r++) {
			float v = cu_load(x.type, x.at, (size_t)r * down + (size_t)c * across);

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

/* v without the bits that a float lacks. */
static float cut(double v)
{
	float f = (float)v;

	return cu_unbits<float>((uint32_t)cu_bits(f) - (fabs((double)f) > fabs(v)));
}

/* count <= WIDE numbers of the next. */
enum { WIDE = 64, TENSOR_TERMS = 16 };
static void tensor_rows(
	int count, int m, int k, float alpha, const float *a, const float *b, float *c)
{
	float sum[WIDE] = { 0 };

	for (int p = 0; p < k;) {
		int end = p + TENSOR_TERMS < k ? p + TENSOR_TERMS : k;
		double part[WIDE];

		for (int i = 0; i < count; i++)
			part[i] = sum[i];
		for (; p < end; p++)
			for (int i = 0; i < count; i++)
				part[i] += (double)a[(size_t)p * (size_t)m + (size_t)i] * b[p];
		for (int i = 0; i < count; i++)
			sum[i] = cut(part[i]);
	}
	for (int i = 0; i < count; i++)
		c[i] += alpha * sum[i];
}

/*
 * As column(), the way tensor cores do it: 16 products at a time are added to the sum, which is then
 * cut off, not rounded (Fasi, Higham, Mikaitis & Pranesh 2021, "Numerical behavior of NVIDIA tensor
 * cores").
 */
static void tensor_column(
	int m, int k, float alpha, const float *a, const float *b, float *, float *c)
{
	for (int i = 0; i < m; i += WIDE)
		tensor_rows(m - i < WIDE ? m - i : WIDE, m, k, alpha, a + i, b, c + i);
}

/* Every element of it is in device memory. */
static void need(const cu_matrix &x, const char *letter, const char *name)
{
	size_t rows = (size_t)x.rows, cols = (size_t)x.cols;
	char what[64];

	if (x.op != CUBLAS_OP_N)
		std::swap(rows, cols);
	snprintf(what, sizeof(what), "%s of %s", letter, name);
	if (rows && cols)
		cu_need(x.at, ((cols - 1) * (size_t)x.ld + rows) * (x.type == CUDA_R_32F ? 4 : 2),
			CU_DEVICE, what);
}

void cu_product_run(const cu_product &p)
{
	const int m = p.d.rows, n = p.d.cols, k = p.a.cols;
	const bool tensor = p.tf32 || p.a.type != CUDA_R_32F;

	if (!m || !n)
		return;
	need(p.a, "A", p.name);
	need(p.b, "B", p.name);
	need(p.d, "C", p.name);
	cu_enter_device();
	std::vector<float> a = pack(p.a, p.tf32), b = pack(p.b, p.tf32), sum((size_t)m),
			   c((size_t)m);
	for (int j = 0; j < n; j++) {
		size_t at = (size_t)j * (size_t)p.d.ld;

		for (int i = 0; i < m; i++) /* beta 0 does not read C */
			c[(size_t)i] = p.beta == 0
					       ? 0
					       : p.beta * cu_load(p.d.type, p.d.at, at + (size_t)i);
		(tensor ? tensor_column : column)(m, k, p.alpha, a.data(),
			b.data() + (size_t)j * (size_t)k, sum.data(), c.data());
		if (p.epilogue)
			p.epilogue(j, c.data());
		for (int i = 0; i < m; i++)
			cu_store(p.d.type, (void *)p.d.at, at + (size_t)i, c[(size_t)i]);
	}
	cu_leave_device();
}

static bool fits(const cu_matrix &x)
{
	return x.rows >= 0 && x.cols >= 0 && x.ld >= (x.op == CUBLAS_OP_N ? x.rows : x.cols) &&
	       x.ld >= 1;
}

bool cu_product_fits(const cu_product &p)
{
	return fits(p.a) && fits(p.b) && fits(p.d) && p.a.cols == p.b.rows &&
	       p.a.rows == p.d.rows && p.b.cols == p.d.cols;
}
