/*
 * network: plain loops over the formulas of neumf.h. Every sum and every activation is a double;
 * only the parameters are float. Compiled with -ffp-contract=off, so that no compiler changes a
 * bit.
 */
#include "reference/network.h"

#include "base/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Offset in the flat arrays of row `row` of a tensor that the model has. */
static uint64_t at(const struct network *n, int which, uint32_t row)
{
	const struct neumf_tensor *t = &n->layout.tensor[n->layout.at[which]];

	return t->offset + (uint64_t)row * t->cols;
}

/* x_0 = concat(mlp_user[u], mlp_item[i]);  x_(l+1) = relu(W_l x_l + bias_l) */
static void hidden_forward(
	const struct network *n, uint32_t user, uint32_t item, struct activation *a)
{
	const struct neumf_shape *s = &n->shape;
	const float *user_row = n->params + at(n, TENSOR_MLP_USER, user);
	const float *item_row = n->params + at(n, TENSOR_MLP_ITEM, item);

	for (uint32_t k = 0; k < s->mlp_factors; k++) {
		a->x[0][k] = user_row[k];
		a->x[0][s->mlp_factors + k] = item_row[k];
	}
	for (uint32_t l = 0; l < s->num_hidden; l++) {
		const float *bias = n->params + at(n, (int)(TENSOR_MLP + 2 * l + 1), 0);
		uint32_t in = neumf_width(s, l), out = neumf_width(s, l + 1);

		for (uint32_t j = 0; j < out; j++) {
			const float *w = n->params + at(n, (int)(TENSOR_MLP + 2 * l), j);
			double sum = bias[j];

			for (uint32_t k = 0; k < in; k++)
				sum += w[k] * a->x[l][k];
			a->x[l + 1][j] = sum < 0 ? 0 : sum; /* a NaN stays one */
		}
	}
}

/* 1 / sqrt(|x|^2 + NEUMF_COSINE_FLOOR) */
static double inverse_norm(const float *x, uint32_t n)
{
	double squares = 0;

	for (uint32_t k = 0; k < n; k++)
		squares += (double)x[k] * x[k];
	return 1 / sqrt(squares + (double)NEUMF_COSINE_FLOOR);
}

/* logit = head . concat(g, x_n) + head.bias; mf: sum of g, and the biases */
static double logit_of(
	const struct network *n, uint32_t user, uint32_t item, const struct activation *a)
{
	const struct neumf_shape *s = &n->shape;
	const float *head = NULL;
	double logit = 0;

	if (n->layout.at[TENSOR_HEAD] >= 0)
		head = n->params + at(n, TENSOR_HEAD, 0);
	if (n->layout.at[TENSOR_HEAD_BIAS] >= 0)
		logit = n->params[at(n, TENSOR_HEAD_BIAS, 0)];
	if (s->bias)
		logit = (double)n->params[at(n, TENSOR_GLOBAL_BIAS, 0)] +
			n->params[at(n, TENSOR_USER_BIAS, user)] +
			n->params[at(n, TENSOR_ITEM_BIAS, item)];
	if (neumf_has_gmf(s)) {
		const float *p = n->params + at(n, TENSOR_GMF_USER, user);
		const float *q = n->params + at(n, TENSOR_GMF_ITEM, item);

		for (uint32_t k = 0; k < s->factors; k++)
			logit += (head ? head[k] : 1.0) * ((double)p[k] * q[k]);
		if (neumf_cosine(s))
			logit *= inverse_norm(p, s->factors) * inverse_norm(q, s->factors);
	}
	if (neumf_has_mlp(s))
		for (uint32_t k = 0; k < s->hidden[s->num_hidden - 1]; k++)
			logit += head[s->factors + k] * a->x[s->num_hidden][k];
	return logit;
}

double network_sigmoid(double x)
{
	return 1 / (1 + exp(-x));
}

void network_forward(const struct network *n, uint32_t user, uint32_t item, struct activation *a)
{
	if (neumf_has_mlp(&n->shape))
		hidden_forward(n, user, item, a);
	a->logit = logit_of(n, user, item, a);
	a->score = n->shape.sigmoid_output ? network_sigmoid(a->logit) : a->logit;
}

/* From d loss / d x_n, in n->dx, down to the embedding rows. */
static void hidden_backward(
	struct network *n, uint32_t user, uint32_t item, const struct activation *a)
{
	const struct neumf_shape *s = &n->shape;

	for (uint32_t l = s->num_hidden; l-- > 0;) {
		double *dbias = n->gradient + at(n, (int)(TENSOR_MLP + 2 * l + 1), 0);
		double *dx = n->dx, *dx_below = n->dx_below;
		uint32_t in = neumf_width(s, l), out = neumf_width(s, l + 1);

		memset(dx_below, 0, in * sizeof(*dx_below));
		for (uint32_t j = 0; j < out; j++) {
			uint64_t row = at(n, (int)(TENSOR_MLP + 2 * l), j);

			if (!(a->x[l + 1][j] > 0))
				continue; /* relu: no gradient at 0 and below */
			dbias[j] += dx[j];
			for (uint32_t k = 0; k < in; k++) {
				n->gradient[row + k] += dx[j] * a->x[l][k];
				dx_below[k] += dx[j] * n->params[row + k];
			}
		}
		n->dx = dx_below;
		n->dx_below = dx;
	}
	double *duser = n->gradient + at(n, TENSOR_MLP_USER, user);
	double *ditem = n->gradient + at(n, TENSOR_MLP_ITEM, item);
	for (uint32_t k = 0; k < s->mlp_factors; k++) {
		duser[k] += n->dx[k];
		ditem[k] += n->dx[s->mlp_factors + k];
	}
}

/* d cosine / d p = (q^ - cosine p^) / |p|, and likewise for q */
static void cosine_backward(
	struct network *n, uint32_t user, uint32_t item, double cosine, double dcosine)
{
	const uint32_t f = n->shape.factors;
	const float *p = n->params + at(n, TENSOR_GMF_USER, user);
	const float *q = n->params + at(n, TENSOR_GMF_ITEM, item);
	double *dp = n->gradient + at(n, TENSOR_GMF_USER, user);
	double *dq = n->gradient + at(n, TENSOR_GMF_ITEM, item);
	const double a = inverse_norm(p, f), b = inverse_norm(q, f);

	for (uint32_t k = 0; k < f; k++) {
		dp[k] += dcosine * (q[k] * b - cosine * p[k] * a) * a;
		dq[k] += dcosine * (p[k] * a - cosine * q[k] * b) * b;
	}
}

void network_backward(
	struct network *n, uint32_t user, uint32_t item, const struct activation *a, double dlogit)
{
	const struct neumf_shape *s = &n->shape;
	const float *head = NULL;
	double *dhead = NULL;

	if (neumf_cosine(s)) {
		cosine_backward(n, user, item, a->logit, dlogit);
		return;
	}
	if (n->layout.at[TENSOR_HEAD] >= 0) {
		head = n->params + at(n, TENSOR_HEAD, 0);
		dhead = n->gradient + at(n, TENSOR_HEAD, 0);
	}
	if (n->layout.at[TENSOR_HEAD_BIAS] >= 0)
		n->gradient[at(n, TENSOR_HEAD_BIAS, 0)] += dlogit;
	if (s->bias) {
		n->gradient[at(n, TENSOR_GLOBAL_BIAS, 0)] += dlogit;
		n->gradient[at(n, TENSOR_USER_BIAS, user)] += dlogit;
		n->gradient[at(n, TENSOR_ITEM_BIAS, item)] += dlogit;
	}
	if (neumf_has_gmf(s)) {
		const float *p = n->params + at(n, TENSOR_GMF_USER, user);
		const float *q = n->params + at(n, TENSOR_GMF_ITEM, item);
		double *dp = n->gradient + at(n, TENSOR_GMF_USER, user);
		double *dq = n->gradient + at(n, TENSOR_GMF_ITEM, item);

		for (uint32_t k = 0; k < s->factors; k++) {
			double dg = dlogit * (head ? head[k] : 1.0);

			dp[k] += dg * q[k];
			dq[k] += dg * p[k];
			if (dhead)
				dhead[k] += dlogit * ((double)p[k] * q[k]);
		}
	}
	if (neumf_has_mlp(s)) {
		for (uint32_t k = 0; k < s->hidden[s->num_hidden - 1]; k++) {
			dhead[s->factors + k] += dlogit * a->x[s->num_hidden][k];
			n->dx[k] = dlogit * head[s->factors + k];
		}
		hidden_backward(n, user, item, a);
	}
}

void activation_init(struct activation *a, const struct neumf_shape *s)
{
	memset(a, 0, sizeof(*a));
	for (uint32_t l = 0; neumf_has_mlp(s) && l <= s->num_hidden; l++)
		a->x[l] = xcalloc(neumf_width(s, l), sizeof(double));
}

void activation_release(struct activation *a)
{
	for (uint32_t l = 0; l <= NEUMF_MAX_HIDDEN; l++)
		free(a->x[l]);
}

void network_init(struct network *n, const struct neumf_shape *s, float *params, bool training)
{
	uint32_t widest = neumf_widest_hidden(s);

	memset(n, 0, sizeof(*n));
	n->shape = *s;
	neumf_layout(s, &n->layout);
	n->params = params;
	if (!training)
		return;
	n->gradient = xcalloc(n->layout.num_params, sizeof(*n->gradient));
	if (neumf_has_mlp(s) && neumf_width(s, 0) > widest)
		widest = neumf_width(s, 0);
	n->dx = xcalloc(widest, sizeof(*n->dx));
	n->dx_below = xcalloc(widest, sizeof(*n->dx_below));
}

void network_release(struct network *n)
{
	free(n->params);
	free(n->gradient);
	free(n->dx);
	free(n->dx_below);
}
