#include "base/die.h"
#include "stream/record.h"
#include "stream/record_format.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const type_names[] = { "u32", "f32", "i64" };

struct js *rec_provenance(const struct rec_header *from, struct js *entry)
{
	struct js *provenance = js_copy(from->provenance);

	js_append(provenance, entry);
	return provenance;
}

void rec_header_init(
	struct rec_header *h, enum rec_kind kind, const struct rec_header *from, struct js *entry)
{
	*h = (struct rec_header){ .kind = kind };
	if (from) {
		h->num_users = from->num_users;
		h->num_items = from->num_items;
		id_family_copy(&h->user_ids, &from->user_ids);
		id_family_copy(&h->item_ids, &from->item_ids);
		user_ranges_copy(&h->user_ranges, &from->user_ranges);
	}
	h->provenance = from ? js_copy(from->provenance) : js_array();
	if (entry)
		js_append(h->provenance, entry);
}

void rec_header_release(struct rec_header *h)
{
	id_family_release(&h->user_ids);
	id_family_release(&h->item_ids);
	user_ranges_release(&h->user_ranges);
	js_free(h->provenance);
	h->provenance = NULL;
}

bool rec_header_rows(const struct rec_header *h, uint64_t *rows)
{
	if (h->epochs == 0 || h->rows_per_epoch == 0)
		return false;
	*rows = h->epochs <= UINT64_MAX / h->rows_per_epoch ? h->epochs * h->rows_per_epoch
							    : UINT64_MAX; /* which no stream has */
	*rows -= h->first_row;
	return true;
}

void rec_put_side(struct js *entry, const char *option, const struct js *from)
{
	/* the entry is ours, and so is what we put there */
	struct js *side = (struct js *)js_get(entry, "side"), *files;

	if (!side)
		js_put(entry, "side", side = js_object());
	if (!(files = (struct js *)js_get(side, option)))
		js_put(side, option, files = js_array());
	js_append(files, from ? js_copy(from) : js_null());
}

static void check_family(const char *name_a, const struct id_family *a, const char *name_b,
	const struct id_family *b, const char *what)
{
	if (!id_family_related(a, b))
		die("'%s' and '%s' number their %s differently: made from different id maps (--ids-unchecked to go on)",
			name_a, name_b, what);
}

void rec_check_families(const char *name_a, const struct rec_header *a, const char *name_b,
	const struct rec_header *b)
{
	if (ids_unchecked)
		return;
	check_family(name_a, &a->user_ids, name_b, &b->user_ids, "users");
	check_family(name_a, &a->item_ids, name_b, &b->item_ids, "items");
}

void rec_check_whole(const char *name, const struct rec_header *h, const char *why)
{
	if (!user_ranges_are_all(&h->user_ranges, h->num_users))
		die("'%s' is a shard, %s: %s (cof-cat --as-whole to take it for all there is)",
			name, user_ranges_text(&h->user_ranges, h->num_users), why);
}

void rec_warn_shard(const char *name, const struct rec_header *h)
{
	char *users = user_ranges_text(&h->user_ranges, h->num_users);

	if (!user_ranges_are_all(&h->user_ranges, h->num_users))
		warn("'%s' is a shard, %s: the results are theirs", name, users);
	free(users);
}

void rec_check_covers(const char *name_side, const struct rec_header *side, const char *name,
	const struct rec_header *h)
{
	if (!user_ranges_cover(&side->user_ranges, &h->user_ranges, h->num_users))
		die("'%s' is a shard, %s, and '%s' has other users too", name_side,
			user_ranges_text(&side->user_ranges, side->num_users), name);
}

/* [name, type], and of a list [name, type, number], as NumPy has it. */
static struct js *fields_json(const struct rec_header *h)
{
	const struct rec_info info = rec_row_info(h);
	struct js *fields = js_array();

	for (unsigned f = 0; f < info.num_fields; f++) {
		struct js *field = js_array();

		js_append(field, js_string(info.fields[f].name));
		js_append(field, js_string(type_names[info.fields[f].type]));
		if (info.fields[f].is_list)
			js_append(field, js_int(info.list));
		js_append(fields, field);
	}
	return fields;
}

static void put_number(struct js *v, const char *key, uint64_t number)
{
	if (number)
		js_put(v, key, js_int((int64_t)number));
}

struct js *rec_header_json(const struct rec_header *h)
{
	struct js *v = js_object();

	js_put(v, "kind", js_string(rec_info[h->kind].name));
	js_put(v, "fields", fields_json(h));
	js_put(v, "users", js_int(h->num_users));
	js_put(v, "items", js_int(h->num_items));
	if (h->user_ids.num)
		js_put(v, "user_ids", id_family_json(&h->user_ids));
	if (h->item_ids.num)
		js_put(v, "item_ids", id_family_json(&h->item_ids));
	if (h->user_ranges.num)
		js_put(v, "user_ranges", user_ranges_json(&h->user_ranges));
	put_number(v, "epochs", h->epochs);
	put_number(v, "rows_per_epoch", h->rows_per_epoch);
	put_number(v, "first_row", h->first_row);
	js_put(v, "provenance", js_copy(h->provenance));
	return v;
}

/* Fields of the header's kind; fills in the number of negatives. */
static bool get_fields(struct rec_header *h, const struct js *fields)
{
	const struct rec_info *info = &rec_info[h->kind];

	if (!js_is_array(fields) || js_length(fields) != info->num_fields)
		return false;
	for (unsigned f = 0; f < info->num_fields; f++) {
		const bool is_list = info->fields[f].is_list;
		const struct js *field = js_at(fields, f);
		const char *name = js_text(js_at(field, 0)), *type = js_text(js_at(field, 1));
		uint64_t number;

		if (js_length(field) != (is_list ? 3 : 2) || !name || !type ||
			strcmp(name, info->fields[f].name) ||
			strcmp(type, type_names[info->fields[f].type]))
			return false;
		if (!is_list)
			continue;
		if (!js_uint(js_at(field, 2), &number) || number < 1 || number > REC_MAX_NEGATIVES)
			return false;
		h->negatives = (uint32_t)number;
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

/* A number that need not be there. */
static bool get_number(const struct js *v, const char *key, uint64_t *number)
{
	return !js_get(v, key) || js_get_uint(v, key, number);
}

static const char *epochs_fault(struct rec_header *h, const struct js *v)
{
	if (!get_number(v, "epochs", &h->epochs) ||
		!get_number(v, "rows_per_epoch", &h->rows_per_epoch) ||
		!get_number(v, "first_row", &h->first_row))
		return "epochs, rows_per_epoch or first_row is not a number";
	if (h->first_row && (!h->epochs || !h->rows_per_epoch ||
				    (h->first_row - 1) / h->rows_per_epoch >= h->epochs))
		return "its first_row lies beyond its epochs";
	return NULL;
}

static const char *provenance_fault(const struct js *provenance)
{
	if (!js_is_array(provenance))
		return "it has no provenance";
	if (js_length(provenance) > REC_MAX_PROVENANCE)
		return "its provenance has more than 1000 entries";
	for (size_t k = 0; k < js_length(provenance); k++)
		if (!js_is_object(js_at(provenance, k)))
			return "an entry of its provenance is not an object";
	return NULL;
}

/* The reason why v is no header, or NULL. */
static const char *header_fault(struct rec_header *h, const struct js *v)
{
	const char *kind = js_get_string(v, "kind"), *fault;
	unsigned k;

	for (k = 0; kind && k < REC_NUM_KINDS && strcmp(kind, rec_info[k].name); k++)
		;
	if (!kind || k == REC_NUM_KINDS)
		return "its kind is unknown";
	h->kind = (enum rec_kind)k;
	if (!get_fields(h, js_get(v, "fields")))
		return "its fields are not those of its kind";
	if (!get_bound(v, "users", &h->num_users) || !get_bound(v, "items", &h->num_items))
		return "users or items is not a number from 1 to 4294967295";
	if (!id_family_parse(&h->user_ids, js_get(v, "user_ids")) ||
		!id_family_parse(&h->item_ids, js_get(v, "item_ids")))
		return "user_ids or item_ids is not a list of [count, hash], counts ascending";
	if (!user_ranges_parse(&h->user_ranges, js_get(v, "user_ranges"), h->num_users))
		return "user_ranges is not a list of [first, end), ascending and apart";
	if ((fault = epochs_fault(h, v)))
		return fault;
	return provenance_fault(js_get(v, "provenance"));
}

bool rec_header_parse(struct rec_header *h, const char *text, size_t length, char *why, size_t size)
{
	struct js *v = js_parse(text, length, why, size);
	const char *fault;

	*h = (struct rec_header){ 0 };
	if (!v)
		return false;
	fault = header_fault(h, v);
	if (fault) {
		snprintf(why, size, "%s", fault);
		id_family_release(&h->user_ids);
		id_family_release(&h->item_ids);
		user_ranges_release(&h->user_ranges);
	} else {
		h->provenance = js_copy(js_get(v, "provenance"));
	}
	js_free(v);
	return !fault;
}
