/*
 * wide_bf16: the layers with --precision bf16, which are all taken for wide. Numbers in memory are
 * bf16, but for
 *   the output of the last layer and its gradient, which the head's kernels read and write
 *   the gradients of weights and of embedding rows, which the optimizer reads
 * All sums are floats. Weights and hidden biases are copied, rounded, at the start of a step; what
 * the optimizer moves stays float. There are no kernels beside cublasLt's for products here: widths
 * are multiples of 8 (backend.cu), which it takes.
 */
#include "cuda/device.h"

void wide_bf16_claim(struct backend *b)
{
	const uint32_t last = b->shape.num_hidden - 1;
	size_t S = (size_t)b->batch_size * b->items_per_row;
	struct wide_bf16 *w = &b->wide.bf16;

	w->weights = (bf16 *)device_claim(b, b->flat.n, sizeof(bf16));
	w->rows = (bf16 *)device_claim(b, S * 2 * b->E, sizeof(bf16));
	for (uint32_t l = 0; l <= last; l++) {
		w->dact[l] = (bf16 *)device_claim(b, S * b->shape.hidden[l], sizeof(bf16));
		if (l < last)
			w->act[l] = (bf16 *)device_claim(b, S * b->shape.hidden[l], sizeof(bf16));
	}
}

/* The copy of a tensor of layers. */
static const bf16 *copy_of(const struct backend *b, const struct param *p)
{
	return b->wide.bf16.weights + (p->value - b->flat.value);
}

static void must(bool there, const struct backend *b, uint32_t l)
{
	if (!there)
		die("cuda: cublasLt lacks a product in bf16 for the layer of %u to %u units: "
		    "take --precision tf32",
			device_in(b, l), b->shape.hidden[l]);
}

void wide_bf16_begin(struct backend *b)
{
	round_cuda(b->stream, b->flat.value, b->flat.n, b->wide.bf16.weights);
}

void wide_bf16_forward(struct backend *b, uint32_t l, uint32_t samples)
{
	const struct param *weight = device_weight(b, l);
	const struct param *bias = device_bias(b, l);
	const struct wide_bf16 *w = &b->wide.bf16;
	const bf16 *x = l ? w->act[l - 1] : w->rows;
	uint32_t in = device_in(b, l), out = b->shape.hidden[l];

	if (l + 1 < b->shape.num_hidden)
		must(fused_forward_cuda(&b->wide.fused, x, copy_of(b, weight), copy_of(b, bias),
			     samples, in, out, w->act[l], b->wide.mask[l]),
			b, l);
	else
		must(fused_forward_cuda(&b->wide.fused, x, copy_of(b, weight),
			     (const float *)bias->value, samples, in, out, b->act[l], NULL),
			b, l);
}

void wide_bf16_backward(struct backend *b, uint32_t l, uint32_t samples)
{
	const struct param *weight = device_weight(b, l);
	const struct wide_bf16 *w = &b->wide.bf16;
	const bf16 *x = l ? w->act[l - 1] : w->rows, *copy = copy_of(b, weight);
	float *db = device_bias(b, l)->gradient;
	uint32_t in = device_in(b, l), out = b->shape.hidden[l];
	bf16 *dz = w->dact[l];

	if (l + 1 == b->shape.num_hidden)
		relu_round_backward_cuda(
			b->stream, b->dact[l], b->act[l], samples, out, dz, db, b->partial);
	else
		column_sum_cuda(b->stream, dz, samples, out, db, b->partial);
	must(fused_dw_cuda(&b->wide.fused, dz, x, samples, in, out, weight->gradient, b->partial),
		b, l);
	if (l)
		must(fused_dx_cuda(&b->wide.fused, dz, copy, samples, in, out, b->wide.mask[l - 1],
			     w->dact[l - 1]),
			b, l);
	else
		must(fused_dx_cuda(&b->wide.fused, dz, copy, samples, in, out, NULL, b->drows), b,
			l);
}
