#include "stream/record.h"

#include "base/bytes.h"
#include "base/die.h"
#include "stream/record_format.h"

#include <stdio.h>
#include <string.h>

const unsigned char rec_magic[REC_MAGIC_SIZE] = { 0x89, 'C', 'O', 'F', '\r', '\n', 0x1a, '\n' };

/* clang-format off */
#define FIELD(kind, name, type, meaning) { #name, type, meaning, offsetof(struct kind, name) }
static const struct rec_field rating_fields[] = {
	FIELD(rating, user, REC_U32, REC_USER), FIELD(rating, item, REC_U32, REC_ITEM),
	FIELD(rating, rating, REC_F32, REC_PLAIN), FIELD(rating, time, REC_I64, REC_PLAIN),
};
static const struct rec_field interaction_fields[] = {
	FIELD(interaction, user, REC_U32, REC_USER), FIELD(interaction, item, REC_U32, REC_ITEM),
	FIELD(interaction, time, REC_I64, REC_PLAIN),
};
static const struct rec_field triple_fields[] = {
	FIELD(triple, user, REC_U32, REC_USER), FIELD(triple, positive, REC_U32, REC_ITEM),
	FIELD(triple, negative, REC_U32, REC_ITEM),
};
static const struct rec_field sample_fields[] = {
	FIELD(sample, user, REC_U32, REC_USER), FIELD(sample, item, REC_U32, REC_ITEM),
	FIELD(sample, label, REC_F32, REC_PLAIN),
};
static const struct rec_field score_fields[] = {
	FIELD(score, user, REC_U32, REC_USER), FIELD(score, item, REC_U32, REC_ITEM),
	FIELD(score, label, REC_F32, REC_PLAIN), FIELD(score, score, REC_F32, REC_SCORE_VALUE),
};
static const struct rec_field rank_fields[] = {
	FIELD(rank, user, REC_U32, REC_USER), FIELD(rank, item, REC_U32, REC_ITEM),
	FIELD(rank, above, REC_U32, REC_PLAIN), FIELD(rank, ties, REC_U32, REC_PLAIN),
	FIELD(rank, ties_before, REC_U32, REC_PLAIN), FIELD(rank, candidates, REC_U32, REC_PLAIN),
};
static const struct rec_field top_fields[] = {
	FIELD(top, user, REC_U32, REC_USER), FIELD(top, item, REC_U32, REC_ITEM),
	FIELD(top, rank, REC_U32, REC_PLAIN), FIELD(top, score, REC_F32, REC_SCORE_VALUE),
};

#define KIND(kind, row_size) { #kind, sizeof(kind##_fields) / sizeof(*kind##_fields), row_size, \
	sizeof(struct kind), kind##_fields }
const struct rec_info rec_info[REC_NUM_KINDS] = {
	[REC_RATING] = KIND(rating, 20), [REC_INTERACTION] = KIND(interaction, 16), [REC_TRIPLE] = KIND(triple, 12),
	[REC_SAMPLE] = KIND(sample, 12), [REC_SCORE] = KIND(score, 16), [REC_RANK] = KIND(rank, 24), [REC_TOP] = KIND(top, 16),
};
/* clang-format on */

static const char *const type_names[] = { "u32", "f32", "i64" };

unsigned rec_field_size(const struct rec_field *f)
{
	return f->type == REC_I64 ? 8 : 4;
}

/* Is a packed row what the C struct is in memory? So for most kinds, on little-endian machines. */
static bool is_packed(const struct rec_info *info)
{
	const uint16_t one = 1;

	return *(const unsigned char *)&one == 1 && info->struct_size == info->row_size;
}

void rec_encode(const struct rec_info *info, const void *rows, size_t n, unsigned char *packed)
{
	if (is_packed(info)) {
		memcpy(packed, rows, n * info->row_size);
		return;
	}
	for (unsigned f = 0, at = 0; f < info->num_fields;
		at += rec_field_size(&info->fields[f]), f++) {
		const char *from = (const char *)rows + info->fields[f].offset;
		unsigned char *to = packed + at;
		uint32_t v32;
		uint64_t v64;

		for (size_t k = 0; k < n; k++, from += info->struct_size, to += info->row_size)
			if (info->fields[f].type == REC_I64) {
				memcpy(&v64, from, sizeof(v64));
				put64(to, v64);
			} else {
				memcpy(&v32, from, sizeof(v32));
				put32(to, v32);
			}
	}
}

void rec_decode(const struct rec_info *info, const unsigned char *packed, size_t n, void *rows)
{
	if (is_packed(info)) {
		memcpy(rows, packed, n * info->row_size);
		return;
	}
	for (unsigned f = 0, at = 0; f < info->num_fields;
		at += rec_field_size(&info->fields[f]), f++) {
		const unsigned char *from = packed + at;
		char *to = (char *)rows + info->fields[f].offset;
		uint32_t v32;
		uint64_t v64;

		for (size_t k = 0; k < n; k++, from += info->row_size, to += info->struct_size)
			if (info->fields[f].type == REC_I64) {
				v64 = get64(from);
				memcpy(to, &v64, sizeof(v64));
			} else {
				v32 = get32(from);
				memcpy(to, &v32, sizeof(v32));
			}
	}
}

void rec_header_init(
	struct rec_header *h, enum rec_kind kind, const struct rec_header *from, struct js *entry)
{
	*h = (struct rec_header){ .kind = kind };
	if (from) {
		h->num_users = from->num_users;
		h->num_items = from->num_items;
	}
	h->provenance = from ? js_copy(from->provenance) : js_array();
	if (entry)
		js_append(h->provenance, entry);
}

void rec_header_release(struct rec_header *h)
{
	js_free(h->provenance);
	h->provenance = NULL;
}

static struct js *fields_json(const struct rec_info *info)
{
	struct js *fields = js_array();

	for (unsigned f = 0; f < info->num_fields; f++) {
		struct js *pair = js_array();

		js_append(pair, js_string(info->fields[f].name));
		js_append(pair, js_string(type_names[info->fields[f].type]));
		js_append(fields, pair);
	}
	return fields;
}

struct js *rec_header_json(const struct rec_header *h)
{
	struct js *v = js_object();

	js_put(v, "kind", js_string(rec_info[h->kind].name));
	js_put(v, "fields", fields_json(&rec_info[h->kind]));
	js_put(v, "users", js_int(h->num_users));
	js_put(v, "items", js_int(h->num_items));
	if (h->epochs)
		js_put(v, "epochs", js_int((int64_t)h->epochs));
	if (h->rows_per_epoch)
		js_put(v, "rows_per_epoch", js_int((int64_t)h->rows_per_epoch));
	js_put(v, "history", js_copy(h->provenance));
	return v;
}

static bool has_fields(const struct js *fields, const struct rec_info *info)
{
	if (!js_is_array(fields) || js_length(fields) != info->num_fields)
		return false;
	for (unsigned f = 0; f < info->num_fields; f++) {
		const struct js *pair = js_at(fields, f);
		const char *name = js_text(js_at(pair, 0)), *type = js_text(js_at(pair, 1));

		if (js_length(pair) != 2 || !name || !type || strcmp(name, info->fields[f].name) ||
			strcmp(type, type_names[info->fields[f].type]))
			return false;
	}
	return true;
}

static bool get_bound(const struct js *v, const char *key, uint32_t *bound)
{
	uint64_t n;

	if (!js_get_uint(v, key, &n) || n < 1 || n > UINT32_MAX)
		return false;
	*bound = (uint32_t)n;
	return true;
}

/* The reason why v is no header, or NULL. */
static const char *header_fault(struct rec_header *h, const struct js *v)
{
	const char *kind = js_get_string(v, "kind");
	unsigned k;

	for (k = 0; kind && k < REC_NUM_KINDS && strcmp(kind, rec_info[k].name); k++)
		;
	if (!kind || k == REC_NUM_KINDS)
		return "its kind is unknown";
	h->kind = (enum rec_kind)k;
	if (!has_fields(js_get(v, "fields"), &rec_info[k]))
		return "its fields are not those of its kind";
	if (!get_bound(v, "users", &h->num_users) || !get_bound(v, "items", &h->num_items))
		return "users or items is not a number from 1 to 4294967295";
	if ((js_get(v, "epochs") && !js_get_uint(v, "epochs", &h->epochs)) ||
		(js_get(v, "rows_per_epoch") &&
			!js_get_uint(v, "rows_per_epoch", &h->rows_per_epoch)))
		return "epochs or rows_per_epoch is not a number";
	if (!js_is_array(js_get(v, "history")))
		return "it has no history";
	return NULL;
}

bool rec_header_parse(struct rec_header *h, const char *text, size_t length, char *why, size_t size)
{
	struct js *v = js_parse(text, length, why, size);
	const char *fault;

	*h = (struct rec_header){ 0 };
	if (!v)
		return false;
	fault = header_fault(h, v);
	if (fault)
		snprintf(why, size, "%s", fault);
	else
		h->provenance = js_copy(js_get(v, "history"));
	js_free(v);
	return !fault;
}
