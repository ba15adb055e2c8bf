/*
 * import: rows of a kind from text, one line a row, the fields in the order of the record: what
 * export writes as tsv and csv without names, to the bit. A line of the field names is passed over
 * where it is the first. Numbers stand alone: no blanks, no quotes.
 */
#ifndef IMPORT_H
#define IMPORT_H

#include "stream/record.h"

struct import;

/* Open text of `kind` with `separator` between fields and ids below the bounds. Of groups the first
   line is read: it shows how many negatives they have. */
struct import *import_open(const char *path, enum rec_kind kind, char separator, uint32_t num_users,
	uint32_t num_items);

const char *import_name(const struct import *in);

/* What the rows are; of groups `list` is the number of negatives. */
const struct rec_info *import_info(const struct import *in);

/* Up to `max` rows into structs of the kind, 0 at the end. Dies
   naming line and byte on a line that is not a row. */
size_t import_rows(struct import *in, void *rows, size_t max);
void import_close(struct import *in);

#endif
