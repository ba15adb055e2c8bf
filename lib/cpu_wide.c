/*
 * cpu_wide: gradient of a network with wide layers, by matrix products on blocks of rows. A block's activations
 * (BLOCK_ROWS rows) stay in the second cache between the products and the elementwise passes over them.
 *
 * Samples of a block: `sides` for a row, next to each other, the positive first.
 */
#include "cpu_wide.h"

#include "cpu_kernels.h"
#include "cpu_loss.h"
#include "gemm.h"

#include <string.h>

enum { BLOCK_ROWS = 256 };

uint32_t LEVEL(wide_block)(void)
{
	return BLOCK_ROWS;
}

struct block {
	uint32_t first, rows, samples; /* of the batch */
	float *user, *item;	       /* (rows, E), (samples, E) mlp rows */
	float *user_half;	       /* (rows, H1) W1u p + b, later d loss / d it */
	float *h[NEUMF_MAX_HIDDEN];    /* (samples, H) outputs of the layers */
	float *d[2];	       /* (samples, widest) d loss / d a layer's sums, and the next one's */
	float *logit, *dlogit; /* (sides, BLOCK_ROWS) */
	float *loss, *label;   /* (rows) */
};

static size_t block_layout(const struct backend *b, struct block *k, char *base)
{
	const size_t rows = BLOCK_ROWS, samples = rows * b->sides;
	const size_t widest = cpu_widest(b);
	char *top = base;

	k->user = cpu_take(&top, (rows * b->mlp_factors) * sizeof(float));
	k->item = cpu_take(&top, (samples * b->mlp_factors) * sizeof(float));
	k->user_half = cpu_take(&top, (rows * b->hidden[0]) * sizeof(float));
	for (uint32_t l = 0; l < b->num_hidden; l++)
		k->h[l] = cpu_take(&top, (samples * b->hidden[l]) * sizeof(float));
	k->d[0] = cpu_take(&top, (samples * widest) * sizeof(float));
	k->d[1] = cpu_take(&top, (samples * widest) * sizeof(float));
	k->logit = cpu_take(&top, (samples) * sizeof(float));
	k->dlogit = cpu_take(&top, (samples) * sizeof(float));
	k->loss = cpu_take(&top, (rows) * sizeof(float));
	k->label = cpu_take(&top, (rows) * sizeof(float));
	return (size_t)(top - base);
}

size_t LEVEL(wide_scratch)(const struct backend *b)
{
	struct block k;

	return block_layout(b, &k, NULL);
}

/* Where the logit of a sample is kept: sides apart, so that rows are side by side for the loss. */
static uint32_t logit_at(const struct backend *b, uint32_t sample)
{
	return sample % b->sides * BLOCK_ROWS + sample / b->sides;
}

static const float *row_of(const struct cpu_side *side, unsigned part, uint32_t occurrence)
{
	return side->table[part] + (size_t)side->id[occurrence] * side->cols[part];
}

/* The first layer: h = relu((W1u p + b) + W1i q) */
static void first_layer(const struct backend *b, struct block *k)
{
	const uint32_t e = b->mlp_factors, width = b->hidden[0];

	for (uint32_t r = 0; r < k->rows; r++) {
		memcpy(k->user + (size_t)r * e, row_of(&b->user, 1, k->first + r),
			e * sizeof(float));
		memcpy(k->user_half + (size_t)r * width, b->bias[0], width * sizeof(float));
	}
	gemm_nt(k->rows, width, e, k->user, e, b->weight[0], 2 * e, 1, k->user_half, width);
	for (uint32_t i = 0; i < k->samples; i++) {
		memcpy(k->item + (size_t)i * e, row_of(&b->item, 1, k->first * b->sides + i),
			e * sizeof(float));
		memcpy(k->h[0] + (size_t)i * width, k->user_half + (size_t)(i / b->sides) * width,
			width * sizeof(float));
	}
	gemm_nt(k->samples, width, e, k->item, e, b->weight[0] + e, 2 * e, 1, k->h[0], width);
	relu_rows(k->h[0], (size_t)k->samples * width);
}

/* Logits of the samples from the last layer and the gmf rows. */
static void head_forward(const struct backend *b, struct block *k)
{
	const uint32_t f = b->factors, width = b->hidden[b->num_hidden - 1];
	const float *h = k->h[b->num_hidden - 1];

	for (uint32_t i = 0; i < k->samples; i++, h += width) {
		vf sum = dot_lanes(splat(0), b->head + f, h, width);

		if (f > 0) {
			const float *p = row_of(&b->user, 0, k->first + i / b->sides);
			const float *q = row_of(&b->item, 0, k->first * b->sides + i);

			sum = triple_dot_lanes(sum, b->head, p, q, f);
		}
		k->logit[logit_at(b, i)] = *b->head_bias + lanes_sum(sum);
	}
}

static void forward(const struct backend *b, struct block *k)
{
	first_layer(b, k);
	for (uint32_t l = 1; l < b->num_hidden; l++) {
		const uint32_t in = b->hidden[l - 1], out = b->hidden[l];

		gemm_nt(k->samples, out, in, k->h[l - 1], in, b->weight[l], in, 0, k->h[l], out);
		bias_relu(k->h[l], b->bias[l], k->samples, out);
	}
	head_forward(b, k);
}

/* Losses of the rows, and d loss / d logit over B. */
static double losses(const struct backend *b, struct block *k)
{
	double sum = 0;

	for (uint32_t r = 0; r < k->rows; r += LANES) {
		const vf logit = load(k->logit + r);
		vf d, dnegative, loss;

		if (b->sides == 2) {
			loss = loss_of_pair(
				&b->shape, logit, load(k->logit + BLOCK_ROWS + r), &d, &dnegative);
			store(k->dlogit + BLOCK_ROWS + r, dnegative * b->batch_scale);
		} else {
			loss = loss_of_label(logit, load(k->label + r), &d);
		}
		store(k->dlogit + r, d * b->batch_scale);
		store(k->loss + r, loss);
	}
	for (uint32_t r = 0; r < k->rows; r++)
		sum += k->loss[r];
	return sum;
}

/* Gradients of the gmf rows and of the head, from d loss / d logit. */
static void backward_gmf(const struct backend *b, const struct block *k, float *restrict dhead)
{
	const uint32_t f = b->factors;

	for (uint32_t i = 0; i < k->samples; i++) {
		const uint32_t row = k->first + i / b->sides, occurrence = k->first * b->sides + i;
		const float *restrict p = row_of(&b->user, 0, row);
		const float *restrict q = row_of(&b->item, 0, occurrence);
		const float *restrict head = b->head;
		float *restrict duser = b->user.gradient + row * b->user.stride;
		float *restrict ditem = b->item.gradient + occurrence * b->item.stride;
		const float d = k->dlogit[logit_at(b, i)];

		if (i % b->sides == 0)
			memset(duser, 0, f * sizeof(float));
		for (uint32_t c = 0; c < f; c++) {
			duser[c] += d * head[c] * q[c];
			ditem[c] = d * head[c] * p[c];
			dhead[c] += d * (p[c] * q[c]);
		}
	}
}

/* d of the last layer, and the gradients of its bias and of its part of the head. */
static void backward_last(const struct backend *b, const struct block *k, float *restrict dhead,
	float *restrict dbias, float *restrict d)
{
	const uint32_t width = b->hidden[b->num_hidden - 1];
	const float *restrict h = k->h[b->num_hidden - 1], *restrict head = b->head + b->factors;

	for (uint32_t i = 0; i < k->samples; i++, h += width, d += width) {
		const float dlogit = k->dlogit[logit_at(b, i)];

		for (uint32_t c = 0; c < width; c++) {
			d[c] = h[c] > 0 ? dlogit * head[c] : 0;
			dbias[c] += d[c];
			dhead[c] += dlogit * h[c];
		}
	}
}

/* d = where h is positive; its column sums are the gradient of the bias. */
static void mask_rows(
	float *restrict d, const float *restrict h, float *restrict dbias, uint32_t m, uint32_t n)
{
	for (uint32_t r = 0; r < m; r++, d += n, h += n)
		for (uint32_t c = 0; c < n; c++) {
			d[c] = h[c] > 0 ? d[c] : 0;
			dbias[c] += d[c];
		}
}

/* Gradients of the first layer and of the mlp rows from d (samples, H1). */
static void backward_first(
	const struct backend *b, struct block *k, const float *restrict d, float *dw)
{
	const uint32_t e = b->mlp_factors, width = b->hidden[0];
	float *restrict sum = k->user_half;
	const struct cpu_side *user = &b->user, *item = &b->item;

	if (b->sides == 2)
		for (uint32_t r = 0; r < k->rows; r++)
			for (uint32_t c = 0; c < width; c++)
				sum[(size_t)r * width + c] = d[(size_t)2 * r * width + c] +
							     d[((size_t)2 * r + 1) * width + c];
	else
		memcpy(sum, d, (size_t)k->rows * width * sizeof(float));
	gemm_tn(width, e, k->rows, sum, width, k->user, e, 1, dw, 2 * e);
	gemm_tn(width, e, k->samples, d, width, k->item, e, 1, dw + e, 2 * e);
	gemm_nn(k->rows, e, width, sum, width, b->weight[0], 2 * e, 0,
		user->gradient + k->first * user->stride + user->cols[0], user->stride);
	gemm_nn(k->samples, e, width, d, width, b->weight[0] + e, 2 * e, 0,
		item->gradient + k->first * b->sides * item->stride + item->cols[0], item->stride);
}

static void backward(const struct backend *b, struct block *k, float *sums)
{
	const uint32_t last = b->num_hidden - 1;
	float *dhead = cpu_dense(b, sums, TENSOR_HEAD),
	      *dhead_bias = cpu_dense(b, sums, TENSOR_HEAD_BIAS);
	float *d = k->d[0], *below = k->d[1];

	for (uint32_t i = 0; dhead_bias != NULL && i < k->samples; i++)
		*dhead_bias += k->dlogit[logit_at(b, i)];
	if (b->factors > 0)
		backward_gmf(b, k, dhead);
	backward_last(
		b, k, dhead + b->factors, cpu_dense(b, sums, TENSOR_MLP + 2 * (int)last + 1), d);
	for (uint32_t l = last; l > 0; l--) {
		const uint32_t in = b->hidden[l - 1], out = b->hidden[l];
		float *t = d;

		gemm_tn(out, in, k->samples, d, out, k->h[l - 1], in, 1,
			cpu_dense(b, sums, TENSOR_MLP + 2 * (int)l), in);
		gemm_nn(k->samples, in, out, d, out, b->weight[l], in, 0, below, in);
		mask_rows(below, k->h[l - 1], cpu_dense(b, sums, TENSOR_MLP + 2 * (int)l - 1),
			k->samples, in);
		d = below;
		below = t;
	}
	backward_first(b, k, d, cpu_dense(b, sums, TENSOR_MLP));
}

void LEVEL(wide_gradient)(struct backend *b, size_t job, void *scratch)
{
	float *sums = b->dense_gradient + job * b->dense_size;
	struct block k;
	uint32_t end;
	double loss = 0;

	block_layout(b, &k, scratch);
	memset(sums, 0, b->dense_size * sizeof(*sums));
	for (cpu_job_rows(b, job, &k.first, &end); k.first < end; k.first += b->block) {
		k.rows = end - k.first < b->block ? end - k.first : b->block;
		k.samples = k.rows * b->sides;
		if (b->sides == 1)
			memcpy(k.label, b->label + k.first, k.rows * sizeof(*k.label));
		forward(b, &k);
		loss += losses(b, &k);
		backward(b, &k, sums);
	}
	b->job_loss[job] = loss;
}
