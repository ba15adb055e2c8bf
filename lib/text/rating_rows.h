/*
 * rating_rows: what the readers of rating_text share: the struct behind it, values, and one reader
 * per kind of text.
 *
 * A reader gets up to `max` rows of what lies in the window, from text.at on, and refills only when
 * it has none yet; 0 at the end.
 */
#ifndef RATING_ROWS_H
#define RATING_ROWS_H

#include "text/rating_text.h"
#include "text/text_source.h"

#include <stddef.h>

struct rating_text {
	struct text_source text;
	struct rating_columns columns;
	size_t width;		    /* of the delimiter */
	unsigned char special[256]; /* bytes at which scanning a field stops: 1 */
	char *header;		    /* the header line, NULL: none */
	size_t header_size;
	bool empty_ids;
	uint64_t times_cut;
	uint64_t lines_within; /* line ends in quoted fields of the record being read */
	char *scratch; /* TEXT_WINDOW bytes for contents that are not in the window as they are */
	size_t scratch_used;
	/* of lists: the rest of the line being read, NULL: none */
	const char *list;
	struct raw_id list_user;
	size_t (*read)(struct rating_text *t, struct rating_text_row *rows, size_t max);
};

/* The content of a field. */
struct span {
	const char *at, *end;
};

size_t delimited_read(struct rating_text *t, struct rating_text_row *rows, size_t max);
void delimited_skip_header(struct rating_text *t);
size_t lists_read(struct rating_text *t, struct rating_text_row *rows, size_t max);
size_t json_rows_read(struct rating_text *t, struct rating_text_row *rows, size_t max);

/* What is copied comes from one window, and a copy is never longer than what it is made from. */
enum { RATING_SCRATCH = TEXT_WINDOW };

/* A place of `size` bytes that lives until the next call of the reader. */
char *rating_scratch(struct rating_text *t, size_t size);

/* Die about the line being read, at `at` within it: "user 'x' is ...", up to 40 bytes of the
   content quoted. */
_Noreturn void rating_die_value(const struct rating_text *t, const char *at, struct span content,
	const char *what, const char *why);

/* Values from the content of a field, at any speed; `at` is for messages. An id is empty where
   empty_ids allows it. */
void rating_id_of(const struct rating_text *t, const char *at, struct span content,
	const char *what, struct raw_id *id);
float rating_value_of(const struct rating_text *t, const char *at, struct span content);
int64_t rating_time_of(struct rating_text *t, const char *at, struct span content);

/* Dies about a rating outside min_rating..max_rating. */
void rating_check_range(
	const struct rating_text *t, const char *at, struct span content, float rating);

#endif
