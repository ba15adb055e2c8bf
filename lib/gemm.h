/*
 * gemm: float32 matrix products, row-major, by OpenBLAS; plain loops in a build with BLAS=none.
 *
 * A call computes in the calling thread alone: the cpu backend runs many side by side, and a result that
 * depends on the number of threads is of no use to it. On one machine the same call gives the same bits.
 * ld* is the distance of two rows, so that a part of the columns can be taken.
 */
#ifndef GEMM_H
#define GEMM_H

#include <stddef.h>

/* Before the first product, by one thread: keep OpenBLAS out of the threads business. */
void gemm_init(void);

/* What computes: "OpenBLAS SkylakeX" (the core type it chose), or "plain loops". */
const char *gemm_name(void);

/* c (m, n) = a (m, k) b (n, k)^T + beta c */
void gemm_nt(size_t m, size_t n, size_t k, const float *a, size_t lda, const float *b, size_t ldb,
	float beta, float *c, size_t ldc);

/* c (m, n) = a (m, k) b (k, n) + beta c */
void gemm_nn(size_t m, size_t n, size_t k, const float *a, size_t lda, const float *b, size_t ldb,
	float beta, float *c, size_t ldc);

/* c (m, n) = a (k, m)^T b (k, n) + beta c */
void gemm_tn(size_t m, size_t n, size_t k, const float *a, size_t lda, const float *b, size_t ldb,
	float beta, float *c, size_t ldc);

#endif
