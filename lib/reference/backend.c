/*
 * reference: the backend that defines what is correct. It reads like the formulas of neumf.h: plain
 * loops, one thread, every sum, every activation and the gradient in double; parameters, moments,
 * scores and exchanged gradients are float. Compiled with -ffp-contract=off, so that no compiler
 * changes a bit.
 */
#include "model/backend.h"

#include "base/die.h"
#include "base/mem.h"
#include "reference/network.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct backend {
	struct network net;
	struct neumf_optimizer optimizer;
	uint32_t batch_size;
	float *m, *v; /* moments of adam, layout order; NULL for sgd */
	uint64_t step;

	/* Occurrences of each user and item in the batch of the gradient held, and its rows. */
	uint32_t *count[2];
	uint32_t rows;

	struct activation positive, negative;
	struct backend_loss loss;
};

/* log(1 + exp(x)), without overflow */
static double softplus(double x)
{
	return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x));
}

/* d score / d logit */
static double dscore(const struct backend *b, const struct activation *a)
{
	return b->net.shape.sigmoid_output ? a->score * (1 - a->score) : 1;
}

/* Has the model diverged where the sigmoid does not show it? */
static bool diverged(const struct backend *b, const struct activation *a)
{
	return b->net.shape.sigmoid_output && fabs(a->logit) >= NEUMF_SIGMOID_LIMIT;
}

/* Loss of a (user, positive, negative); adds its gradient over B. */
static double pair_loss(struct backend *b, const struct batch *batch, uint32_t k)
{
	uint32_t user = batch->user[k], positive = batch->item[k], negative = batch->negative[k];
	double loss, dmargin; /* margin: s_pos - s_neg */

	network_forward(&b->net, user, positive, &b->positive);
	network_forward(&b->net, user, negative, &b->negative);
	double margin = diverged(b, &b->positive) || diverged(b, &b->negative)
				? NAN
				: b->positive.score - b->negative.score;
	if (b->net.shape.loss == LOSS_BPR) {
		loss = softplus(-margin);
		dmargin = -network_sigmoid(-margin);
	} else {
		loss = margin >= 1 ? 0 : 1 - margin;
		dmargin = margin >= 1 ? 0 : -1;
	}
	dmargin /= batch->size;
	network_backward(&b->net, user, positive, &b->positive, dmargin * dscore(b, &b->positive));
	network_backward(&b->net, user, negative, &b->negative, -dmargin * dscore(b, &b->negative));
	return loss;
}

/* Loss of a (user, item, label); adds its gradient over B. */
static double label_loss(struct backend *b, const struct batch *batch, uint32_t k)
{
	uint32_t user = batch->user[k], item = batch->item[k];
	double label = batch->label[k];

	network_forward(&b->net, user, item, &b->positive);
	double logit = b->positive.logit;
	network_backward(
		&b->net, user, item, &b->positive, (network_sigmoid(logit) - label) / batch->size);
	return softplus(logit) - label * logit;
}

/* Loss of a group; adds its gradient over B, and counts its items. */
static double group_loss(struct backend *b, const struct batch *batch, uint32_t k)
{
	const struct neumf_ccl *c = &b->net.shape.ccl;
	const uint32_t user = batch->user[k], positive = batch->item[k];
	const uint32_t *negative = batch->negative + (size_t)k * c->negatives;
	double loss;

	network_forward(&b->net, user, positive, &b->positive);
	network_backward(&b->net, user, positive, &b->positive, -1.0 / batch->size);
	b->count[SIDE_ITEM][positive]++;
	loss = 1 - b->positive.score;
	for (uint32_t j = 0; j < c->negatives; j++) {
		network_forward(&b->net, user, negative[j], &b->negative);
		if (b->negative.score <= c->margin)
			continue;
		network_backward(&b->net, user, negative[j], &b->negative,
			c->weight / c->negatives / batch->size);
		b->count[SIDE_ITEM][negative[j]]++;
		loss += c->weight / c->negatives * (b->negative.score - c->margin);
	}
	return loss;
}

/* Loss of row k; adds its gradient over B, and counts its user and items. */
static double row_loss(struct backend *b, const struct batch *batch, uint32_t k)
{
	const enum neumf_loss loss = b->net.shape.loss;

	b->count[SIDE_USER][batch->user[k]]++;
	if (loss == LOSS_CCL)
		return group_loss(b, batch, k);
	b->count[SIDE_ITEM][batch->item[k]]++;
	if (loss == LOSS_BCE)
		return label_loss(b, batch, k);
	b->count[SIDE_ITEM][batch->negative[k]]++;
	return pair_loss(b, batch, k);
}

/* g += l2 x w x occurrences / B on the embedding rows and the biases of mf */
static void add_l2(struct backend *b)
{
	const int global = b->net.layout.at[TENSOR_GLOBAL_BIAS];

	if (global >= 0) {
		const uint64_t e = b->net.layout.tensor[global].offset;

		b->net.gradient[e] += b->optimizer.l2 * b->net.params[e];
	}
	for (unsigned k = 0; k < b->net.layout.num_tensors; k++) {
		const struct neumf_tensor *t = &b->net.layout.tensor[k];

		for (uint64_t e = 0; t->side != SIDE_NONE && e < (uint64_t)t->rows * t->cols; e++)
			b->net.gradient[t->offset + e] += b->optimizer.l2 *
							  b->net.params[t->offset + e] *
							  b->count[t->side][e / t->cols] / b->rows;
	}
}

/* A gradient of 0 that holds no rows. */
static void clear_gradient(struct backend *b)
{
	const struct neumf_shape *s = &b->net.shape;

	memset(b->net.gradient, 0, b->net.layout.num_params * sizeof(*b->net.gradient));
	memset(b->count[SIDE_USER], 0, s->num_users * sizeof(*b->count[SIDE_USER]));
	memset(b->count[SIDE_ITEM], 0, s->num_items * sizeof(*b->count[SIDE_ITEM]));
}

static void reference_gradient(struct backend *b, const struct batch *batch)
{
	double sum = 0;

	clear_gradient(b);
	b->rows = batch->size;
	for (uint32_t k = 0; k < batch->size; k++)
		sum += row_loss(b, batch, k);
	if (b->optimizer.l2 != 0)
		add_l2(b);
	backend_loss_add(&b->loss, sum, batch->size);
}

/* One step of Adam on weight e. */
static void adam(struct backend *b, uint64_t e, double correction1, double correction2)
{
	const struct neumf_optimizer *o = &b->optimizer;
	double w = b->net.params[e];
	double h = b->net.gradient[e] + o->weight_decay * w;
	double m = o->beta1 * b->m[e] + (1 - o->beta1) * h;
	double v = o->beta2 * b->v[e] + (1 - o->beta2) * h * h;

	b->m[e] = (float)m;
	b->v[e] = (float)v;
	b->net.params[e] =
		(float)(w - o->lr / correction1 * m / (sqrt(v) / sqrt(correction2) + o->eps));
}

static void reference_update(struct backend *b)
{
	const struct neumf_optimizer *o = &b->optimizer;

	b->step++;
	double correction1 = 1 - pow(o->beta1, (double)b->step);
	double correction2 = 1 - pow(o->beta2, (double)b->step);
	for (unsigned k = 0; k < b->net.layout.num_tensors; k++) {
		const struct neumf_tensor *t = &b->net.layout.tensor[k];
		bool lazy = o->kind == OPTIMIZER_LAZY_ADAM && t->side != SIDE_NONE;
		uint64_t first = t->offset, end = first + (uint64_t)t->rows * t->cols;

		for (uint64_t e = first; e < end; e++) {
			double w = b->net.params[e];

			if (lazy && b->count[t->side][(e - first) / t->cols] == 0)
				continue;
			if (o->kind == OPTIMIZER_SGD)
				b->net.params[e] =
					(float)(w -
						o->lr * (b->net.gradient[e] + o->weight_decay * w));
			else
				adam(b, e, correction1, correction2);
		}
	}
}

static struct backend_loss reference_loss(struct backend *b)
{
	return backend_loss_take(&b->loss);
}

static void reference_set_loss(struct backend *b, const struct backend_loss *loss)
{
	b->loss = *loss;
}

/* The score that streams hold: float32, and the sigmoid is that of the float32 logit. */
static float score_of(struct backend *b, uint32_t user, uint32_t item)
{
	network_forward(&b->net, user, item, &b->positive);
	float logit = (float)b->positive.logit;
	return b->net.shape.sigmoid_output ? neumf_sigmoid(logit) : logit;
}

static void reference_score_pairs(
	void *backend, size_t n, const uint32_t *user, const uint32_t *item, float *score)
{
	struct backend *b = backend;

	for (size_t k = 0; k < n; k++)
		score[k] = score_of(b, user[k], item[k]);
}

static void reference_score_block(
	void *backend, size_t n, const uint32_t *user, uint32_t first, uint32_t end, float *score)
{
	struct backend *b = backend;

	for (size_t k = 0; k < n; k++)
		for (uint32_t i = first; i < end; i++)
			*score++ = score_of(b, user[k], i);
}

static void reference_read(
	struct backend *b, struct neumf_rows rows, enum backend_what what, float *out)
{
	const float *from = what == BACKEND_VALUE     ? b->net.params
			    : what == BACKEND_MOMENT1 ? b->m
						      : b->v;
	const uint64_t first = neumf_offset(&b->net.layout, rows);
	const uint64_t end = first + neumf_floats(&b->net.layout, rows);

	for (uint64_t e = first; e < end; e++)
		*out++ = what == BACKEND_GRADIENT ? (float)b->net.gradient[e] : from ? from[e] : 0;
}

static void reference_write(
	struct backend *b, struct neumf_rows rows, enum backend_what what, const float *in)
{
	float *to = what == BACKEND_VALUE     ? b->net.params
		    : what == BACKEND_MOMENT1 ? b->m
		    : what == BACKEND_MOMENT2 ? b->v
					      : NULL;

	if (to != NULL)
		memcpy(to + neumf_offset(&b->net.layout, rows), in,
			neumf_floats(&b->net.layout, rows) * sizeof(*in));
	else
		BUG("what %d of tensor '%s' cannot be written", (int)what,
			b->net.layout.tensor[rows.tensor].name);
}

static uint64_t reference_step(struct backend *b)
{
	return b->step;
}

static void reference_set_step(struct backend *b, uint64_t step)
{
	b->step = step;
}

/* Rows of a tensor of `g`. */
static uint32_t rows_in(const struct backend_gradient *g, const struct neumf_tensor *t)
{
	return t->side == SIDE_NONE ? t->rows : g->num[t->side];
}

/* Where row r of a tensor of `g` lies in the dense gradient. */
static double *dense_row(const struct backend *b, const struct backend_gradient *g,
	const struct neumf_tensor *t, uint32_t r)
{
	uint64_t row = t->side == SIDE_NONE ? r : g->id[t->side][r];

	return b->net.gradient + t->offset + row * t->cols;
}

/* Rounds the gradient held to float. */
static void reference_read_gradient(struct backend *b, struct backend_gradient *g)
{
	const uint32_t bound[2] = { b->net.shape.num_users, b->net.shape.num_items };

	for (enum neumf_side side = SIDE_USER; side <= SIDE_ITEM; side++) {
		g->num[side] = 0;
		for (uint32_t id = 0; id < bound[side]; id++)
			if (b->count[side][id] > 0)
				g->id[side][g->num[side]++] = id;
	}
	for (unsigned k = 0; k < b->net.layout.num_tensors; k++) {
		const struct neumf_tensor *t = &b->net.layout.tensor[k];
		float *to = g->tensor[k];

		for (uint32_t r = 0; r < rows_in(g, t); r++)
			for (uint32_t c = 0; c < t->cols; c++)
				*to++ = (float)dense_row(b, g, t, r)[c];
	}
}

static void reference_write_gradient(struct backend *b, const struct backend_gradient *g)
{
	backend_gradient_check(g, &b->net.shape, b->batch_size);
	clear_gradient(b);
	for (enum neumf_side side = SIDE_USER; side <= SIDE_ITEM; side++)
		for (uint32_t k = 0; k < g->num[side]; k++)
			b->count[side][g->id[side][k]] = 1;
	for (unsigned k = 0; k < b->net.layout.num_tensors; k++) {
		const struct neumf_tensor *t = &b->net.layout.tensor[k];
		const float *from = g->tensor[k];

		for (uint32_t r = 0; r < rows_in(g, t); r++)
			for (uint32_t c = 0; c < t->cols; c++)
				dense_row(b, g, t, r)[c] = *from++;
	}
}

static struct backend *reference_create(const struct backend_config *config)
{
	struct backend *b = xcalloc(1, sizeof(*b));
	const struct neumf_shape *s = &config->shape;

	network_init(&b->net, s, backend_params(config, 0), config->optimizer != NULL);
	activation_init(&b->positive, s);
	activation_init(&b->negative, s);
	if (!config->optimizer)
		return b;
	b->optimizer = *config->optimizer;
	b->batch_size = config->batch_size;
	b->count[SIDE_USER] = xcalloc(s->num_users, sizeof(*b->count[SIDE_USER]));
	b->count[SIDE_ITEM] = xcalloc(s->num_items, sizeof(*b->count[SIDE_ITEM]));
	if (b->optimizer.kind != OPTIMIZER_SGD) {
		b->m = xcalloc(b->net.layout.num_params, sizeof(*b->m));
		b->v = xcalloc(b->net.layout.num_params, sizeof(*b->v));
	}
	return b;
}

static const char *reference_describe(struct backend *b)
{
	(void)b;
	return "plain";
}

static void reference_destroy(struct backend *b)
{
	activation_release(&b->positive);
	activation_release(&b->negative);
	network_release(&b->net);
	free(b->count[SIDE_USER]);
	free(b->count[SIDE_ITEM]);
	free(b->m);
	free(b->v);
	free(b);
}

const struct backend_ops backend_reference = {
	.abi = BACKEND_ABI,
	.name = "reference",
	.create = reference_create,
	.gradient = reference_gradient,
	.update = reference_update,
	.loss = reference_loss,
	.set_loss = reference_set_loss,
	.score_pairs = reference_score_pairs,
	.score_block = reference_score_block,
	.read = reference_read,
	.write = reference_write,
	.step = reference_step,
	.set_step = reference_set_step,
	.read_gradient = reference_read_gradient,
	.write_gradient = reference_write_gradient,
	.describe = reference_describe,
	.destroy = reference_destroy,
};
