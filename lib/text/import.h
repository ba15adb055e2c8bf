/*
 * import: reads rows of a kind from text, one row per line, the fields in the order of the record:
 * what export writes as tsv or csv without names, to the bit. A first line of field names is
 * skipped. Numbers stand alone: no blanks, no quotes.
 */
#ifndef IMPORT_H
#define IMPORT_H

#include "stream/record.h"

struct import;

/* Open text of `kind`, with `separator` between fields and ids below the bounds. For groups this
   reads the first line, which shows how many negatives they have. */
struct import *import_open(const char *path, enum rec_kind kind, char separator, uint32_t num_users,
	uint32_t num_items);

const char *import_name(const struct import *in);

/* What the rows are; for groups, `list` is the number of negatives. */
const struct rec_info *import_info(const struct import *in);

/* Read up to `max` rows into structs of the kind; 0 at the end. A line that is not a row is fatal:
   the message names line and byte. */
size_t import_rows(struct import *in, void *rows, size_t max);
void import_close(struct import *in);

#endif
