#include "model/model_file.h"

#include "base/die.h"
#include "base/mem.h"
#include "base/number.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct js *uint_string(uint64_t v)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, v);
	return js_string(text);
}

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

/* A JSON value as text in a string of its own. */
static void put_json(struct js *m, const char *key, const struct js *v)
{
	char *text = js_dump(v, false);

	js_put(m, key, js_string(text));
	free(text);
}

static void put_family(struct js *m, const char *key, const struct id_family *f)
{
	if (!f || f->num == 0)
		return;
	struct js *v = id_family_json(f);
	put_json(m, key, v);
	js_free(v);
}

struct js *model_file_metadata(const struct neumf_shape *s, const struct model_info *info)
{
	struct js *m = js_object();

	js_put(m, "model", js_string(neumf_model_names[s->model]));
	js_put(m, "loss", js_string(neumf_loss_names[s->loss]));
	js_put(m, "sigmoid_output", js_string(s->sigmoid_output ? "true" : "false"));
	js_put(m, "users", uint_string(s->num_users));
	js_put(m, "items", uint_string(s->num_items));
	js_put(m, "factors", uint_string(s->factors));
	js_put(m, "mlp_factors", uint_string(s->mlp_factors));
	js_put(m, "hidden", hidden_string(s));
	if (s->bias)
		js_put(m, "bias", js_string("true"));
	js_put(m, "seed", uint_string(info->seed));
	if (info->device)
		js_put(m, "device", js_string(info->device));
	if (info->compute)
		js_put(m, "compute", js_string(info->compute));
	put_family(m, "user_ids", info->user_ids);
	put_family(m, "item_ids", info->item_ids);
	put_json(m, "provenance", info->provenance);
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

void model_file_save(struct stream_out *out, const struct neumf_shape *shape,
	const struct model_info *info, safetensors_values *values, void *arg)
{
	struct safetensors_tensor tensors[NEUMF_MAX_TENSORS];
	struct neumf_layout l;
	struct js *m = model_file_metadata(shape, info);

	neumf_layout(shape, &l);
	safetensors_save(out, m, tensors, tensors_of(&l, tensors), values, arg);
	js_free(m);
	stream_commit(out);
}

static const char *get_text(const char *file, const struct js *m, const char *key)
{
	const char *value = js_get_string(m, key);

	if (!value)
		die("metadata of '%s' has no \"%s\"", file, key);
	return value;
}

/* Dies: no model can have this value. */
static _Noreturn void die_value(const char *file, const char *key, const char *value)
{
	die("metadata of '%s': \"%s\" is '%s'", file, key, value);
}

static unsigned get_choice(
	const char *file, const struct js *m, const char *key, const char *const *names)
{
	const char *value = get_text(file, m, key);

	for (unsigned k = 0; names[k]; k++)
		if (strcmp(value, names[k]) == 0)
			return k;
	die_value(file, key, value);
}

static uint32_t get_number(const char *file, const struct js *m, const char *key)
{
	const char *value = get_text(file, m, key);
	uint64_t v;

	if (!number_parse_uint(value, 0, UINT32_MAX, &v))
		die_value(file, key, value);
	return (uint32_t)v;
}

/* "32,16,8", or "" for none */
static void get_hidden(const char *file, const struct js *m, struct neumf_shape *s)
{
	const char *value = get_text(file, m, "hidden");
	uint64_t v;
	char *copy = xstrdup(value), *next = copy;
	while (*copy && next) {
		char *comma = strchr(next, ',');

		if (comma)
			*comma = '\0';
		if (s->num_hidden == NEUMF_MAX_HIDDEN ||
			!number_parse_uint(next, 1, NEUMF_MAX_WIDTH, &v))
			die_value(file, "hidden", value);
		s->hidden[s->num_hidden++] = (uint32_t)v;
		next = comma ? comma + 1 : NULL;
	}
	free(copy);
}

static void get_shape(const char *file, const struct js *m, struct neumf_shape *s)
{
	static const char *const truth[] = { "false", "true", NULL };
	const char *why;

	memset(s, 0, sizeof(*s));
	s->model = get_choice(file, m, "model", neumf_model_names);
	s->loss = get_choice(file, m, "loss", neumf_loss_names);
	s->sigmoid_output = get_choice(file, m, "sigmoid_output", truth);
	s->num_users = get_number(file, m, "users");
	s->num_items = get_number(file, m, "items");
	s->factors = get_number(file, m, "factors");
	s->mlp_factors = get_number(file, m, "mlp_factors");
	get_hidden(file, m, s);
	if (js_get(m, "bias"))
		s->bias = get_choice(file, m, "bias", truth);
	if ((why = neumf_check(s)))
		die("metadata of '%s': %s", file, why);
}

/* The id map that `key` tells of; a file need not say. */
static void get_family(const char *file, const struct js *m, const char *key, struct id_family *f)
{
	const char *text = js_get_string(m, key);
	struct js *v = NULL;
	char why[160];

	if (text && !(v = js_parse(text, strlen(text), why, sizeof(why))))
		die("metadata of '%s': \"%s\": %s", file, key, why);
	if (!id_family_parse(f, v))
		die_value(file, key, text);
	js_free(v);
}

static struct js *get_provenance(const struct js *m)
{
	const char *text = js_get_string(m, "provenance");
	struct js *v = text ? js_parse(text, strlen(text), NULL, 0) : NULL;

	if (v && !js_is_array(v)) {
		js_free(v);
		v = NULL;
	}
	return v;
}

void model_file_load(struct model *m, const char *path)
{
	struct safetensors_tensor tensors[NEUMF_MAX_TENSORS];
	struct safetensors_in *in = safetensors_open(path);
	const struct js *metadata = safetensors_metadata(in);
	const char *name = safetensors_name(in);
	struct neumf_layout l;

	if (js_get(metadata, "checkpoint"))
		die("'%s' is a checkpoint, not a model: neumf-train --resume goes on with it",
			name);
	get_shape(name, metadata, &m->shape);
	get_family(name, metadata, "user_ids", &m->user_ids);
	get_family(name, metadata, "item_ids", &m->item_ids);
	const char *checksum = js_get_string(metadata, "checksum");
	m->checksum = checksum ? xstrdup(checksum) : NULL;
	neumf_layout(&m->shape, &l);
	m->params = safetensors_read(in, safetensors_check(in, tensors, tensors_of(&l, tensors)));
	m->provenance = get_provenance(metadata);
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
