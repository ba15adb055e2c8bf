#include "model/warm_start.h"

#include "base/die.h"
#include "base/mem.h"
#include "model/model_file.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* A model to start from. */
struct source {
	char *path;
	struct model model;
	struct neumf_layout layout;
};

struct warm_start {
	unsigned num;
	struct source source[WARM_START_MAX_MODELS];
};

struct warm_start *warm_start_load(const char *const *paths, unsigned num)
{
	struct warm_start *w = xcalloc(1, sizeof(*w));

	w->num = num;
	for (unsigned k = 0; k < num; k++) {
		struct source *s = &w->source[k];

		s->path = xstrdup(paths[k]);
		model_file_load(&s->model, paths[k]);
		neumf_layout(&s->model.shape, &s->layout);
	}
	return w;
}

void warm_start_free(struct warm_start *w)
{
	if (!w)
		return;
	for (unsigned k = 0; k < w->num; k++) {
		free(w->source[k].path);
		model_release(&w->source[k].model);
	}
	free(w);
}

unsigned warm_start_num(const struct warm_start *w)
{
	return w->num;
}

const struct js *warm_start_provenance(const struct warm_start *w, unsigned k)
{
	return w->source[k].model.provenance;
}

char *warm_start_checksums(const struct warm_start *w)
{
	char *all = xstrdup("");

	for (unsigned k = 0; k < w->num; k++) {
		const char *checksum = w->source[k].model.checksum;
		char *longer =
			xasprintf("%s%s%s", all, k ? "," : "", checksum ? checksum : "unknown");

		free(all);
		all = longer;
	}
	return all;
}

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

/* An input may know nothing of its ids; two models still must not number theirs differently. */
static void check_pair(const struct source *a, const struct source *b)
{
	const struct id_family *user = &a->model.user_ids, *item = &a->model.item_ids;
	const struct id_family *other_user = &b->model.user_ids, *other_item = &b->model.item_ids;
	const bool users = is_beginning(user, other_user) || is_beginning(other_user, user);
	const bool items = is_beginning(item, other_item) || is_beginning(other_item, item);

	if (!ids_unchecked && !(users && items))
		die("cannot start from '%s' and '%s': they number their %ss differently "
		    "(--ids-unchecked to go on)",
			a->path, b->path, users ? "item" : "user");
}

static void check_bounds(const char *path, const char *what, uint32_t of_model, uint32_t of_stream)
{
	if (of_model > of_stream)
		die("cannot start from '%s': it has %" PRIu32 " %s, the input only %" PRIu32, path,
			of_model, what, of_stream);
}

/* What is not about single tensors. */
static void check_target(const struct source *s, const struct warm_start_target *target)
{
	const struct neumf_shape *old = &s->model.shape, *new = target->shape;

	check_ids(s->path, "user", &s->model.user_ids, target->user_ids);
	check_ids(s->path, "item", &s->model.item_ids, target->item_ids);
	check_bounds(s->path, "users", old->num_users, new->num_users);
	check_bounds(s->path, "items", old->num_items, new->num_items);
}

static void report(const struct source *s, const struct warm_start_target *target)
{
	const struct neumf_shape *old = &s->model.shape, *new = target->shape;

	if (old->loss != new->loss || old->sigmoid_output != new->sigmoid_output)
		warn("'%s' was trained with another loss: %s%s, now %s%s", s->path,
			neumf_loss_names[old->loss],
			old->sigmoid_output ? " of sigmoid outputs" : "",
			neumf_loss_names[new->loss],
			new->sigmoid_output ? " of sigmoid outputs" : "");
	note("starts from '%s': %" PRIu32 " users and %" PRIu32 " new, %" PRIu32
	     " items and %" PRIu32 " new",
		s->path, old->num_users, new->num_users - old->num_users, old->num_items,
		new->num_items - old->num_items);
}

/* The values of the tensor named as `t`, of width `cols` in this model; dies where it has none, or
   one of another shape. */
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
	die("cannot start from '%s': it has no tensor '%s'", s->path, t->name);
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
	memcpy(params + t->offset, find(s, t, t->cols), count_of(s, t) * sizeof(*params));
}

/* A tensor of the head of a neumf, from those of gmf and mlp: side by side, or for the bias added. */
static void join(const struct source *gmf, const struct source *mlp, double alpha,
	const struct neumf_tensor *t, float *params)
{
	const uint32_t width = gmf->model.shape.factors, cols = t->bias ? 1 : width;
	const float *a = find(gmf, t, cols), *b = find(mlp, t, t->bias ? 1 : t->cols - width);
	float *out = params + t->offset;

	if (t->bias) {
		out[0] = (float)(alpha * (double)a[0] + (1 - alpha) * (double)b[0]);
		return;
	}
	for (uint32_t k = 0; k < t->cols; k++)
		out[k] = (float)(k < width ? alpha * (double)a[k]
					   : (1 - alpha) * (double)b[k - width]);
}

static void apply_one(const struct source *s, const struct neumf_layout *l, float *params)
{
	check_extra(s, l);
	for (unsigned k = 0; k < l->num_tensors; k++)
		copy(s, &l->tensor[k], params);
}

static void apply_two(const struct source *s, double alpha, const struct warm_start_target *target,
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

void warm_start_apply(const struct warm_start *w, const struct warm_start_target *target,
	double alpha, float *params)
{
	struct neumf_layout l;

	neumf_layout(target->shape, &l);
	for (unsigned k = 0; k < w->num; k++)
		check_target(&w->source[k], target);
	if (w->num == 2)
		check_pair(&w->source[0], &w->source[1]);
	if (w->num == 1)
		apply_one(&w->source[0], &l, params);
	else
		apply_two(w->source, alpha, target, &l, params);
	for (unsigned k = 0; k < w->num; k++)
		report(&w->source[k], target);
}
