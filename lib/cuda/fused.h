/*
 * fused: the products of wide layers with what would be kernels of their own, and would move each
 * layer once or twice more, done in their epilogue: bias and relu after y = x w^T, relu' after
 * dx = dy w. By cublasLt, for floats and for bf16.
 *
 * The same bits in every run: the algorithm is the first that cublasLt's heuristic names for the
 * shape, among those that do not split the sum over k between blocks; the workspace is fixed, and
 * there is one stream. The gradient of the bias is not taken from an epilogue (DRELU_BGRAD): it is a
 * sum over the rows of all blocks, and in which order cublasLt adds them, or whether with atomics,
 * nobody has written down. column_sum_cuda adds them in ours, for one more read of dy.
 *
 * cublasLt's relu may turn a NaN into 0, which would hide from the loss that a model has diverged:
 * finite_cuda looks at the gradients of the weights, where it shows (0 x NaN is NaN).
 *
 * All return false, with nothing done, where cublasLt has no such product (of rows that are not a
 * multiple of 16 bytes, perhaps).
 */
#ifndef FUSED_H
#define FUSED_H

#include "cuda/bf16.h"
#include "cuda/ops.h"

struct fused {
	cublasLtHandle_t lt;
	cudaStream_t stream;
	cublasComputeType_t compute; /* CUBLAS_COMPUTE_32F, or with _FAST_TF32 */
	void *workspace;
	size_t workspace_size;
};

/* Words of the mask of a layer: a bit for each of rows x out numbers, is it above 0? */
static inline size_t fused_mask_words(uint32_t rows, uint32_t out)
{
	return (size_t)rows * ((out + 127) / 128 * 4);
}

/*
 * y (rows, out) = relu(x (rows, in) w (out, in)^T + bias (out)); mask: of y, or NULL, nobody wants
 * it. For <T, Y> <float, float>, <bf16, bf16> and <bf16, float>.
 */
template <class T, class Y>
bool fused_forward_cuda(const struct fused *f, const T *x, const T *w, const Y *bias, uint32_t rows,
	uint32_t in, uint32_t out, Y *y, uint32_t *mask);
/* dx (rows, in) = dy (rows, out) w, 0 where `mask`, of the layer below, has no bit; NULL: all of it.
   For the same types. */
template <class T, class X>
bool fused_dx_cuda(const struct fused *f, const T *dy, const T *w, uint32_t rows, uint32_t in,
	uint32_t out, const uint32_t *mask, X *dx);
/* dw (out, in) = dy^T x; partial, from DENSE_SLICED rows on: DENSE_SLICES x out x in floats */
bool fused_dw_cuda(const struct fused *f, const bf16 *dy, const bf16 *x, uint32_t rows, uint32_t in,
	uint32_t out, float *dw, float *partial);

/* total->bad_batch becomes the last batch counted, if v (n) holds a number that is not finite and no
   earlier batch is bad. */
void finite_cuda(cudaStream_t stream, const float *v, uint32_t n, struct loss_total *total);

#endif
