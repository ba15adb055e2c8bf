/*
 * text_source: a text input in one window of whole lines, with what messages and reports say of it:
 * line and byte, size and hash, whether its end was cut off. Memory: 1 MiB, which is also the
 * longest line.
 *
 * Every line of the window ends in LF, the last of the text too: a scanning loop that stops at LF
 * needs no other bound, and may read TEXT_SLACK bytes beyond it.
 */
#ifndef TEXT_SOURCE_H
#define TEXT_SOURCE_H

#include "base/js.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct stream_in;
struct digest;

enum { TEXT_WINDOW = 1 << 20, TEXT_SLACK = 16 };

struct text_source {
	struct stream_in *in;
	struct digest *digest; /* of all that was read */
	char *window;	       /* TEXT_WINDOW, an LF that the last line may lack, TEXT_SLACK */
	char *at, *limit;      /* the next line; the end of the last whole one */
	char *end;	       /* of what was read */
	uint64_t base;	       /* place of window[0] in the text */
	uint64_t line;	       /* number of the line read last, from 1 */
	bool ended;	       /* all was read */
	bool unfinished;       /* and its last line had no end */
};

/*
 * Take over an open input and read the first window. A byte order mark is passed over. Dies, with
 * what to do about it, on an empty text and on what is no text: Parquet, zip, xz, UTF-16 and
 * others, known by their first bytes.
 */
void text_source_open(struct text_source *s, struct stream_in *in);
void text_source_close(struct text_source *s);

/* Move what is left from `at` on to the front and read more behind it. False when nothing is
   left. Dies on a line that does not fit. */
bool text_source_refill(struct text_source *s);

/* Dies unless the text ended with a line end, or is a regular file, where editors leave it out.
   Once all is read. */
void text_source_check_end(const struct text_source *s);

/* "line N of 'x' (byte B): ...", N from 1, B from 0; `at` points into the window. */
_Noreturn void text_source_die(const struct text_source *s, uint64_t line, const char *at,
	const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Show the first lines of the window on standard error, a tab as \t, for a message that follows. */
void text_source_show(const struct text_source *s);

/* The start of the next line that is not empty; NULL at the end, of the window unless `refill`. */
static inline char *text_source_line(struct text_source *s, bool refill)
{
	for (;;) {
		if (s->at == s->limit && !(refill && text_source_refill(s)))
			return NULL;
		s->line++;
		if (s->at[0] == '\r' && s->at[1] == '\n')
			s->at += 2;
		else if (s->at[0] == '\n')
			s->at++;
		else
			return s->at;
	}
}

/* Bytes of text taken so far. */
static inline uint64_t text_source_offset(const struct text_source *s)
{
	return s->base + (uint64_t)(s->at - s->window);
}

#endif
