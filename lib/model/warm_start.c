#include "model/warm_start.h"

#include "base/die.h"
#include "model/model_file.h"

#include <inttypes.h>
#include <string.h>

/* A model to start from. */
struct source {
	const char *path;
	struct model model;
	struct neumf_layout layout;
};

/* Is the whole map behind `f` the beginning of the map behind `grown`, as far as both are known? */
static bool is_beginning(const struct id_family *f, const struct id_family *grown)
{
	if (f->num == 0 || grown->num == 0)
		return true;
	const struct id_pair *whole = &f->pair[f->num - 1];

	for (unsigned k = 0; k < grown->num; k++)
		if (grown->pair[k].count == whole->count && grown->pair[k].hash == whole->hash)
			return true;
	return false;
}

static void check_ids(const char *path, const char *what, const struct id_family *of_model,
	const struct id_family *of_stream)
{
	if (!ids_unchecked && !is_beginning(of_model, of_stream))
		die("cannot start from '%s': its %s ids are not the beginning of the input's "
		    "(--ids-unchecked to go on)",
			path, what);
}

static void check_bounds(const char *path, const char *what, uint32_t of_model, uint32_t of_stream)
{
	if (of_model > of_stream)
		die("cannot start from '%s': it has %" PRIu32 " %s, the input only %" PRIu32, path,
			of_model, what, of_stream);
}

static void load(struct source *s, const char *path, const struct warm_start_target *target)
{
	const struct neumf_shape *shape = &s->model.shape;

	s->path = path;
	model_file_load(&s->model, path);
	neumf_layout(shape, &s->layout);
	check_ids(path, "user", &s->model.user_ids, target->user_ids);
	check_ids(path, "item", &s->model.item_ids, target->item_ids);
	check_bounds(path, "users", shape->num_users, target->shape->num_users);
	check_bounds(path, "items", shape->num_items, target->shape->num_items);
	if (shape->loss != target->shape->loss ||
		shape->sigmoid_output != target->shape->sigmoid_output)
		warn("'%s' was trained with another loss: %s%s, now %s%s", path,
			neumf_loss_names[shape->loss],
			shape->sigmoid_output ? " of sigmoid outputs" : "",
			neumf_loss_names[target->shape->loss],
			target->shape->sigmoid_output ? " of sigmoid outputs" : "");
	note("starts from '%s': %" PRIu32 " users and %" PRIu32 " new, %" PRIu32
	     " items and %" PRIu32 " new",
		path, shape->num_users, target->shape->num_users - shape->num_users,
		shape->num_items, target->shape->num_items - shape->num_items);
}

/* The values of the tensor named as `t`; NULL: this model has none. Dies where its shape is another;
   `cols` is its width here. */
static const float *find(const struct source *s, const struct neumf_tensor *t, uint32_t cols)
{
	for (unsigned k = 0; k < s->layout.num_tensors; k++) {
		const struct neumf_tensor *own = &s->layout.tensor[k];

		if (strcmp(own->name, t->name) != 0)
			continue;
		if (own->cols != cols || (t->side == SIDE_NONE && own->rows != t->rows))
			die("cannot start from '%s': tensor '%s' is of shape (%" PRIu32 ", %" PRIu32
			    "), not (%" PRIu32 ", %" PRIu32 ")",
				s->path, t->name, own->rows, own->cols, t->rows, cols);
		return s->model.params + own->offset;
	}
	return NULL;
}

/* Floats of the tensor `t` that `s` has: its tables may have fewer rows. */
static uint64_t count_of(const struct source *s, const struct neumf_tensor *t)
{
	uint32_t rows = t->rows;

	if (t->side != SIDE_NONE)
		rows = t->side == SIDE_USER ? s->model.shape.num_users : s->model.shape.num_items;
	return (uint64_t)rows * t->cols;
}

/* Dies where `s` has a tensor that the new model has not. */
static void check_extra(const struct source *s, const struct neumf_layout *l)
{
	for (unsigned k = 0; k < s->layout.num_tensors; k++) {
		const char *name = s->layout.tensor[k].name;
		unsigned j = 0;

		while (j < l->num_tensors && strcmp(l->tensor[j].name, name) != 0)
			j++;
		if (j == l->num_tensors)
			die("cannot start from '%s': the new model has no tensor '%s'", s->path,
				name);
	}
}

static void copy(const struct source *s, const struct neumf_tensor *t, float *params)
{
	const float *from = find(s, t, t->cols);

	if (!from)
		die("cannot start from '%s': it has no tensor '%s'", s->path, t->name);
	memcpy(params + t->offset, from, count_of(s, t) * sizeof(*from));
}

/* A tensor of the head of a neumf, from those of gmf and mlp: side by side, or for the bias added. */
static void join(const struct source *gmf, const struct source *mlp, double alpha,
	const struct neumf_tensor *t, float *params)
{
	const uint32_t width = gmf->model.shape.factors, cols = t->bias ? 1 : width;
	const float *a = find(gmf, t, cols), *b = find(mlp, t, t->bias ? 1 : t->cols - width);
	float *out = params + t->offset;

	if (!a || !b)
		die("cannot start from '%s': it has no tensor '%s'", a ? mlp->path : gmf->path,
			t->name);
	if (t->bias) {
		out[0] = (float)(alpha * (double)a[0] + (1 - alpha) * (double)b[0]);
		return;
	}
	for (uint32_t k = 0; k < t->cols; k++)
		out[k] = (float)(k < width ? alpha * (double)a[k]
					   : (1 - alpha) * (double)b[k - width]);
}

static void load_one(const struct source *s, const struct neumf_layout *l, float *params)
{
	check_extra(s, l);
	for (unsigned k = 0; k < l->num_tensors; k++)
		copy(s, &l->tensor[k], params);
}

static void load_two(struct source *s, double alpha, const struct warm_start_target *target,
	const struct neumf_layout *l, float *params)
{
	const bool swapped = s[0].model.shape.model == MODEL_MLP;
	const struct source *gmf = &s[swapped], *mlp = &s[!swapped];

	if (target->shape->model != MODEL_NEUMF || gmf->model.shape.model != MODEL_GMF ||
		mlp->model.shape.model != MODEL_MLP)
		die("two models make a neumf, and are a gmf and an mlp: '%s' is a %s, '%s' a %s, "
		    "the new one a %s",
			s[0].path, neumf_model_names[s[0].model.shape.model], s[1].path,
			neumf_model_names[s[1].model.shape.model],
			neumf_model_names[target->shape->model]);
	check_extra(gmf, l);
	check_extra(mlp, l);
	for (unsigned k = 0; k < l->num_tensors; k++) {
		const struct neumf_tensor *t = &l->tensor[k];
		const int which = (int)k;

		if (which == l->at[TENSOR_HEAD] || which == l->at[TENSOR_HEAD_BIAS])
			join(gmf, mlp, alpha, t, params);
		else if (which == l->at[TENSOR_GMF_USER] || which == l->at[TENSOR_GMF_ITEM])
			copy(gmf, t, params);
		else
			copy(mlp, t, params);
	}
}

void warm_start_load(
	const struct warm_start *w, const struct warm_start_target *target, float *params)
{
	struct source source[WARM_START_MAX_MODELS] = { 0 };
	struct neumf_layout l;

	neumf_layout(target->shape, &l);
	for (unsigned k = 0; k < w->num; k++)
		load(&source[k], w->path[k], target);
	if (w->num == 1)
		load_one(&source[0], &l, params);
	else
		load_two(source, w->alpha, target, &l, params);
	for (unsigned k = 0; k < w->num; k++)
		model_release(&source[k].model);
}
