#include "text/import_header.h"

#include "base/die.h"

bool import_is_training(enum rec_kind kind)
{
	return kind == REC_TRIPLE || kind == REC_SAMPLE || kind == REC_GROUP;
}

static void take_stream(struct rec_header *h, const struct import_header_source *source)
{
	struct rec_reader *like = rec_open(source->like, (1u << REC_NUM_KINDS) - 1);
	const struct rec_header *from = rec_header(like);

	rec_header_init(h, source->kind, from, NULL);
	user_ranges_release(&h->user_ranges); // what users a text has is its own affair
	if (import_is_training(source->kind) && import_is_training(from->kind)) {
		h->epochs = from->epochs;
		h->rows_per_epoch = from->rows_per_epoch;
		h->first_row = from->first_row;
	}
	rec_close(like, false);
}

/* The ids of the text are those of the map at `path`; `noun` is "users". */
static struct id_lookup *take_map(struct id_family *family, uint32_t *bound, const char *path,
	const char *noun, const struct import_header_source *source)
{
	struct id_lookup *lookup;

	if (!path)
		return NULL;
	lookup = id_lookup_load(path, source->names);
	if (!id_lookup_related(lookup, family)) {
		if (!ids_unchecked)
			die("'%s' is not the id map that numbers the %s of '%s' (--ids-unchecked to go on)",
				path, noun, source->like);
		id_family_release(family);
	}
	if (family->num == 0)
		id_family_copy(family, id_lookup_family(lookup));
	if (*bound == 0)
		*bound = id_lookup_num(lookup);
	return lookup;
}

void import_header(
	struct rec_header *h, struct import_ids *ids, const struct import_header_source *source)
{
	if (source->like) {
		take_stream(h, source);
	} else {
		rec_header_init(h, source->kind, NULL, NULL);
		h->num_users = source->num_users;
		h->num_items = source->num_items;
	}
	ids->users = take_map(&h->user_ids, &h->num_users, source->user_ids, "users", source);
	ids->items = take_map(&h->item_ids, &h->num_items, source->item_ids, "items", source);
	ids->num_users = h->num_users;
	ids->num_items = h->num_items;
}
