#include "model/model_file.h"

#include "base/die.h"
#include "base/mem.h"
#include "base/number.h"
#include "stream/metadata.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* "32,16,8" */
static struct js *hidden_string(const struct neumf_shape *s)
{
	char text[NEUMF_MAX_HIDDEN * 12 + 1] = "";
	size_t used = 0;

	for (uint32_t l = 0; l < s->num_hidden; l++)
		used += (size_t)snprintf(
			text + used, sizeof(text) - used, "%s%" PRIu32, l ? "," : "", s->hidden[l]);
	return js_string(text);
}

struct js *model_file_metadata(const struct neumf_shape *s, const struct model_info *info)
{
	struct js *m = js_object();

	js_put(m, "model", js_string(neumf_model_names[s->model]));
	js_put(m, "loss", js_string(neumf_loss_names[s->loss]));
	js_put(m, "sigmoid_output", js_string(s->sigmoid_output ? "true" : "false"));
	metadata_put_uint(m, "users", s->num_users);
	metadata_put_uint(m, "items", s->num_items);
	metadata_put_uint(m, "factors", s->factors);
	metadata_put_uint(m, "mlp_factors", s->mlp_factors);
	js_put(m, "hidden", hidden_string(s));
	if (neumf_cosine(s))
		js_put(m, "score", js_string("cosine"));
	if (s->bias)
		js_put(m, "bias", js_string("true"));
	metadata_put_uint(m, "seed", info->seed);
	if (info->device)
		js_put(m, "device", js_string(info->device));
	if (info->compute)
		js_put(m, "compute", js_string(info->compute));
	metadata_put_family(m, "user_ids", info->user_ids);
	metadata_put_family(m, "item_ids", info->item_ids);
	metadata_put_json(m, "provenance", info->provenance);
	return m;
}

struct safetensors_tensor model_file_tensor(const struct neumf_tensor *t)
{
	return (struct safetensors_tensor){ .name = t->name,
		.num_dims = t->bias ? 1 : 2,
		.dims = { t->bias ? t->rows * t->cols : t->rows, t->cols } };
}

/* The tensors of a model as the file has them. */
static unsigned tensors_of(const struct neumf_layout *l, struct safetensors_tensor *out)
{
	for (unsigned k = 0; k < l->num_tensors; k++)
		out[k] = model_file_tensor(&l->tensor[k]);
	return l->num_tensors;
}

struct neumf_rows model_file_rows(
	const struct neumf_layout *l, unsigned tensor, uint64_t first, uint64_t num)
{
	const uint32_t cols = l->tensor[tensor].cols;

	return (struct neumf_rows){ tensor, (uint32_t)(first / cols), (uint32_t)(num / cols) };
}

/* What gives the values of a model. */
struct source {
	struct neumf_layout layout;
	model_values *values;
	void *arg;
};

static void get_values(void *arg, unsigned tensor, uint64_t first, uint64_t num, float *out)
{
	const struct source *s = arg;

	s->values(s->arg, model_file_rows(&s->layout, tensor, first, num), out);
}

void model_file_save(struct stream_out *out, const struct neumf_shape *shape,
	const struct model_info *info, model_values *values, void *arg)
{
	struct safetensors_tensor tensors[NEUMF_MAX_TENSORS];
	struct source s = { .values = values, .arg = arg };
	struct js *m = model_file_metadata(shape, info);

	neumf_layout(shape, &s.layout);
	safetensors_save(out, m, tensors, tensors_of(&s.layout, tensors), get_values, &s);
	js_free(m);
	stream_commit(out);
}

/* "32,16,8", or "" for none */
static void get_hidden(const char *file, const struct js *m, struct neumf_shape *s)
{
	const char *value = metadata_text(file, m, "hidden");
	uint64_t v;
	char *copy = xstrdup(value), *next = copy;
	while (*copy && next) {
		char *comma = strchr(next, ',');

		if (comma)
			*comma = '\0';
		if (s->num_hidden == NEUMF_MAX_HIDDEN ||
			!number_parse_uint(next, 1, NEUMF_MAX_WIDTH, &v))
			metadata_die(file, "hidden", value);
		s->hidden[s->num_hidden++] = (uint32_t)v;
		next = comma ? comma + 1 : NULL;
	}
	free(copy);
}

/* A score of another kind would be ours in silence. */
static void check_score(const char *file, const struct js *m, const struct neumf_shape *s)
{
	const char *ours = neumf_cosine(s) ? "cosine" : "product",
		   *score = js_get_string(m, "score");

	if (!score)
		score = "product";
	if (strcmp(score, ours) != 0)
		die("metadata of '%s': a score by %s, where loss %s has one by %s", file, score,
			neumf_loss_names[s->loss], ours);
}

static void get_shape(const char *file, const struct js *m, struct neumf_shape *s)
{
	static const char *const truth[] = { "false", "true", NULL };
	const char *why;

	memset(s, 0, sizeof(*s));
	s->model = metadata_choice(file, m, "model", neumf_model_names);
	s->loss = metadata_choice(file, m, "loss", neumf_loss_names);
	s->sigmoid_output = metadata_choice(file, m, "sigmoid_output", truth);
	s->num_users = metadata_uint(file, m, "users");
	s->num_items = metadata_uint(file, m, "items");
	s->factors = metadata_uint(file, m, "factors");
	s->mlp_factors = metadata_uint(file, m, "mlp_factors");
	get_hidden(file, m, s);
	if (js_get(m, "bias"))
		s->bias = metadata_choice(file, m, "bias", truth);
	if ((why = neumf_check(s)))
		die("metadata of '%s': %s", file, why);
	check_score(file, m, s);
}

/* What is no model of ours is named, and who reads it. */
static void check_kind(const char *name, const struct js *metadata)
{
	const char *kind = js_get_string(metadata, "model");

	if (js_get(metadata, "checkpoint"))
		die("'%s' is a checkpoint, not a model: neumf-train --resume goes on with it",
			name);
	if (kind && strcmp(kind, MODEL_ITEM_WEIGHTS) == 0)
		die("'%s' holds item weights of %s, no model of users: '%s --model' reads it", name,
			metadata_text(name, metadata, "method"),
			metadata_text(name, metadata, "method"));
}

struct safetensors_in *model_file_open(struct model *m, const char *path)
{
	struct safetensors_tensor tensors[NEUMF_MAX_TENSORS];
	struct safetensors_in *in = safetensors_open(path);
	const struct js *metadata = safetensors_metadata(in);
	const char *name = safetensors_name(in);
	struct neumf_layout l;

	check_kind(name, metadata);
	get_shape(name, metadata, &m->shape);
	metadata_family(name, metadata, "user_ids", &m->user_ids);
	metadata_family(name, metadata, "item_ids", &m->item_ids);
	const char *checksum = js_get_string(metadata, "checksum");
	m->checksum = checksum ? xstrdup(checksum) : NULL;
	neumf_layout(&m->shape, &l);
	safetensors_check(in, tensors, tensors_of(&l, tensors));
	m->params = NULL;
	m->provenance = metadata_provenance(metadata);
	return in;
}

void model_file_load(struct model *m, const char *path)
{
	struct safetensors_in *in = model_file_open(m, path);
	struct neumf_layout l;

	neumf_layout(&m->shape, &l);
	m->params = safetensors_read(in, l.num_params);
	safetensors_close(in);
}

void model_release(struct model *m)
{
	free(m->params);
	free(m->checksum);
	id_family_release(&m->user_ids);
	id_family_release(&m->item_ids);
	js_free(m->provenance);
}
