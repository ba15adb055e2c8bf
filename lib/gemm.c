#include "gemm.h"

#ifndef BLAS_NONE

#include <cblas.h>
#include <stdio.h>

void gemm_init(void)
{
	openblas_set_num_threads(1);
}

const char *gemm_name(void)
{
	static char name[64];

	snprintf(name, sizeof(name), "OpenBLAS %s", openblas_get_corename());
	return name;
}

void gemm_nt(size_t m, size_t n, size_t k, const float *a, size_t lda, const float *b, size_t ldb,
	float beta, float *c, size_t ldc)
{
	cblas_sgemm(
		CblasRowMajor, CblasNoTrans, CblasTrans, m, n, k, 1, a, lda, b, ldb, beta, c, ldc);
}

void gemm_nn(size_t m, size_t n, size_t k, const float *a, size_t lda, const float *b, size_t ldb,
	float beta, float *c, size_t ldc)
{
	cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, m, n, k, 1, a, lda, b, ldb, beta, c,
		ldc);
}

void gemm_tn(size_t m, size_t n, size_t k, const float *a, size_t lda, const float *b, size_t ldb,
	float beta, float *c, size_t ldc)
{
	cblas_sgemm(
		CblasRowMajor, CblasTrans, CblasNoTrans, m, n, k, 1, a, lda, b, ldb, beta, c, ldc);
}

#else

void gemm_init(void)
{
}

const char *gemm_name(void)
{
	return "plain loops";
}

/* beta 0 must not read c, which may hold anything. */
static void scale(size_t m, size_t n, float beta, float *c, size_t ldc)
{
	for (size_t i = 0; i < m; i++)
		for (size_t j = 0; j < n; j++)
			c[i * ldc + j] = beta == 0 ? 0 : beta * c[i * ldc + j];
}

void gemm_nt(size_t m, size_t n, size_t k, const float *a, size_t lda, const float *b, size_t ldb,
	float beta, float *c, size_t ldc)
{
	scale(m, n, beta, c, ldc);
	for (size_t i = 0; i < m; i++)
		for (size_t j = 0; j < n; j++) {
			float sum = 0;

			for (size_t l = 0; l < k; l++)
				sum += a[i * lda + l] * b[j * ldb + l];
			c[i * ldc + j] += sum;
		}
}

/* The inner loop runs along rows of b and c, so that a compiler can use vectors without reordering sums. */
void gemm_nn(size_t m, size_t n, size_t k, const float *a, size_t lda, const float *b, size_t ldb,
	float beta, float *c, size_t ldc)
{
	scale(m, n, beta, c, ldc);
	for (size_t i = 0; i < m; i++)
		for (size_t l = 0; l < k; l++)
			for (size_t j = 0; j < n; j++)
				c[i * ldc + j] += a[i * lda + l] * b[l * ldb + j];
}

void gemm_tn(size_t m, size_t n, size_t k, const float *a, size_t lda, const float *b, size_t ldb,
	float beta, float *c, size_t ldc)
{
	scale(m, n, beta, c, ldc);
	for (size_t l = 0; l < k; l++)
		for (size_t i = 0; i < m; i++)
			for (size_t j = 0; j < n; j++)
				c[i * ldc + j] += a[l * lda + i] * b[l * ldb + j];
}

#endif
