/* Layouts, scores and losses of the models, against numbers worked out by hand. */
#include "check.h"

#include "base/mem.h"
#include "model/backend.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* 7 users, 11 items, F = 2, E = 3, hidden 5, 4. */
static struct neumf_shape shape_of(enum neumf_model model, enum neumf_loss loss)
{
	struct neumf_shape s = { .model = model, .loss = loss, .num_users = 7, .num_items = 11 };

	s.factors = neumf_has_gmf(&s) ? 2 : 0;
	if (neumf_has_mlp(&s)) {
		s.mlp_factors = 3;
		s.num_hidden = 2;
		s.hidden[0] = 5;
		s.hidden[1] = 4;
	}
	return s;
}

/* "name rows cols offset; ..." */
static void check_layout(
	enum neumf_model model, bool bias, enum neumf_loss loss, const char *expected)
{
	struct neumf_shape s = shape_of(model, loss);
	struct neumf_layout l;
	char text[1024];
	size_t n = 0;

	s.bias = bias;
	neumf_layout(&s, &l);
	for (unsigned k = 0; k < l.num_tensors; k++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s %u %u %u; ", l.tensor[k].name,
			l.tensor[k].rows, l.tensor[k].cols, (unsigned)l.tensor[k].offset);
	snprintf(text + n, sizeof(text) - n, "%u", (unsigned)l.num_params);
	CHECK(!strcmp(text, expected), "%s %s: %s", neumf_model_names[model],
		neumf_loss_names[loss], text);
}

static void test_layouts(void)
{
	struct neumf_shape s = shape_of(MODEL_NEUMF, LOSS_BCE);
	struct neumf_layout l;

	check_layout(MODEL_NEUMF, false, LOSS_BCE,
		"gmf_item.weight 11 2 0; gmf_user.weight 7 2 22; head.bias 1 1 36; head.weight 1 6 37; "
		"mlp.0.bias 1 5 43; mlp.0.weight 5 6 48; mlp.1.bias 1 4 78; mlp.1.weight 4 5 82; "
		"mlp_item.weight 11 3 102; mlp_user.weight 7 3 135; 156");
	check_layout(MODEL_MLP, false, LOSS_HINGE,
		"head.weight 1 4 0; mlp.0.bias 1 5 4; mlp.0.weight 5 6 9; mlp.1.bias 1 4 39; "
		"mlp.1.weight 4 5 43; mlp_item.weight 11 3 63; mlp_user.weight 7 3 96; 117");
	check_layout(MODEL_GMF, false, LOSS_BCE,
		"gmf_item.weight 11 2 0; gmf_user.weight 7 2 22; head.bias 1 1 36; head.weight 1 2 37; 39");
	check_layout(
		MODEL_MF, false, LOSS_BCE, "gmf_item.weight 11 2 0; gmf_user.weight 7 2 22; 36");
	check_layout(MODEL_MF, true, LOSS_BPR,
		"global_bias 1 1 0; gmf_item.weight 11 2 1; gmf_user.weight 7 2 23; "
		"item_bias 11 1 37; user_bias 7 1 48; 55");

	neumf_layout(&s, &l);
	CHECK(l.at[TENSOR_MLP + 2] == 7 && l.at[TENSOR_MLP + 3] == 6 && l.at[TENSOR_MLP + 4] == -1,
		"mlp.1.weight, its bias and no third layer are found");
	CHECK(l.tensor[0].side != SIDE_NONE && l.tensor[3].side == SIDE_NONE && l.tensor[2].bias &&
			!l.tensor[3].bias,
		"embeddings and biases are marked");
}

static void check_refused(struct neumf_shape s, const char *what)
{
	CHECK(neumf_check(&s) != NULL, "refused: %s", what);
}

static void test_check(void)
{
	struct neumf_shape s;

	for (enum neumf_model model = MODEL_NEUMF; model <= MODEL_MF; model++) {
		s = shape_of(model, LOSS_BPR);
		CHECK(neumf_check(&s) == NULL, "a good %s", neumf_model_names[model]);
	}
	s = shape_of(MODEL_NEUMF, LOSS_BCE);
	s.sigmoid_output = true;
	check_refused(s, "sigmoid output with bce");
	s = shape_of(MODEL_MF, LOSS_BPR);
	s.mlp_factors = 1;
	check_refused(s, "mlp factors without an mlp");
	s = shape_of(MODEL_MLP, LOSS_BPR);
	s.factors = 1;
	check_refused(s, "factors without gmf");
	s = shape_of(MODEL_NEUMF, LOSS_BPR);
	s.hidden[1] = 0;
	check_refused(s, "a layer of width 0");
	s.num_hidden = NEUMF_MAX_HIDDEN + 1;
	check_refused(s, "too many layers");
	s = shape_of(MODEL_GMF, LOSS_BCE);
	s.bias = true;
	check_refused(s, "biases of a gmf");
	s = shape_of(MODEL_GMF, LOSS_CCL);
	check_refused(s, "ccl of a gmf");
	s = shape_of(MODEL_MF, LOSS_CCL);
	CHECK(neumf_check(&s) == NULL, "a good mf by ccl");
	s.sigmoid_output = true;
	check_refused(s, "ccl on sigmoids");
	s = shape_of(MODEL_MF, LOSS_BCE);
	s.bias = true;
	CHECK(neumf_check(&s) == NULL, "a good mf with biases");
}

/* One user, two items, F = E = 1, hidden 2: logits 14 and -2 by hand. */
static const float tiny[] = { 2, -1, /* gmf_item */
	3,			     /* gmf_user: g = 6, -3 */
	0.5f,			     /* head.bias */
	2, 1, -1,		     /* head: 0.5 + 2 g + x_1[0] - x_1[1] */
	0.5f, -10,		     /* mlp.0.bias */
	1, 2, 3, 4,		     /* mlp.0: x_1 = (1.5, relu(-9)), (3.5, relu(-5)) */
	1, 2,			     /* mlp_item */
	-1 };			     /* mlp_user */

static const struct neumf_optimizer sgd = { OPTIMIZER_SGD, 1, 0, 0, 0.9, 0.999, 1e-8 };

static struct backend *start(const struct neumf_shape *s, const float *params, size_t n)
{
	struct backend_config config = { .shape = *s, .optimizer = &sgd, .batch_size = 2 };

	config.params = xmalloc(n, sizeof(float));
	memcpy(config.params, params, n * sizeof(float));
	/* cppcheck-suppress returnDanglingLifetime ; create() copies what it keeps */
	return backend_reference.create(&config);
}

static void check_scores(
	struct neumf_shape s, const float *params, size_t n, float first, float second)
{
	struct backend *b = start(&s, params, n);
	uint32_t user[2] = { 0, 0 }, item[2] = { 1, 0 };
	float pair[2], block[2];

	backend_reference.score_pairs(b, 2, user, item, pair);
	backend_reference.score_block(b, 1, user, 0, 2, block);
	backend_reference.destroy(b);
	CHECK(pair[0] == second && pair[1] == first && block[0] == first && block[1] == second,
		"%s: scores %g %g", neumf_model_names[s.model], (double)block[0], (double)block[1]);
}

static void test_scores(void)
{
	struct neumf_shape s = { .model = MODEL_NEUMF,
		.loss = LOSS_BCE,
		.num_users = 1,
		.num_items = 2,
		.factors = 1,
		.mlp_factors = 1,
		.num_hidden = 1,
		.hidden = { 2 } };
	float without_bias[15];
	/* head (1, -1), then as above without bias of the head */
	static const float mlp[] = { 1, -1, 0.5f, -10, 1, 2, 3, 4, 1, 2, -1 };

	check_scores(s, tiny, 16, 14, -2);
	memcpy(without_bias, tiny, 3 * sizeof(float));
	memcpy(without_bias + 3, tiny + 4, 12 * sizeof(float));
	s.loss = LOSS_BPR;
	check_scores(s, without_bias, 15, 13.5, -2.5);
	s.sigmoid_output = true;
	check_scores(s, without_bias, 15, 1 / (1 + expf(-13.5f)), 1 / (1 + expf(2.5f)));
	s.sigmoid_output = false;

	s.model = MODEL_MLP;
	s.factors = 0;
	check_scores(s, mlp, 11, 1.5, 3.5);

	s = (struct neumf_shape){
		.model = MODEL_GMF, .loss = LOSS_HINGE, .num_users = 1, .num_items = 2, .factors = 1
	};
	float gmf[] = { 2, -1, 3, -0.5f };
	check_scores(s, gmf, 4, -3, 1.5);
	s.model = MODEL_MF;
	check_scores(s, gmf, 3, 6, -3);
	s.loss = LOSS_CCL;
	check_scores(s, gmf, 3, 1, -1);
	s.factors = 2;
	float angles[] = { 5, 0, 0, 0, 3, -4 };
	check_scores(s, angles, 6, 0.6, 0);
}

/* Mean and first bad batch as loss() reports them, for one batch of mf with scores 6 and -3. */
static void check_loss(
	enum neumf_loss kind, uint32_t positive, uint32_t negative, float label, double expected)
{
	struct neumf_shape s = {
		.model = MODEL_MF, .loss = kind, .num_users = 1, .num_items = 2, .factors = 1
	};
	float params[] = { 2, -1, 3 };
	uint32_t user[2] = { 0, 0 }, item[2] = { positive, positive },
		 other[2] = { negative, negative };
	float labels[2] = { label, label };
	struct batch batch = { 2, user, item, other, labels };
	struct backend *b = start(&s, params, 3);
	struct backend_loss loss;

	backend_reference.gradient(b, &batch);
	backend_reference.gradient(b, &batch);
	loss = backend_reference.loss(b);
	CHECK(fabs(loss.sum - 4 * expected) < 1e-12 * (1 + expected) && loss.rows == 4 &&
			loss.batches == 2 && loss.bad_batch == 2,
		"%s: loss %.15g", neumf_loss_names[kind], loss.sum / 4);
	loss = backend_reference.loss(b);
	CHECK(loss.sum == 0 && loss.rows == 0 && loss.batches == 0, "asked again, nothing");
	backend_reference.destroy(b);
}

/* A group by hand: its user (3, 4) has the cosines 0.6, 0 and -0.8 with items 0, 1 and 2 and 1 with
   item 3. Of l2, an occurrence is what has a part in the loss. */
static void test_ccl(void)
{
	struct neumf_shape s = { .model = MODEL_MF,
		.loss = LOSS_CCL,
		.num_users = 1,
		.num_items = 4,
		.factors = 2,
		.ccl = { 4, 0.5, 10 } };
	const float params[] = { 5, 0, 0, 0, 0, -2, 0.75f, 1, 3, 4 };
	const uint32_t user = 0, item = 0, negative[] = { 3, 1, 2, 3 };
	const struct neumf_optimizer o = { OPTIMIZER_SGD, 1, 0, 0.5, 0.9, 0.999, 1e-8 };
	struct backend_config config = { .shape = s, .optimizer = &o, .batch_size = 1 };
	struct batch batch = { 1, &user, &item, negative, NULL };
	float gradient[8];

	config.params = xmalloc(10, sizeof(float));
	memcpy(config.params, params, sizeof(params));
	struct backend *b = backend_reference.create(&config);
	backend_reference.gradient(b, &batch);
	struct backend_loss loss = backend_reference.loss(b);
	CHECK(loss.rows == 1 && fabs(loss.sum - (0.4 + 2.5 * 2 * 0.5)) < 1e-12,
		"ccl: a group's loss: %.15g", loss.sum);
	backend_reference.read(b, (struct neumf_rows){ .num = 4 }, BACKEND_GRADIENT, gradient);
	/* the positive: -(p^ - 0.6 q^) / 5 with p^ = (0.6, 0.8), q^ = (1, 0), and l2 x 5 */
	CHECK(fabs(gradient[0] - 2.5) < 1e-6 && fabs(gradient[1] + 0.16) < 1e-6,
		"ccl: a positive's gradient: %g %g", gradient[0], gradient[1]);
	CHECK(gradient[2] == 0 && gradient[3] == 0 && gradient[4] == 0 && gradient[5] == 0,
		"ccl: negatives below the margin have no gradient, nor l2");
	CHECK(fabs(gradient[6] - 0.75) < 1e-6 && fabs(gradient[7] - 1) < 1e-6,
		"ccl: a negative of cosine 1, twice: only l2 is left: %g %g", gradient[6],
		gradient[7]);
	backend_reference.destroy(b);
}

static void test_losses(void)
{
	struct neumf_shape s = {
		.model = MODEL_MF, .loss = LOSS_HINGE, .num_users = 1, .num_items = 2, .factors = 1
	};
	float params[] = { 2, -1, 3 };
	uint32_t zero = 0, one = 1;
	struct batch batch = { 1, &zero, &zero, &one, NULL };

	check_loss(LOSS_BPR, 0, 1, 0, log1p(exp(-9)));
	check_loss(LOSS_BPR, 1, 0, 0, 9 + log1p(exp(-9)));
	check_loss(LOSS_HINGE, 0, 1, 0, 0);
	check_loss(LOSS_HINGE, 1, 0, 0, 10);
	check_loss(LOSS_BCE, 0, 0, 1, log1p(exp(-6)));
	check_loss(LOSS_BCE, 0, 0, 0, 6 + log1p(exp(-6)));
	check_loss(LOSS_BCE, 1, 0, 0.25,
		-0.25 * log(1 / (1 + exp(3))) - 0.75 * log(1 / (1 + exp(-3))));

	struct backend *b = start(&s, params, 3);
	backend_reference.gradient(b, &batch);
	float inside[2];
	backend_reference.read(b, (struct neumf_rows){ .num = 2 }, BACKEND_GRADIENT, inside);
	CHECK(inside[0] == 0 && inside[1] == 0, "hinge: no gradient beyond the margin");
	backend_reference.destroy(b);

	params[0] = INFINITY;
	b = start(&s, params, 3);
	batch.item = batch.negative = &one;
	backend_reference.gradient(b, &batch); /* margin 0 */
	batch.item = &zero;
	backend_reference.gradient(b, &batch); /* margin infinite, loss 0 */
	batch.negative = &zero;
	backend_reference.gradient(b, &batch); /* infinity - infinity */
	batch.negative = batch.item = &one;
	backend_reference.gradient(b, &batch);
	struct backend_loss loss = backend_reference.loss(b);
	CHECK(loss.bad_batch == 2 && loss.batches == 4,
		"a loss that is not finite is found: batch %d", (int)loss.bad_batch);
	backend_reference.destroy(b);
}

int main(void)
{
	test_layouts();
	test_check();
	test_scores();
	test_losses();
	test_ccl();
	return CHECK_EXIT;
}
