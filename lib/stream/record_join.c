#include "base/die.h"
#include "base/mem.h"
#include "stream/record.h"
#include "stream/record_format.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* An entry of some stream's provenance. */
struct entry {
	char *text; /* all that it says */
	size_t at;  /* among the entries of all streams */
	const struct js *value;
};

static int compare_texts(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	const int order = strcmp(x->text, y->text);

	return order ? order : (x->at > y->at) - (x->at < y->at);
}

/* All entries of the first stream, and every other one once, where it appears first. Sorted, not
   searched: streams have many. */
static void join_provenance(
	struct js *provenance, const struct rec_header *const *from, size_t num_streams)
{
	const size_t num_first = js_length(from[0]->provenance);
	const struct js **kept;
	struct entry *entries;
	size_t num = 0, at = 0;

	for (size_t s = 0; s < num_streams; s++)
		num += js_length(from[s]->provenance);
	entries = xmalloc(num, sizeof(*entries));
	kept = xcalloc(num, sizeof(*kept));
	for (size_t s = 0; s < num_streams; s++)
		for (size_t k = 0; k < js_length(from[s]->provenance); k++, at++) {
			const struct js *value = js_at(from[s]->provenance, k);

			entries[at] = (struct entry){ js_dump(value, false), at, value };
		}
	qsort(entries, num, sizeof(*entries), compare_texts);
	for (size_t k = 0; k < num; k++)
		if (entries[k].at < num_first || k == 0 ||
			strcmp(entries[k].text, entries[k - 1].text) != 0)
			kept[entries[k].at] = entries[k].value;
	for (size_t k = 0; k < num; k++) {
		if (kept[k])
			js_append(provenance, js_copy(kept[k]));
		free(entries[k].text);
	}
	free(entries);
	free(kept);
}

/* Does `next` begin with the row behind the last of h's run? */
static bool continues(const struct rec_header *h, const struct rec_header *next)
{
	return next->first_row && next->first_row / h->rows_per_epoch == h->epochs &&
	       next->first_row % h->rows_per_epoch == 0;
}

/* Let h's epochs be those of its own rows and then next's; false where there is no telling. */
static bool join_epochs(struct rec_header *h, const struct rec_header *next)
{
	if (!h->epochs || !h->rows_per_epoch || !next->epochs ||
		next->rows_per_epoch != h->rows_per_epoch)
		return false;
	if (continues(h, next))
		h->epochs = next->epochs;
	else if (next->first_row == 0 && next->epochs <= INT64_MAX - h->epochs) /* JSON's most */
		h->epochs += next->epochs;
	else
		return false;
	return true;
}

bool rec_header_join(struct rec_header *h, const struct rec_header *const *from, size_t num)
{
	struct js *whole = rec_shards_provenance(from, num);

	rec_header_init(h, from[0]->kind, from[0], NULL);
	js_free(h->provenance);
	h->provenance = whole ? whole : js_array();
	if (!whole)
		join_provenance(h->provenance, from, num);
	h->negatives = from[0]->negatives;
	h->epochs = from[0]->epochs;
	h->rows_per_epoch = from[0]->rows_per_epoch;
	h->first_row = from[0]->first_row;
	for (size_t k = 1; k < num; k++) {
		id_family_intersect(&h->user_ids, &from[k]->user_ids);
		id_family_intersect(&h->item_ids, &from[k]->item_ids);
		user_ranges_add(&h->user_ranges, &from[k]->user_ranges, h->num_users);
		if (!join_epochs(h, from[k]))
			h->epochs = h->rows_per_epoch = h->first_row = 0;
	}
	if (whole)
		user_ranges_release(&h->user_ranges);
	return whole != NULL;
}

void rec_check_joined(const struct rec_reader *first, const struct rec_reader *other)
{
	const struct rec_header *a = rec_header(first), *b = rec_header(other);

	if (a->kind != b->kind)
		die("'%s' holds %s records and '%s' %s records: not joined", rec_name(first),
			rec_info[a->kind].name, rec_name(other), rec_info[b->kind].name);
	if (a->num_users != b->num_users || a->num_items != b->num_items)
		die("'%s' has %" PRIu32 " users and %" PRIu32 " items and '%s' %" PRIu32
		    " and %" PRIu32 ": not joined",
			rec_name(first), a->num_users, a->num_items, rec_name(other), b->num_users,
			b->num_items);
	if (a->negatives != b->negatives)
		die("a group of '%s' has %" PRIu32 " negatives and of '%s' %" PRIu32 ": not joined",
			rec_name(first), a->negatives, rec_name(other), b->negatives);
	rec_check_families(rec_name(first), a, rec_name(other), b);
}

void rec_check_epochs(const char *name, uint64_t rows, const struct rec_header *h)
{
	uint64_t said;

	if (!rec_header_rows(h, &said) || said == rows)
		return;
	if (h->first_row)
		die("'%s' holds %" PRIu64 " rows, its header says %" PRIu64 " from row %" PRIu64
		    " of %" PRIu64 " epochs of %" PRIu64,
			name, rows, said, h->first_row + 1, h->epochs, h->rows_per_epoch);
	die("'%s' holds %" PRIu64 " rows, its header says %" PRIu64 " epochs of %" PRIu64, name,
		rows, h->epochs, h->rows_per_epoch);
}
