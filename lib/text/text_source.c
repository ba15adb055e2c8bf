#include "text/text_source.h"

#include "base/die.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "stream/digest.h"
#include "stream/stream.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_MESSAGE = 512, SHOWN_LINES = 3, SHOWN_BYTES = 100 };

/* How inputs begin that are no text. A name stands where `advice` has %s. */
static const struct {
	const char *magic;
	size_t length;
	const char *what, *advice;
} no_text[] = {
	{ "PAR1", 4, "a Parquet file",
		"convert it to CSV first, with duckdb, or in Python with pandas" },
	{ "PK\3\4", 4, "a zip archive or a workbook (xlsx)",
		"unzip -p gives a file of an archive to a pipe, a spreadsheet program saves CSV" },
	{ "\xfd"
	  "7zXZ",
		5, "xz data", "xz -dc unpacks it into a pipe" },
	{ "\x28\xb5\x2f\xfd", 4, "zstd data", "zstd -dc unpacks it into a pipe" },
	{ "BZh", 3, "bzip2 data", "bzip2 -dc unpacks it into a pipe" },
	{ "%%MatrixMarket", 14, "a Matrix Market file",
		"grep -v '^%' | sed 1d leaves its entries: row, column and value by spaces" },
	{ "SQLite format 3", 15, "an SQLite database", "sqlite3 -csv prints a query as CSV" },
	{ "\x89HDF", 4, "an HDF5 file", "convert it to CSV first" },
	{ "\xff\xfe", 2, "UTF-16 text", "iconv -f UTF-16 -t UTF-8 converts it" },
	{ "\xfe\xff", 2, "UTF-16 text", "iconv -f UTF-16 -t UTF-8 converts it" },
};

/* Has what was read CRs, but no LF of its own? */
static bool has_cr_only(const struct text_source *s)
{
	const char *end = s->end - s->unfinished, *cr = memchr(s->at, '\r', (size_t)(end - s->at));

	return cr && !memchr(s->at, '\n', (size_t)(end - s->at));
}

/* Die where the first bytes say that this is no text. */
static void check_text(const struct text_source *s)
{
	enum { ENOUGH = 4096 };
	size_t size = (size_t)(s->end - s->at);
	const char *nul = memchr(s->at, '\0', size < ENOUGH ? size : ENOUGH);

	for (size_t k = 0; k < sizeof(no_text) / sizeof(*no_text); k++) {
		/* "BZh" may begin a text, but not one with a byte 0 near it */
		bool sure = no_text[k].length != 3 || nul;

		if (sure && size >= no_text[k].length &&
			memcmp(s->at, no_text[k].magic, no_text[k].length) == 0)
			die("'%s' is %s: %s", stream_name(s->in), no_text[k].what,
				no_text[k].advice);
	}
	if (has_cr_only(s))
		die("lines of '%s' end in CR, as on an old Mac: tr '\\r' '\\n' makes LF of it",
			stream_name(s->in));
	if (nul)
		die("'%s' is no text: byte %" PRIu64 " is 0", stream_name(s->in),
			s->base + (uint64_t)(nul - s->window));
}

void text_source_open(struct text_source *s, struct stream_in *in)
{
	*s = (struct text_source){ .in = in, .digest = digest_new() };
	s->window = s->at = s->limit = s->end = xcalloc(TEXT_WINDOW + 1 + TEXT_SLACK, 1);
	if (text_source_refill(s))
		s->at += utf8_mark(s->at, (size_t)(s->end - s->at));
	check_text(s);
	if (!text_source_line(s, true))
		die("'%s' is empty", stream_name(in));
	s->line--;
}

void text_source_close(struct text_source *s)
{
	stream_close(s->in);
	digest_free(s->digest);
	free(s->window);
}

bool text_source_refill(struct text_source *s)
{
	size_t rest = (size_t)(s->end - s->at), got;

	if (s->ended)
		return false;
	s->base += (uint64_t)(s->at - s->window);
	memmove(s->window, s->at, rest);
	s->at = s->window;
	s->end = s->window + rest;
	got = stream_read(s->in, s->end, TEXT_WINDOW - rest);
	digest_add(s->digest, s->end, got);
	s->ended = got < TEXT_WINDOW - rest;
	s->end += got;
	if (s->ended && s->end > s->window && s->end[-1] != '\n') {
		*s->end++ = '\n';
		s->unfinished = true;
	}
	for (s->limit = s->end; s->limit > s->window && s->limit[-1] != '\n';)
		s->limit--;
	if (s->limit == s->window && !s->ended) {
		check_text(s);
		text_source_die(
			s, s->line + 1, s->at, "the line is longer than %d bytes", TEXT_WINDOW);
	}
	return s->limit > s->window;
}

void text_source_check_end(const struct text_source *s)
{
	if (s->unfinished && !stream_is_regular(s->in))
		die("'%s' ends after %" PRIu64
		    " bytes without a line end: cut off? (--no-final-newline takes it as it is)",
			stream_name(s->in), stream_offset(s->in));
}

void text_source_die(
	const struct text_source *s, uint64_t line, const char *at, const char *format, ...)
{
	char message[MAX_MESSAGE];
	va_list args;

	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	die("line %" PRIu64 " of '%s' (byte %" PRIu64 "): %s", line, stream_name(s->in),
		s->base + (uint64_t)(at - s->window), message);
}

void text_source_show(const struct text_source *text)
{
	const char *line = text->at;

	for (unsigned k = 0; k < SHOWN_LINES && line < text->limit; k++) {
		const char *lf = memchr(line, '\n', (size_t)(text->limit - line));
		char shown[2 * SHOWN_BYTES + 4];
		size_t n = 0;

		for (const char *p = line; p < lf && p < line + SHOWN_BYTES; p++) {
			if (*p == '\r' && p + 1 == lf)
				break;
			if (*p == '\t')
				shown[n++] = '\\';
			shown[n++] = *p == '\t' ? 't' : *p;
		}
		strcpy(shown + n, lf - line > SHOWN_BYTES ? "..." : "");
		warn("line %llu: %s", (unsigned long long)text->line + k + 1, shown);
		line = lf + 1;
	}
}
