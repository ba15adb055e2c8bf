/*
 * import: reads rows of a kind from text, one row per line, the fields in the order of the record:
 * what export writes as tsv or csv, to the bit. A first line of field names is skipped. Numbers
 * stand alone: no blanks. In csv a field may be in quotes, as RFC 4180 has it, on one line. Or from
 * the texts of trec_eval (text/trec.h).
 */
#ifndef IMPORT_H
#define IMPORT_H

#include "stream/record.h"
#include "text/import_ids.h"

enum import_format { IMPORT_TSV, IMPORT_CSV, IMPORT_TREC };

struct import;

/* Open text, with commas and quotes (csv) or with tabs, or of trec_eval. Waits for its first bytes.
   For groups this reads the first line, which shows how many negatives they have. */
struct import *import_open(const char *path, enum rec_kind kind, enum import_format format);

/* What the users and items of the text are; import_rows needs to know. */
void import_set_ids(struct import *in, const struct import_ids *ids);

const char *import_name(const struct import *in);

/* What the rows are; for groups, `list` is the number of negatives. */
const struct rec_info *import_info(const struct import *in);

/* Read up to `max` rows into structs of the kind; 0 at the end. A line that is not a row is fatal:
   the message names line and byte. */
size_t import_rows(struct import *in, void *rows, size_t max);

/* Notes the lines of qrels that are no rows. */
void import_close(struct import *in);

#endif
