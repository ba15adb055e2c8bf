/*
 * wide: layers of more units than a kernel of narrow.cu holds. Their products are cuBLAS's, with
 * bias, relu and relu' in the epilogue (fused.h) where cublasLt can, else in kernels of ours
 * (dense.cu, reductions.cu).
 */
#include "cuda/blas.h"
#include "cuda/device.h"

enum { BLAS_WORKSPACE = 32 << 20 };
/* What is not ours: the kernels of cuBLAS, which are loaded as they are first used. */
enum { BLAS_RESERVE = 512 << 20 };

void wide_open(struct backend *b)
{
	const bool tf32 = b->precision == PRECISION_TF32;

	CUBLAS(blas_load()->create(&b->blas));
	CUBLAS(blas_load()->set_stream(b->blas, b->stream));
	CUBLAS(blas_load()->set_math_mode(
		b->blas, tf32 ? CUBLAS_TF32_TENSOR_OP_MATH : CUBLAS_DEFAULT_MATH));
	CUBLAS(blas_lt_load()->create(&b->wide.fused.lt));
	b->wide.fused.stream = b->stream;
	b->wide.fused.compute = tf32 ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F;
}

void wide_close(struct backend *b)
{
	CUBLAS(blas_lt_load()->destroy(b->wide.fused.lt));
	CUBLAS(blas_load()->destroy(b->blas));
}

/* Is there a wide layer above layer l, to mask its gradient? */
static bool wide_above(const struct backend *b, uint32_t l)
{
	return l + 1 < b->shape.num_hidden && !device_narrow(b, l + 1);
}

void wide_claim(struct backend *b)
{
	uint32_t samples = b->batch_size * b->items_per_row;
	struct fused *f = &b->wide.fused;

	f->workspace_size = BLAS_WORKSPACE;
	f->workspace = device_claim(b, BLAS_WORKSPACE, 1);
	if (!b->planning)
		CUBLAS(blas_load()->set_workspace(b->blas, f->workspace, f->workspace_size));
	b->planned += BLAS_RESERVE;
	if (b->train && b->precision == PRECISION_BF16)
		wide_bf16_claim(b);
	for (uint32_t l = 0; l < b->shape.num_hidden && b->train; l++)
		if (!device_narrow(b, l) && wide_above(b, l))
			b->wide.mask[l] = (uint32_t *)device_claim(
				b, fused_mask_words(samples, b->shape.hidden[l]), sizeof(uint32_t));
}

void wide_begin(struct backend *b)
{
	if (b->blas && b->precision == PRECISION_BF16)
		wide_bf16_begin(b);
}

void wide_forward(struct backend *b, uint32_t l, uint32_t samples)
{
	if (b->precision == PRECISION_BF16)
		return wide_bf16_forward(b, l, samples);
	const float *w = device_weight(b, l)->value;
	const float *bias = device_bias(b, l)->value;
	const float *x = l ? b->act[l - 1] : b->rows;
	uint32_t in = device_in(b, l), out = b->shape.hidden[l];
	bool fused = fused_forward_cuda(
		&b->wide.fused, x, w, bias, samples, in, out, b->act[l], b->wide.mask[l]);

	b->wide.has_mask[l] = fused && b->wide.mask[l];
	b->wide.masked[l] = false;
	if (fused)
		return;
	dense_forward_cuda(b->blas, x, in, w, in, samples, in, out, b->act[l]);
	bias_relu_forward_cuda(b->stream, b->act[l], bias, samples, out);
}

/* dx of the layer; that of the layer below is masked on the way where it left a mask. */
static void backward_dx(struct backend *b, uint32_t l, uint32_t samples)
{
	const float *w = device_weight(b, l)->value;
	uint32_t in = device_in(b, l), out = b->shape.hidden[l];
	float *dx = l ? b->dact[l - 1] : b->drows;

	if (l && b->wide.has_mask[l - 1])
		b->wide.masked[l - 1] = fused_dx_cuda(
			&b->wide.fused, b->dact[l], w, samples, in, out, b->wide.mask[l - 1], dx);
	if (!l || !b->wide.masked[l - 1])
		dense_dx_cuda(b->blas, b->dact[l], w, in, samples, in, out, dx);
}

void wide_backward(struct backend *b, uint32_t l, uint32_t samples)
{
	if (b->precision == PRECISION_BF16)
		return wide_bf16_backward(b, l, samples);
	float *dw = device_weight(b, l)->gradient;
	float *db = device_bias(b, l)->gradient, *dy = b->dact[l];
	uint32_t in = device_in(b, l), out = b->shape.hidden[l];

	if (b->wide.masked[l])
		column_sum_cuda(b->stream, dy, samples, out, db, b->partial);
	else
		relu_backward_cuda(b->stream, dy, b->act[l], samples, out, db, b->partial);
	dense_dw_cuda(
		b->blas, dy, l ? b->act[l - 1] : b->rows, samples, in, out, dw, in, b->partial);
	backward_dx(b, l, samples);
}

void wide_check(struct backend *b)
{
	if (b->blas)
		finite_cuda(b->stream, b->flat.gradient, b->flat.n, b->loss);
}
