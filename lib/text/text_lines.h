/* text_lines: the lines of a text, with the places that messages name. */
#ifndef TEXT_LINES_H
#define TEXT_LINES_H

#include <stdbool.h>
#include <stdint.h>

struct stream_in;

struct text_lines {
	struct stream_in *in;
	uint64_t line, start; /* of the current line: its number, from 1, and its first byte */
	char *text;	      /* itself, without its end; NULL at the end of the text */
};

/* Open a text. */
struct text_lines text_lines_open(const char *path);
void text_lines_close(struct text_lines *l);

/*
 * Go on to the next line; false at the end. A byte order mark is passed over. Dies for a NUL, and
 * for a last line without its end where the text is not a regular file: whoever wrote it was stopped.
 */
bool text_lines_next(struct text_lines *l);

/* Die about the place `at` of the current line: "line N of 'x' (byte B): ...". */
_Noreturn void text_lines_die(const struct text_lines *l, const char *at, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
