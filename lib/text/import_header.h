/*
 * import_header: what is said of rows that come from text: by another stream, which had them or
 * rows like them, by id files, by bounds.
 */
#ifndef IMPORT_HEADER_H
#define IMPORT_HEADER_H

#include "stream/record.h"
#include "text/import.h"

/* Who says it. */
struct import_header_source {
	enum rec_kind kind;
	const char *like;	       /* a stream; NULL: none */
	uint32_t num_users, num_items; /* bounds; 0: those of `like`, or of the id files */
	const char *user_ids,
		*item_ids; /* id files that the text was written by; NULL: dense ids */
	bool names;	   /* it has their names */
};

/*
 * Fill in a header, without negatives: bounds; id maps, of `like` or else of the id files; the
 * provenance of `like`; its epochs, where both have epochs to be trained. `ids` gets what
 * import_rows needs; its lookups are to be freed.
 *
 * Dies where an id file is no map of the family of `like`, but under --ids-unchecked: then the
 * header has the map of the file.
 */
void import_header(
	struct rec_header *h, struct import_ids *ids, const struct import_header_source *source);

/* Are rows of this kind read in epochs? */
bool import_is_training(enum rec_kind kind);

#endif
