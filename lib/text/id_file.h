/*
 * id_file: reads a file of ids, lines of `dense TAB raw [TAB name]`; what stands behind a name is
 * passed over. Lines end in LF or CRLF. Memory: one line.
 */
#ifndef ID_FILE_H
#define ID_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct id_file;

/* One line; its texts end in NUL, hold none, and live until the next call. */
struct id_line {
	uint64_t dense;
	const char *raw, *name; /* name NULL: there is none */
	size_t raw_length, name_length;
	bool whole; /* the line has its end: only the last of a file that was cut lacks it */
};

/* Open `path` ("-": standard input; gzip is known). */
struct id_file *id_file_open(const char *path);

/* The next line; false at the end. Dies on a line that does not begin with an id and a tab, and on
   a NUL. */
bool id_file_read(struct id_file *f, struct id_line *line);

/* Die about the line read last: "line N of 'x': ...", N from 1. */
_Noreturn void id_file_die(const struct id_file *f, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

const char *id_file_name(const struct id_file *f);
void id_file_close(struct id_file *f);

#endif
