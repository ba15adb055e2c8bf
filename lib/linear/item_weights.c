#include "linear/item_weights.h"

#include "base/die.h"
#include "base/mem.h"
#include "model/model_file.h"
#include "stream/digest.h"
#include "stream/metadata.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char checksums[] = "row_checksums";

struct item_weights {
	struct safetensors_in *in;
	struct rec_header header;
	struct item_weights_layout layout;
	uint64_t *checksum; /* per row */
	unsigned char *bytes;
	size_t capacity; /* of bytes */
};

/* The values of row r in tensor k: how many, and the first of them. */
static uint64_t part(const struct item_weights_layout *l, unsigned k, uint64_t r, uint64_t *first)
{
	const bool lists = l->offsets != NULL;

	*first = lists ? l->offsets[r] : r * l->tensor[k].dims[1];
	return lists ? l->offsets[r + 1] - l->offsets[r] : l->tensor[k].dims[1];
}

/* Where the value `first` of row r begins, in memory. */
static const void *value_at(const struct item_weights_layout *l, unsigned k, uint64_t r,
	uint64_t first, const struct safetensors_data *data)
{
	const uint64_t at = l->offsets ? first : r * data->stride;

	return (const char *)data->values + at * safetensors_size(l->tensor[k].type);
}

static uint64_t *sum_rows(const struct item_weights_layout *l, const struct safetensors_data *data)
{
	uint64_t *sum = xmalloc(l->num_rows, sizeof(*sum));
	unsigned char *bytes = NULL;
	size_t capacity = 0;

	for (uint64_t r = 0; r < l->num_rows; r++) {
		size_t size = 0;

		for (unsigned k = 0; k < l->num; k++) {
			const enum safetensors_type type = l->tensor[k].type;
			uint64_t first, n = part(l, k, r, &first);

			if (!l->of_rows[k])
				continue;
			bytes = xgrow(bytes, &capacity, size + n * safetensors_size(type), 1);
			safetensors_encode(
				type, n, value_at(l, k, r, first, &data[k]), bytes + size);
			size += n * safetensors_size(type);
		}
		sum[r] = digest_of_bytes(bytes, size);
	}
	free(bytes);
	return sum;
}

/* The values of tensor k, of one dimension, as the file has them, go into the digest. */
static void add_index(
	const struct item_weights_layout *l, unsigned k, const void *values, struct digest *digest)
{
	const size_t size = safetensors_size(l->tensor[k].type);
	unsigned char *bytes = xmalloc(l->tensor[k].dims[0], size);

	safetensors_encode(l->tensor[k].type, l->tensor[k].dims[0], values, bytes);
	digest_add(digest, bytes, l->tensor[k].dims[0] * size);
	free(bytes);
}

void item_weights_save(struct stream_out *out, const char *method, const struct rec_header *train,
	const struct js *provenance, const struct item_weights_layout *layout,
	const struct safetensors_data *data)
{
	struct safetensors_data all[ITEM_WEIGHTS_MAX_TENSORS];
	uint64_t *sum = sum_rows(layout, data);
	struct digest *index = digest_new();
	struct js *m = js_object();
	char hex[DIGEST_HEX + 1];

	for (unsigned k = 0; k < layout->num; k++) {
		all[k] = data[k];
		if (strcmp(layout->tensor[k].name, checksums) == 0)
			all[k] = (struct safetensors_data){ .values = sum };
		if (!layout->of_rows[k])
			add_index(layout, k, all[k].values, index);
	}
	digest_hex(index, hex);
	digest_free(index);
	js_put(m, "model", js_string(MODEL_ITEM_WEIGHTS));
	js_put(m, "method", js_string(method));
	metadata_put_uint(m, "users", train->num_users);
	metadata_put_uint(m, "items", train->num_items);
	metadata_put_family(m, "user_ids", &train->user_ids);
	metadata_put_family(m, "item_ids", &train->item_ids);
	metadata_put_json(m, "provenance", provenance);
	js_put(m, "index_checksum", js_string(hex));
	safetensors_save_data(out, m, layout->tensor, layout->num, all);
	js_free(m);
	free(sum);
	stream_commit(out);
}

struct item_weights *item_weights_open(const char *path, const char *method)
{
	struct item_weights *w = xcalloc(1, sizeof(*w));

	w->in = safetensors_open(path);
	const struct js *m = safetensors_metadata(w->in);
	const char *name = safetensors_name(w->in), *kind = metadata_text(name, m, "model");
	if (strcmp(kind, MODEL_ITEM_WEIGHTS) != 0)
		die("'%s' is a model of kind %s, and holds no item weights: 'neumf-score --model' "
		    "reads it",
			name, kind);
	const char *wrote = metadata_text(name, m, "method");
	if (strcmp(wrote, method) != 0)
		die("'%s' holds item weights of %s: '%s --model' reads it", name, wrote, wrote);
	w->header.num_users = metadata_uint(name, m, "users");
	w->header.num_items = metadata_uint(name, m, "items");
	metadata_family(name, m, "user_ids", &w->header.user_ids);
	metadata_family(name, m, "item_ids", &w->header.item_ids);
	w->header.provenance = metadata_provenance(m);
	return w;
}

void item_weights_close(struct item_weights *w)
{
	rec_header_release(&w->header);
	safetensors_close_parts(w->in);
	free(w->checksum);
	free(w->bytes);
	free(w);
}

const char *item_weights_name(const struct item_weights *w)
{
	return safetensors_name(w->in);
}

const struct rec_header *item_weights_header(const struct item_weights *w)
{
	return &w->header;
}

bool item_weights_has(const struct item_weights *w, const char *tensor)
{
	return safetensors_has(w->in, tensor);
}

uint64_t item_weights_length(const struct item_weights *w, const char *tensor)
{
	return safetensors_length(w->in, tensor);
}

/* Where tensor k begins, in bytes. */
static uint64_t offset_of(const struct item_weights_layout *l, unsigned k)
{
	uint64_t offset = 0;

	for (unsigned j = 0; j < k; j++)
		offset += safetensors_bytes(&l->tensor[j]);
	return offset;
}

static void check_finite(
	const struct item_weights *w, enum safetensors_type type, uint64_t n, const void *values)
{
	const float *value = values;

	for (uint64_t j = 0; type == SAFETENSORS_F32 && j < n; j++)
		if (!isfinite(value[j]))
			item_weights_die(w, "a weight is not finite");
}

void item_weights_index(
	struct item_weights *w, const struct item_weights_layout *layout, void *const *index)
{
	const char *want =
		metadata_text(item_weights_name(w), safetensors_metadata(w->in), "index_checksum");
	struct digest *digest = digest_new();
	char hex[DIGEST_HEX + 1];

	w->layout = *layout;
	safetensors_parts(w->in, safetensors_check(w->in, layout->tensor, layout->num));
	w->checksum = xmalloc(layout->num_rows, sizeof(*w->checksum));
	for (unsigned k = 0; k < layout->num; k++) {
		const bool sums = strcmp(layout->tensor[k].name, checksums) == 0;
		const struct safetensors_tensor *t = &layout->tensor[k];
		void *to = sums ? w->checksum : index[k];

		if (layout->of_rows[k])
			continue;
		safetensors_read_at(w->in, offset_of(layout, k), to, safetensors_bytes(t));
		digest_add(digest, to, safetensors_bytes(t));
		safetensors_decode(t->type, t->dims[0], to, to);
		check_finite(w, t->type, t->dims[0], to);
	}
	digest_hex(digest, hex);
	digest_free(digest);
	if (strcmp(hex, want) != 0)
		die("the index of '%s' is damaged: its checksum is wrong", item_weights_name(w));
}

void item_weights_row(struct item_weights *w, uint64_t r, void *const *row)
{
	const struct item_weights_layout *l = &w->layout;
	size_t size = 0;

	for (unsigned k = 0; k < l->num; k++) {
		const size_t each = safetensors_size(l->tensor[k].type);
		uint64_t first, n = part(l, k, r, &first);

		if (!l->of_rows[k])
			continue;
		w->bytes = xgrow(w->bytes, &w->capacity, size + n * each, 1);
		safetensors_read_at(
			w->in, offset_of(l, k) + first * each, w->bytes + size, n * each);
		safetensors_decode(l->tensor[k].type, n, w->bytes + size, row[k]);
		size += n * each;
	}
	if (digest_of_bytes(w->bytes, size) != w->checksum[r])
		die("row %" PRIu64 " of '%s' is damaged: its checksum is wrong", r,
			item_weights_name(w));
	for (unsigned k = 0; k < l->num; k++) {
		uint64_t first, n = part(l, k, r, &first);

		if (l->of_rows[k])
			check_finite(w, l->tensor[k].type, n, row[k]);
	}
}

void item_weights_die(const struct item_weights *w, const char *what)
{
	die("'%s': %s", item_weights_name(w), what);
}
