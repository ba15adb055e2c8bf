/*
 * rating_text: reads ratings from text of any format of rating_columns.h: user, item and, if
 * present, rating and time.
 *
 * Lines end in LF or CRLF; a byte order mark at the start and empty lines are skipped. Every line
 * has as many fields as the first. Fields are taken as they are, no blanks trimmed; quotes as
 * `quoting` says: with QUOTING_CSV a field may be quoted (RFC 4180), and may then hold delimiters,
 * line ends and, doubled, quotes. Memory: 1 MiB, which is also the longest line, or quoted record;
 * twice as much where quoted fields hold quotes, and for JSON lines.
 */
#ifndef RATING_TEXT_H
#define RATING_TEXT_H

#include "base/js.h"
#include "text/rating_columns.h"
#include "text/raw_ids.h"

#include <stdbool.h>
#include <stdint.h>

struct rating_text;
struct stream_in;

/* One rating. The raw ids live until the next call. */
struct rating_text_row {
	struct raw_id user, item;
	float rating;  /* 1 without such a column; of a list of negatives its label */
	int64_t time;  /* 0 without such a column */
	uint64_t line; /* where it starts, from 1: for rating_text_die */
	const char *at;
};

/* Take over an open input and settle its columns: what `options` leave open is decided by
   rating_detect. */
struct rating_text *rating_text_open(struct stream_in *in, const struct rating_options *options);

/*
 * The next ratings, up to `max`: fewer where the buffer ends, 0 at the end. Dies with "line N of
 * 'x' (byte B): ...", N from 1, B from 0, on a line with fewer or more fields than the first, an
 * empty id, a raw id that contains a control character, a rating that is not a finite number from
 * min_rating to max_rating, a time that is none, quotes that break their rule, and a carriage
 * return that ends no line.
 */
size_t rating_text_read(struct rating_text *t, struct rating_text_row *rows, size_t max);

/* Die about a rating of those read last. */
_Noreturn void rating_text_die(const struct rating_text *t, const struct rating_text_row *row,
	const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Size and hash of the text read, as decompressed: once all is read, what a provenance entry says
   as "input". The same for a file, its gzip and a pipe. */
struct js *rating_text_digest(const struct rating_text *t);

/* Once all is read: die unless the text ended with a line end or is a regular file. */
void rating_text_check_end(const struct rating_text *t);

const char *rating_text_name(const struct rating_text *t);
const struct rating_columns *rating_text_columns(const struct rating_text *t); /* as settled */
bool rating_text_has(
	const struct rating_text *t, enum column column);    /* does it have that column? */
bool rating_text_unfinished(const struct rating_text *t);    /* its last line lacked its end */
uint64_t rating_text_times_cut(const struct rating_text *t); /* times that had a fraction */
uint64_t rating_text_members(const struct rating_text *t);   /* of gzip; 0: plain */
uint64_t rating_text_offset(const struct rating_text *t);    /* bytes of text read so far */
uint64_t rating_text_size(
	const struct rating_text *t); /* bytes in all, 0: not known; for progress */
void rating_text_close(struct rating_text *t);

#endif
