/*
 * rating_text: reads ratings from text, one per line: user, item and, if present, rating and time.
 *
 * Lines end in LF or CRLF; a byte order mark at the start and empty lines are skipped. Fields are
 * separated by one delimiter and taken as they are: no quotes, no escapes, no blanks trimmed.
 * Memory: 1 MiB, which is also the longest line.
 */
#ifndef RATING_TEXT_H
#define RATING_TEXT_H

#include "base/js.h"
#include "text/rating_columns.h"
#include "text/raw_ids.h"

#include <stdbool.h>
#include <stdint.h>

struct rating_text;

/* One line. The raw ids point into the reader's buffer and live until the next call. */
struct rating_text_row {
	struct raw_id user, item;
	float rating;  /* 1 without such a column */
	int64_t time;  /* 0 without such a column */
	uint64_t line; /* its number, from 1, and where it starts: for rating_text_die */
	const char *at;
};

/* Open `path` ("-": standard input; gzip is recognised) and settle its columns and header. */
struct rating_text *rating_text_open(const char *path, const struct rating_columns *columns);

/*
 * The next ratings, up to `max`: fewer where the buffer ends, 0 at the end. Dies with "line N of
 * 'x' (byte B): ...", N from 1, B from 0, on a missing or empty field, a raw id that contains a
 * control character, a rating that is not a finite number from min_rating to max_rating, and a time
 * that is not a 64-bit integer.
 */
size_t rating_text_read(struct rating_text *t, struct rating_text_row *rows, size_t max);

/* Die about a line of those read last. */
_Noreturn void rating_text_die(const struct rating_text *t, const struct rating_text_row *row,
	const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Size and hash of the text read, as decompressed: once all is read, what a provenance entry says
   as "input". The same for a file, its gzip and a pipe. */
struct js *rating_text_digest(const struct rating_text *t);

const char *rating_text_name(const struct rating_text *t);
const struct rating_columns *rating_text_columns(const struct rating_text *t); /* as settled */
uint64_t rating_text_offset(const struct rating_text *t); /* bytes of text read so far */
uint64_t rating_text_size(
	const struct rating_text *t); /* bytes in all, 0: not known; for progress */
void rating_text_close(struct rating_text *t);

#endif
