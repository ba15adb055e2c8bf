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
	struct safetensors_in *in; /* NULL: has been read */
};

/* The head of a model, of two that are joined. */
struct head {
	float *weight; /* (1, head width) */
	float bias;
};

struct warm_start {
	unsigned num;
	struct source source[WARM_START_MAX_MODELS];
};

struct warm_start *warm_start_open(const char *const *paths, unsigned num)
{
	struct warm_start *w = xcalloc(1, sizeof(*w));

	w->num = num;
	for (unsigned k = 0; k < num; k++) {
		struct source *s = &w->source[k];

		s->path = xstrdup(paths[k]);
		s->in = model_file_open(&s->model, paths[k]);
		neumf_layout(&s->model.shape, &s->layout);
	}
	return w;
}

void warm_start_free(struct warm_start *w)
{
	if (!w)
		return;
	for (unsigned k = 0; k < w->num; k++) {
		if (w->source[k].in)
			safetensors_close_parts(w->source[k].in);
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

/* The tensor of a name; the number of tensors where none has it. */
static unsigned named(const struct neumf_layout *l, const char *name)
{
	unsigned k = 0;

	while (k < l->num_tensors && strcmp(l->tensor[k].name, name) != 0)
		k++;
	return k;
}

/* Dies unless this model has the tensor named as `t`, of width `cols`. */
static void check_tensor(const struct source *s, const struct neumf_tensor *t, uint32_t cols)
{
	const unsigned k = named(&s->layout, t->name);
	const struct neumf_tensor *own = &s->layout.tensor[k];

	if (k == s->layout.num_tensors)
		die("cannot start from '%s': it has no tensor '%s'", s->path, t->name);
	if (own->cols != cols || (t->side == SIDE_NONE && own->rows != t->rows))
		die("cannot start from '%s': tensor '%s' is of shape (%" PRIu32 ", %" PRIu32
		    "), not (%" PRIu32 ", %" PRIu32 ")",
			s->path, t->name, own->rows, own->cols, t->rows, cols);
}

/* Dies where `s` has a tensor that the new model has not. */
static void check_extra(const struct source *s, const struct neumf_layout *l)
{
	for (unsigned k = 0; k < s->layout.num_tensors; k++)
		if (named(l, s->layout.tensor[k].name) == l->num_tensors)
			die("cannot start from '%s': the new model has no tensor '%s'", s->path,
				s->layout.tensor[k].name);
}

static void check_one(const struct source *s, const struct neumf_layout *l)
{
	check_extra(s, l);
	for (unsigned k = 0; k < l->num_tensors; k++)
		check_tensor(s, &l->tensor[k], l->tensor[k].cols);
}

/* Of a tensor of the head of a neumf: that gmf and mlp have their parts of it. */
static void check_head(
	const struct source *gmf, const struct source *mlp, const struct neumf_tensor *t)
{
	const uint32_t width = gmf->model.shape.factors;

	check_tensor(gmf, t, t->bias ? 1 : width);
	check_tensor(mlp, t, t->bias ? 1 : t->cols - width);
}

static void check_two(const struct source *gmf, const struct source *mlp,
	const struct warm_start_target *target, const struct neumf_layout *l)
{
	if (target->shape->model != MODEL_NEUMF || gmf->model.shape.model != MODEL_GMF ||
		mlp->model.shape.model != MODEL_MLP)
		die("two models make a neumf, and are a gmf and an mlp: '%s' is a %s, '%s' a %s, "
		    "the new one a %s",
			gmf->path, neumf_model_names[gmf->model.shape.model], mlp->path,
			neumf_model_names[mlp->model.shape.model],
			neumf_model_names[target->shape->model]);
	check_extra(gmf, l);
	check_extra(mlp, l);
	for (unsigned k = 0; k < l->num_tensors; k++) {
		const struct neumf_tensor *t = &l->tensor[k];
		const int which = (int)k;

		if (which == l->at[TENSOR_HEAD] || which == l->at[TENSOR_HEAD_BIAS])
			check_head(gmf, mlp, t);
		else if (which == l->at[TENSOR_GMF_USER] || which == l->at[TENSOR_GMF_ITEM])
			check_tensor(gmf, t, t->cols);
		else
			check_tensor(mlp, t, t->cols);
	}
}

/* Where parameters go. */
struct sink {
	const struct neumf_layout *layout;
	const struct backend_ops *ops;
	struct backend *backend;
};

/* Read a model to its end into the backend, but for its head where `head` wants that. */
static void read_model(struct source *s, const struct sink *to, struct head *head)
{
	float *piece = xmalloc(NEUMF_PIECE, sizeof(*piece));

	for (unsigned k = 0; k < s->layout.num_tensors; k++) {
		const int which = (int)k;

		if (head && which == s->layout.at[TENSOR_HEAD]) {
			head->weight = xmalloc(s->layout.tensor[k].cols, sizeof(*head->weight));
			safetensors_next(s->in, s->layout.tensor[k].cols, head->weight);
			continue;
		}
		if (head && which == s->layout.at[TENSOR_HEAD_BIAS]) {
			safetensors_next(s->in, 1, &head->bias);
			continue;
		}
		for (struct neumf_rows r = { .tensor = k }; neumf_next_piece(&s->layout, &r);) {
			const struct neumf_rows rows = {
				named(to->layout, s->layout.tensor[k].name), r.first, r.num
			};

			safetensors_next(s->in, neumf_floats(&s->layout, r), piece);
			to->ops->write(to->backend, rows, BACKEND_VALUE, piece);
		}
	}
	free(piece);
	safetensors_close(s->in);
	s->in = NULL;
}

/* The head of a neumf, from those of gmf and mlp: side by side, the biases added. */
static void join(const struct head *gmf, uint32_t width, const struct head *mlp, double alpha,
	const struct sink *to)
{
	const struct neumf_layout *l = to->layout;
	const unsigned k = (unsigned)l->at[TENSOR_HEAD];
	const uint32_t cols = l->tensor[k].cols;
	float *out = xmalloc(cols, sizeof(*out));

	for (uint32_t c = 0; c < cols; c++)
		out[c] = (float)(c < width ? alpha * (double)gmf->weight[c]
					   : (1 - alpha) * (double)mlp->weight[c - width]);
	to->ops->write(to->backend, neumf_whole(l, k), BACKEND_VALUE, out);
	out[0] = (float)(alpha * (double)gmf->bias + (1 - alpha) * (double)mlp->bias);
	if (l->at[TENSOR_HEAD_BIAS] >= 0)
		to->ops->write(to->backend, neumf_whole(l, (unsigned)l->at[TENSOR_HEAD_BIAS]),
			BACKEND_VALUE, out);
	free(out);
}

static void apply_two(struct source *gmf, struct source *mlp, double alpha, const struct sink *to)
{
	struct head of_gmf = { 0 }, of_mlp = { 0 };

	read_model(gmf, to, &of_gmf);
	read_model(mlp, to, &of_mlp);
	join(&of_gmf, gmf->model.shape.factors, &of_mlp, alpha, to);
	free(of_gmf.weight);
	free(of_mlp.weight);
}

void warm_start_apply(struct warm_start *w, const struct warm_start_target *target, double alpha,
	const struct backend_ops *ops, struct backend *backend)
{
	struct neumf_layout l;
	const struct sink to = { &l, ops, backend };
	const bool swapped = w->num == 2 && w->source[0].model.shape.model == MODEL_MLP;
	struct source *gmf = &w->source[swapped], *mlp = &w->source[!swapped];

	neumf_layout(target->shape, &l);
	for (unsigned k = 0; k < w->num; k++)
		check_target(&w->source[k], target);
	if (w->num == 1) {
		check_one(gmf, &l);
		read_model(gmf, &to, NULL);
	} else {
		check_pair(&w->source[0], &w->source[1]);
		check_two(gmf, mlp, target, &l);
		apply_two(gmf, mlp, alpha, &to);
	}
	for (unsigned k = 0; k < w->num; k++)
		report(&w->source[k], target);
}
