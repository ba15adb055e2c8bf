/* The first values of a model: their distributions, and rows alone against the whole. */
#include "check.h"

#include "base/mem.h"
#include "model/neumf.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Mean, deviation and range of a tensor's first values. */
static void moments(const struct neumf_layout *l, float *params, int which, double *mean,
	double *sd, double *largest)
{
	const struct neumf_tensor *t = &l->tensor[l->at[which]];
	const float *w = neumf_param(l, params, which);
	double n = (double)t->rows * t->cols, sum = 0, squares = 0;

	*largest = 0;
	for (uint64_t k = 0; k < (uint64_t)t->rows * t->cols; k++) {
		sum += w[k];
		squares += (double)w[k] * w[k];
		*largest = fmax(*largest, fabs((double)w[k]));
	}
	*mean = sum / n;
	*sd = sqrt(squares / n - *mean * *mean);
}

/* The mean of n draws is within 5 sd / sqrt(n) of the truth, the deviation within 5 sd / sqrt(2n). */
static void test_init(void)
{
	struct neumf_shape s = { .model = MODEL_NEUMF,
		.loss = LOSS_BCE,
		.num_users = 1000,
		.num_items = 500,
		.factors = 10,
		.mlp_factors = 8,
		.num_hidden = 1,
		.hidden = { 300 } };
	struct neumf_layout l;
	double mean, sd, largest;

	neumf_layout(&s, &l);
	float *params = xmalloc(l.num_params, sizeof(float)),
	      *other = xmalloc(l.num_params, sizeof(float));
	neumf_init(&s, 0.01, DENSE_NORMAL, 1, params);
	moments(&l, params, TENSOR_GMF_USER, &mean, &sd, &largest);
	CHECK(fabs(mean) < 5e-4 && fabs(sd - 0.01) < 3.6e-4 && largest < 0.06,
		"embeddings N(0, 0.01): mean %.1e, sd %.5f, up to %.3f", mean, sd, largest);
	moments(&l, params, TENSOR_MLP, &mean, &sd, &largest);
	CHECK(fabs(mean) < 8e-4 && fabs(sd - 0.01) < 5.2e-4, "mlp.0 N(0, 0.01): mean %.1e, sd %.5f",
		mean, sd);
	moments(&l, params, TENSOR_MLP + 1, &mean, &sd, &largest);
	CHECK(largest == 0, "biases are 0");

	neumf_init(&s, 0.01, DENSE_NORMAL, 2, other);
	CHECK(memcmp(params, other, 100 * sizeof(float)), "another seed, other weights");
	neumf_init(&s, 0.01, DENSE_GLOROT, 1, other);
	CHECK(!memcmp(params, other, 15000 * sizeof(float)),
		"dense-init leaves the embeddings alone");
	/* uniform in +-a, a = sqrt(6 / (16 + 300)): sd a / sqrt(3), its error below a normal's */
	moments(&l, other, TENSOR_MLP, &mean, &sd, &largest);
	double a = sqrt(6.0 / 316);
	CHECK(largest <= a && largest > 0.99 * a &&
			fabs(sd - a / sqrt(3)) < 5 * a / sqrt(6.0 * 4800),
		"glorot: mlp.0 within %.4f, up to %.4f, sd %.4f", a, largest, sd);
	a = sqrt(3.0 / 310);
	moments(&l, other, TENSOR_HEAD, &mean, &sd, &largest);
	CHECK(largest <= a && largest > 0.95 * a, "glorot: head within %.4f, up to %.4f", a,
		largest);
	free(params);
	free(other);
}

/* Rows alone start as they do in the whole, to the bit; pieces are whole rows, each once. */
static void check_rows(const struct neumf_shape *s, enum neumf_dense_init dense_init)
{
	const struct neumf_fresh fresh = { 0.2, dense_init, 77 };
	struct neumf_layout l;
	bool pieces = true, rows = true;

	neumf_layout(s, &l);
	float *whole = xmalloc(l.num_params, sizeof(float)), *piece = xmalloc(NEUMF_PIECE, 4);
	neumf_init(s, fresh.init_std, dense_init, fresh.seed, whole);
	for (unsigned k = 0; k < l.num_tensors; k++) {
		const struct neumf_tensor *t = &l.tensor[k];
		uint32_t next = 0;

		for (struct neumf_rows r = { .tensor = k }; neumf_next_piece(&l, &r);) {
			neumf_init_rows(&l, &fresh, r, piece);
			pieces &= r.first == next && neumf_floats(&l, r) <= NEUMF_PIECE &&
				  !memcmp(piece, whole + t->offset + (size_t)r.first * t->cols,
					  neumf_floats(&l, r) * sizeof(float));
			next = r.first + r.num;
		}
		pieces &= next == t->rows;
		for (uint32_t row = 0; row < t->rows; row += 1 + t->rows / 7) {
			neumf_init_rows(&l, &fresh, (struct neumf_rows){ k, row, 1 }, piece);
			rows &= !memcmp(piece, whole + t->offset + (size_t)row * t->cols,
				t->cols * sizeof(float));
		}
	}
	CHECK(pieces && rows, "%s, %s: first weights by pieces and by rows",
		neumf_model_names[s->model], neumf_dense_init_names[dense_init]);
	free(whole);
	free(piece);
}

static void test_init_rows(void)
{
	struct neumf_shape s = { .model = MODEL_NEUMF,
		.loss = LOSS_BCE,
		.num_users = 11,
		.num_items = 9,
		.factors = 10,
		.mlp_factors = NEUMF_MAX_WIDTH, /* a row is a quarter of a piece */
		.num_hidden = 2,
		.hidden = { 3, 7 } };

	check_rows(&s, DENSE_GLOROT);
	check_rows(&s, DENSE_NORMAL);
	s = (struct neumf_shape){ .model = MODEL_MF,
		.num_users = 90001,
		.num_items = 600000,
		.factors = 7,
		.bias = true };
	check_rows(&s, DENSE_NORMAL);
}

int main(void)
{
	test_init();
	test_init_rows();
	return CHECK_EXIT;
}
