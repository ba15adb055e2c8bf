/*
 * record: typed record streams (record.5 is the format). A reader gives a row, a verified end, or
 * dies naming stage, input, row and byte. Reading checks everything a consumer may rely on:
 * checksums, the row count, every id below its bound, every float finite (a score may be -inf).
 */
#ifndef RECORD_H
#define RECORD_H

#include "base/js.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum rec_kind {
	REC_RATING,
	REC_INTERACTION,
	REC_TRIPLE,
	REC_SAMPLE,
	REC_SCORE,
	REC_RANK,
	REC_TOP,
	REC_NUM_KINDS
};

struct rating {
	uint32_t user, item;
	float rating;
	int64_t time;
};
struct interaction {
	uint32_t user, item;
	int64_t time;
};
struct triple {
	uint32_t user, positive, negative;
};
struct sample {
	uint32_t user, item;
	float label;
};
struct score {
	uint32_t user, item;
	float label, score;
};
struct rank {
	uint32_t user, item, above, ties, ties_before, candidates;
};
struct top {
	uint32_t user, item, rank;
	float score;
};

/* The kinds as data: cof-cat, the format page and the tests are driven by this. */
enum rec_type { REC_U32, REC_F32, REC_I64 };
enum rec_meaning {
	REC_PLAIN,
	REC_USER,	/* an id below the bound of users */
	REC_ITEM,	/* an id below the bound of items */
	REC_SCORE_VALUE /* a float that may be -inf */
};
struct rec_field {
	const char *name;
	enum rec_type type;
	enum rec_meaning meaning;
	unsigned offset; /* within the C struct; rows on disk are packed in field order */
};
struct rec_info {
	const char *name;
	unsigned num_fields, row_size, struct_size;
	const struct rec_field *fields;
};
extern const struct rec_info rec_info[REC_NUM_KINDS];

enum { REC_BLOCK_BYTES = 65536, REC_MAX_ROW = 24 };

/* What a stream says of itself. */
struct rec_header {
	enum rec_kind kind;
	uint32_t num_users, num_items;	 /* every id is in 0..n-1 */
	uint64_t epochs, rows_per_epoch; /* 0: not said */
	struct js *provenance;		 /* array, one object a stage */
};

/* A header with a copy of `from`'s bounds and provenance (NULL:
   empty) and `entry` (handed over) appended. */
void rec_header_init(
	struct rec_header *h, enum rec_kind kind, const struct rec_header *from, struct js *entry);
void rec_header_release(struct rec_header *h);
struct js *rec_header_json(const struct rec_header *h);

struct rec_reader;

/* Open `path` and read its header. `kinds` is a mask of 1u << kind: another kind dies with
   "stage: 'x.cof' holds rating records, interaction expected". */
struct rec_reader *rec_open(const char *path, unsigned kinds);
const struct rec_header *rec_header(const struct rec_reader *r);
const char *rec_name(const struct rec_reader *r);

/*
 * Decode up to `max` rows into an array of the kind's struct. Returns how many; 0 only at the
 * verified end (trailer read, count and checksum right, nothing after it).
 */
size_t rec_read_rows(struct rec_reader *r, void *rows, size_t max);
bool rec_read(struct rec_reader *r, void *row); /* one row; false at the verified end */
uint64_t rec_rows(const struct rec_reader *r);	/* rows handed out, or passed over, so far */

/* Read on to the verified end, with every check, without decoding rows. */
void rec_skip(struct rec_reader *r);

/* Die about the row handed out `back` rows ago (1: the last):
   "row N of 'x' (byte B): ...", N from 1. */
_Noreturn void rec_die(const struct rec_reader *r, uint64_t back, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Frees; dies unless the verified end was reached when `finish` is true (reads on to it). */
void rec_close(struct rec_reader *r, bool finish);

struct rec_writer;

/* Writes the header at once. The header is the caller's. A row
   that rec_read would refuse is a BUG. */
struct rec_writer *rec_create(const char *path, const struct rec_header *h);
void rec_write_rows(struct rec_writer *w, const void *rows, size_t n);
void rec_write(struct rec_writer *w, const void *row);

/* End the current block and hand it to the system, so that a reader of a slow pipe sees it. */
void rec_flush(struct rec_writer *w);
uint64_t rec_written(const struct rec_writer *w);

/* Write the trailer and close; dies on any error. */
void rec_finish(struct rec_writer *w);

#endif
