/*
 * record: typed record streams (record.5 is the format). A reader gives a row, a verified end, or
 * dies naming stage, input, row and byte. Reading checks everything a consumer may rely on:
 * checksums, the row count, every id below its bound, every float finite (a score may be -inf).
 */
#ifndef RECORD_H
#define RECORD_H

#include "base/js.h"
#include "stream/id_family.h"
#include "stream/user_ranges.h"

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
	REC_GROUP,
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

/* A group row in memory: 2 + N words, N of the header. */
enum { GROUP_USER, GROUP_POSITIVE, GROUP_NEGATIVES };

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
	bool is_list;	 /* so many values as the header says; u32, and the last field */
};
struct rec_info {
	const char *name;
	unsigned num_fields, row_size, struct_size;
	unsigned list; /* values of the last field: 1, or its number where it is a list */
	const struct rec_field *fields;
};

/* A group's sizes are in its header: rec_row_info. Here it has one negative. */
extern const struct rec_info rec_info[REC_NUM_KINDS];

enum {
	REC_BLOCK_BYTES = 65536,
	REC_MAX_NEGATIVES = REC_BLOCK_BYTES / 4 - GROUP_NEGATIVES, /* a row fits into a block */
	REC_MAX_PROVENANCE = 1000				   /* entries */
};

struct rec_reader;
struct stream_in;

/* What a stream says of itself. */
struct rec_header {
	enum rec_kind kind;
	uint32_t num_users, num_items;	     /* every id is in 0..n-1 */
	uint32_t negatives;		     /* of a group row, 1..REC_MAX_NEGATIVES; else 0 */
	struct id_family user_ids, item_ids; /* the maps the ids come from */
	struct user_ranges user_ranges;	     /* of a shard: all rows are theirs */
	uint64_t epochs, rows_per_epoch;     /* of the whole run; 0: not said */
	uint64_t
		first_row; /* rows of the run before this stream; needs epochs and rows_per_epoch */
	struct js *provenance; /* array, one object a stage */
};

/* The info of this stream's rows: that of its kind, with the sizes of its groups. */
struct rec_info rec_row_info(const struct rec_header *h);

/* Values of a row, those of a list each for itself: how many, the field of value k, its place in
   the C struct, and its name: the field's, with _1, _2 ... in a list. */
unsigned rec_num_values(const struct rec_info *info);
const struct rec_field *rec_value_field(const struct rec_info *info, unsigned k);
unsigned rec_value_offset(const struct rec_info *info, unsigned k);
void rec_value_name(const struct rec_info *info, unsigned k, char *name, size_t size);

/* A header with a copy of `from`'s bounds, id maps, user ranges and provenance (NULL: none) and
   `entry` (handed over; NULL: none) appended. Epochs and negatives are the caller's to set. */
void rec_header_init(
	struct rec_header *h, enum rec_kind kind, const struct rec_header *from, struct js *entry);
void rec_header_release(struct rec_header *h);
struct js *rec_header_json(const struct rec_header *h);

/* A copy of a header's provenance with `entry` (handed over) appended. */
struct js *rec_provenance(const struct rec_header *from, struct js *entry);

/*
 * The header of the rows of `num` streams, one or more of one kind and with the same bounds, one
 * after the other. Of id maps it has what all have in common, of provenance all entries of the
 * first and then those of the others that are new. Epochs: a stream that begins where the rows
 * before it end continues their run, one that begins a run of its own adds its epochs to theirs;
 * where it is neither, or one does not say its epochs, the header says none. Of shards it has the
 * users of all.
 *
 * True where the streams are the shards of one, in order, so that their rows are those of the whole:
 * then the header is that of the whole too. It is so where they differ by nothing but their users,
 * and the users of the whole ascend by what made it.
 */
bool rec_header_join(struct rec_header *h, const struct rec_header *const *from, size_t num);

/* Die unless the rows of a and b may stand in one stream: of one kind, with the same bounds, their
   ids of one family: "'a' holds triple records and 'b' sample records: not joined". */
void rec_check_joined(const struct rec_reader *a, const struct rec_reader *b);

/*
 * Note in a program's entry what the files of one of its options were made from: "side" maps the
 * option to a list, in which each call puts a copy of `from`: the provenance of a stream or model,
 * or an object that says what is known of a text; NULL puts null.
 */
void rec_put_side(struct js *entry, const char *option, const struct js *from);

/* How many rows a stream must have by its epochs; false where it does not say. */
bool rec_header_rows(const struct rec_header *h, uint64_t *rows);

/* Die where it says, and `name` has other rows. */
void rec_check_epochs(const char *name, uint64_t rows, const struct rec_header *h);

/*
 * Die unless the ids of a and b can mean the same: "'a' and 'b' number their users differently:
 * made from different id maps (--ids-unchecked to go on)". Passes where one does not know its map,
 * and under --ids-unchecked.
 */
void rec_check_families(const char *name_a, const struct rec_header *a, const char *name_b,
	const struct rec_header *b);

/* Die where h is of a shard, for a stage whose output needs the rows of all users: "'a' is a shard,
   users 0 to 313 of 943: WHY (cof-cat --as-whole to take it for all there is)". */
void rec_check_whole(const char *name, const struct rec_header *h, const char *why);

/* Warn where it is: "'a' is a shard, users 0 to 313 of 943: the results are theirs". */
void rec_warn_shard(const char *name, const struct rec_header *h);

/* Die where `side` is of a shard that lacks users of `h`: "'b' is a shard, users 0 to 313 of 943, and
   'a' has other users too". */
void rec_check_covers(const char *name_side, const struct rec_header *side, const char *name,
	const struct rec_header *h);

/* Open `path` and read its header. `kinds` is a mask of 1u << kind: another kind dies with
   "stage: 'x.cof' holds rating records, interaction expected". */
struct rec_reader *rec_open(const char *path, unsigned kinds);

/* The same of a stream that is open already, for a stage that also reads text. */
struct rec_reader *rec_open_stream(struct stream_in *in, unsigned kinds);
bool rec_is_stream(struct stream_in *in); /* do its next bytes look like one? */
const struct rec_header *rec_header(const struct rec_reader *r);
const char *rec_name(const struct rec_reader *r);

/*
 * Decode up to `max` rows into an array of the kind's struct (rec_row_info: struct_size). Returns
 * how many; 0 only at the verified end (trailer read, count and checksum right, nothing after it).
 */
size_t rec_read_rows(struct rec_reader *r, void *rows, size_t max);
bool rec_read(struct rec_reader *r, void *row); /* one row; false at the verified end */

/* The same rows where the reader holds them, which it may do without a copy: valid till it is read
   from again. *n is how many; 0 only at the verified end. */
const void *rec_look_rows(struct rec_reader *r, size_t max, size_t *n);
uint64_t rec_rows(const struct rec_reader *r); /* rows handed out, or passed over, so far */

/* So many rows at most, by the size of a file, which need not be a whole one; 0: it is not known. */
uint64_t rec_most_rows(const struct rec_reader *r);

/*
 * Rows that are made, in place of a stream: for a program that does the work of the stage before it.
 * Whoever has the reader cannot tell, but by the functions below.
 */
struct pool;
struct row_draws;
struct rec_source {
	/* Once, before the first row: read what they are made of; sets rows_per_epoch, and epochs to
	   those of the run. */
	void (*prepare)(void *arg, struct rec_header *h, struct pool *pool);
	/* rows (n structs): rows first .. first + n - 1 of the run, all epochs counted through; by any
	   thread. It cannot fail. */
	void (*make)(void *arg, uint64_t first, size_t n, void *rows);
	/* Optional: what they are drawn from (row_draws.h), for who draws them himself; NULL: of these
	   rows nobody else can. */
	const struct row_draws *(*draws)(void *arg);
	void (*release)(void *arg);
	void *arg;
	size_t slice; /* rows that are made at a time, and handed out at most */
};

/* Open it; `header` is handed over, and so is the source's arg, to its release. */
struct rec_reader *rec_open_source(
	const char *name, struct rec_header *header, const struct rec_source *source);

bool rec_is_made(const struct rec_reader *r); /* do its rows come from a source? */

/* Before the first row, and before the header's epochs are asked for. The pool, borrowed until
   rec_close, helps to make rows when it has no other work. Of a stream: nothing. */
void rec_prepare(struct rec_reader *r, struct pool *pool);

/* Begin with this row of the run instead, which becomes first_row of the header: before the first
   row. False, and nothing has changed, where the rows come from a stream. */
bool rec_begin_at(struct rec_reader *r, uint64_t row);

/* After rec_prepare: what the rows are drawn from; NULL: they must be read. */
const struct row_draws *rec_draws(const struct rec_reader *r);

/* The rows of the run up to `row` have been drawn; none is read after that. */
void rec_pass_to(struct rec_reader *r, uint64_t row);

/* As stream_before_read has it. */
void rec_before_read(struct rec_reader *r, void (*look)(void *arg, int descriptor), void *arg);

/* Read on to the verified end, with every check, without decoding rows. */
void rec_skip(struct rec_reader *r);

/* Die about the row handed out `back` rows ago (1: the last):
   "row N of 'x' (byte B): ...", N from 1. */
_Noreturn void rec_die(const struct rec_reader *r, uint64_t back, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Frees; dies unless the verified end was reached when `finish` is true (reads on to it). */
void rec_close(struct rec_reader *r, bool finish);

struct rec_writer;

/* Writes the header at once; dies where its provenance has more than REC_MAX_PROVENANCE entries.
   The header stays the caller's. A row that rec_read would refuse is a BUG. */
struct rec_writer *rec_create(const char *path, const struct rec_header *h);

/* The same on a stream opened by stream_create(path, true), which stays the caller's. */
struct stream_out;
struct rec_writer *rec_create_on(struct stream_out *out, const struct rec_header *h);
void rec_write_rows(struct rec_writer *w, const void *rows, size_t n);
void rec_write(struct rec_writer *w, const void *row);

/* Room for up to *n rows, at least one: fewer where the block has no more. The first n that were put
   there are written by rec_put_rows; the room is gone with the next call on the writer. */
void *rec_room(struct rec_writer *w, size_t *n);
void rec_put_rows(struct rec_writer *w, size_t n);

/* End the current block and hand it to the system, so that a reader of a slow pipe sees it. */
void rec_flush(struct rec_writer *w);
uint64_t rec_written(const struct rec_writer *w);

/* Write the trailer and free; commit the stream of rec_create, not that of rec_create_on. Dies on any
   error. */
void rec_finish(struct rec_writer *w);

#endif
