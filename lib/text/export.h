/*
 * export: writes rows of any kind as text, as a NumPy array, or as records.
 *
 *   tsv    fields in the order of the record, tabs between them, no header line
 *   csv    the same with commas, a header line of field names, quotes where RFC 4180 needs them
 *   jsonl  one object per row; a score of -inf, which JSON lacks, is null
 *   npy    a one-dimensional structured array, NumPy's format 1.0
 *   trec   the texts of trec_eval: top rows as a run, "user Q0 item rank score cofilter", interactions
 *          as qrels, "user 0 item 1"; blanks between fields, so that no raw id may have one
 *
 * A list has one column per value in tsv and csv, named _1, _2 ..., and is an array in jsonl and
 * npy. Floats have the fewest digits that read back as the same float32.
 */
#ifndef EXPORT_H
#define EXPORT_H

#include "stream/record.h"

#include <stdbool.h>

enum export_format {
	EXPORT_TSV,
	EXPORT_CSV,
	EXPORT_JSONL,
	EXPORT_NPY,
	EXPORT_COF,
	EXPORT_TREC /* of REC_TOP and REC_INTERACTION */
};

struct export;

/* Id files (text/id_names.h) for what text says in place of dense ids; NULL: none. */
struct export_ids {
	const char *users, *items;
	bool names; /* their third column */
};

/* Write the rows of a stream with header `h` to `path`; `ids` is for text, and NULL for none. */
struct export *export_create(const char *path, enum export_format format,
	const struct rec_header *h, const struct export_ids *ids);

/* Structs of the kind. Text and records are written at once; npy begins with the number of rows, so
   that all rows are kept until export_finish, row_size bytes each. */
void export_rows(struct export *e, const void *rows, size_t n);

/* Write the rest and close; dies on any error. */
void export_finish(struct export *e);

#endif
