#include "model/neumf.h"

#include "base/rng.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

const char *const neumf_model_names[] = { "neumf", "gmf", "mlp", "mf", NULL };
const char *const neumf_loss_names[] = { "bpr", "hinge", "bce", "ccl", NULL };
const char *const neumf_optimizer_names[] = { "adam", "lazy-adam", "sgd", NULL };
const char *const neumf_dense_init_names[] = { "normal", "glorot", NULL };

bool neumf_has_gmf(const struct neumf_shape *s)
{
	return s->model != MODEL_MLP;
}

bool neumf_has_mlp(const struct neumf_shape *s)
{
	return s->model == MODEL_NEUMF || s->model == MODEL_MLP;
}

static bool has_head(const struct neumf_shape *s)
{
	return s->model != MODEL_MF;
}

const char *neumf_check(const struct neumf_shape *s)
{
	if (s->model > MODEL_MF)
		return "the model is unknown";
	if (s->loss > LOSS_CCL)
		return "the loss is unknown";
	if (s->loss == LOSS_CCL && (s->model != MODEL_MF || s->bias || s->sigmoid_output))
		return "the ccl loss is of cosines: it goes with mf only, without biases and sigmoid";
	if (s->sigmoid_output && s->loss == LOSS_BCE)
		return "a sigmoid output goes with the bpr and hinge losses only";
	if (s->num_users == 0 || s->num_items == 0)
		return "there are no users or no items";
	if (s->bias && s->model != MODEL_MF)
		return "user, item and global bias go with mf only";
	if (neumf_has_gmf(s) ? s->factors == 0 || s->factors > NEUMF_MAX_WIDTH : s->factors != 0)
		return "the number of factors is out of range";
	if (!neumf_has_mlp(s))
		return s->mlp_factors || s->num_hidden ? "the model has no hidden layers" : NULL;
	if (s->mlp_factors == 0 || s->mlp_factors > NEUMF_MAX_WIDTH)
		return "the number of mlp factors is out of range";
	if (s->num_hidden == 0 || s->num_hidden > NEUMF_MAX_HIDDEN)
		return "the number of hidden layers is out of range";
	for (uint32_t l = 0; l < s->num_hidden; l++)
		if (s->hidden[l] == 0 || s->hidden[l] > NEUMF_MAX_WIDTH)
			return "the width of a hidden layer is out of range";
	return NULL;
}

uint32_t neumf_items_per_row(const struct neumf_shape *s)
{
	return s->loss == LOSS_CCL ? 1 + s->ccl.negatives : s->loss == LOSS_BCE ? 1 : 2;
}

bool neumf_cosine(const struct neumf_shape *s)
{
	return s->loss == LOSS_CCL;
}

void neumf_normalize(const struct neumf_shape *s, float *params)
{
	const uint64_t rows = (uint64_t)s->num_users + s->num_items; /* all there are */

	for (uint64_t r = 0; neumf_cosine(s) && r < rows; r++, params += s->factors) {
		double squares = 0;

		for (uint32_t k = 0; k < s->factors; k++)
			squares += (double)params[k] * params[k];
		squares = sqrt(squares + (double)NEUMF_COSINE_FLOOR);
		for (uint32_t k = 0; k < s->factors; k++)
			params[k] = (float)(params[k] / squares);
	}
}

uint32_t neumf_width(const struct neumf_shape *s, uint32_t l)
{
	return l == 0 ? 2 * s->mlp_factors : s->hidden[l - 1];
}

uint32_t neumf_head_width(const struct neumf_shape *s)
{
	uint32_t width = neumf_has_gmf(s) ? s->factors : 0;

	return neumf_has_mlp(s) ? width + s->hidden[s->num_hidden - 1] : width;
}

uint32_t neumf_widest_hidden(const struct neumf_shape *s)
{
	uint32_t widest = 0;

	for (uint32_t l = 0; l < s->num_hidden; l++)
		widest = s->hidden[l] > widest ? s->hidden[l] : widest;
	return widest;
}

static struct neumf_tensor *add(
	struct neumf_layout *l, int which, const char *name, uint32_t rows, uint32_t cols)
{
	struct neumf_tensor *t = &l->tensor[l->num_tensors];

	snprintf(t->name, sizeof(t->name), "%s", name);
	t->rows = rows;
	t->cols = cols;
	t->side = SIDE_NONE;
	t->offset = l->num_params;
	l->num_params += (uint64_t)rows * cols;
	l->at[which] = (int)l->num_tensors++;
	return t;
}

static void add_embedding(struct neumf_layout *l, int which, const char *name,
	const struct neumf_shape *s, uint32_t cols)
{
	bool users =
		which == TENSOR_GMF_USER || which == TENSOR_MLP_USER || which == TENSOR_USER_BIAS;
	struct neumf_tensor *t = add(l, which, name, users ? s->num_users : s->num_items, cols);

	t->side = users ? SIDE_USER : SIDE_ITEM;
	t->bias = which == TENSOR_USER_BIAS || which == TENSOR_ITEM_BIAS;
}

static void add_bias(struct neumf_layout *l, int which, const char *name, uint32_t width)
{
	add(l, which, name, 1, width)->bias = true;
}

/* The hidden layers: bias before weight, and mlp.0 before mlp_item since '.' sorts before '_'. */
static void add_hidden(struct neumf_layout *l, const struct neumf_shape *s)
{
	uint32_t in = 2 * s->mlp_factors;
	char name[sizeof(l->tensor[0].name)];

	for (uint32_t n = 0; n < s->num_hidden; n++) {
		snprintf(name, sizeof(name), "mlp.%u.bias", n);
		add_bias(l, (int)(TENSOR_MLP + 2 * n + 1), name, s->hidden[n]);
		snprintf(name, sizeof(name), "mlp.%u.weight", n);
		add(l, (int)(TENSOR_MLP + 2 * n), name, s->hidden[n], in);
		in = s->hidden[n];
	}
}

void neumf_layout(const struct neumf_shape *s, struct neumf_layout *out)
{
	memset(out, 0, sizeof(*out));
	for (int k = 0; k < NEUMF_MAX_TENSORS; k++)
		out->at[k] = -1;
	if (s->bias)
		add_bias(out, TENSOR_GLOBAL_BIAS, "global_bias", 1);
	if (neumf_has_gmf(s)) {
		add_embedding(out, TENSOR_GMF_ITEM, "gmf_item.weight", s, s->factors);
		add_embedding(out, TENSOR_GMF_USER, "gmf_user.weight", s, s->factors);
	}
	if (s->bias) {
		add_embedding(out, TENSOR_ITEM_BIAS, "item_bias", s, 1);
		add_embedding(out, TENSOR_USER_BIAS, "user_bias", s, 1);
	}
	if (has_head(s)) {
		if (s->loss == LOSS_BCE)
			add_bias(out, TENSOR_HEAD_BIAS, "head.bias", 1);
		add(out, TENSOR_HEAD, "head.weight", 1, neumf_head_width(s));
	}
	if (neumf_has_mlp(s)) {
		add_hidden(out, s);
		add_embedding(out, TENSOR_MLP_ITEM, "mlp_item.weight", s, s->mlp_factors);
		add_embedding(out, TENSOR_MLP_USER, "mlp_user.weight", s, s->mlp_factors);
	}
}

float *neumf_param(const struct neumf_layout *l, float *params, int which)
{
	return l->at[which] < 0 ? NULL : params + l->tensor[l->at[which]].offset;
}

struct neumf_rows neumf_whole(const struct neumf_layout *l, unsigned tensor)
{
	return (struct neumf_rows){ .tensor = tensor, .num = l->tensor[tensor].rows };
}

uint64_t neumf_floats(const struct neumf_layout *l, struct neumf_rows rows)
{
	return (uint64_t)rows.num * l->tensor[rows.tensor].cols;
}

uint64_t neumf_offset(const struct neumf_layout *l, struct neumf_rows rows)
{
	const struct neumf_tensor *t = &l->tensor[rows.tensor];

	return t->offset + (uint64_t)rows.first * t->cols;
}

bool neumf_next_piece(const struct neumf_layout *l, struct neumf_rows *rows)
{
	const struct neumf_tensor *t = &l->tensor[rows->tensor];
	const uint32_t most = NEUMF_PIECE / t->cols;

	rows->first += rows->num;
	const uint32_t left = t->rows - rows->first;
	rows->num = left < most ? left : most;
	return rows->num > 0;
}

/* A dense tensor is uniform in plus or minus this. */
static double dense_limit(const struct neumf_tensor *t, int which)
{
	if (which == TENSOR_HEAD)
		return sqrt(3.0 / t->cols);
	return sqrt(6.0 / ((double)t->cols + t->rows));
}

/* The role of tensor number `tensor`. */
static int role_of(const struct neumf_layout *l, unsigned tensor)
{
	int which = 0;

	while (l->at[which] != (int)tensor)
		which++;
	return which;
}

enum { DRAWS = 256 }; /* drawn at a time */

/* n draws of N(0, std), of numbers `first` and on. */
static void init_normal(
	const struct neumf_fresh *fresh, int which, uint64_t first, uint64_t n, float *out)
{
	double draw[DRAWS];

	for (uint64_t done = 0; done < n; done += DRAWS) {
		const size_t num = n - done < DRAWS ? n - done : DRAWS;

		rng_normals(fresh->seed, RNG_INIT, (uint32_t)which, first + done, num, draw);
		for (size_t k = 0; k < num; k++)
			out[done + k] = (float)(fresh->init_std * draw[k]);
	}
}

/* The role takes the place of the epoch in a draw: a tensor starts equal in all models. */
void neumf_init_rows(const struct neumf_layout *l, const struct neumf_fresh *fresh,
	struct neumf_rows rows, float *out)
{
	const struct neumf_tensor *t = &l->tensor[rows.tensor];
	const int which = role_of(l, rows.tensor);
	const bool uniform = fresh->dense_init == DENSE_GLOROT && t->side == SIDE_NONE;
	const uint64_t first = (uint64_t)rows.first * t->cols, n = neumf_floats(l, rows);
	struct rng r;

	if (t->bias) {
		memset(out, 0, n * sizeof(*out));
	} else if (!uniform) {
		init_normal(fresh, which, first, n, out);
	} else {
		const double limit = dense_limit(t, which);

		for (uint64_t k = 0; k < n; k++) {
			rng_start(&r, fresh->seed, RNG_INIT, (uint32_t)which, first + k);
			out[k] = (float)(limit * (2 * rng_real(&r) - 1));
		}
	}
}

void neumf_init(const struct neumf_shape *s, double init_std, enum neumf_dense_init dense_init,
	uint64_t seed, float *params)
{
	const struct neumf_fresh fresh = { init_std, dense_init, seed };
	struct neumf_layout l;

	neumf_layout(s, &l);
	for (unsigned k = 0; k < l.num_tensors; k++)
		neumf_init_rows(&l, &fresh, neumf_whole(&l, k), params + l.tensor[k].offset);
}
