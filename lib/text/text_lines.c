#include "text/text_lines.h"

#include "base/die.h"
#include "base/utf8.h"
#include "stream/stream.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct text_lines text_lines_open(const char *path)
{
	return (struct text_lines){ .in = stream_open(path) };
}

void text_lines_close(struct text_lines *l)
{
	stream_close(l->in);
}

bool text_lines_next(struct text_lines *l)
{
	size_t length;

	l->start = stream_offset(l->in);
	l->text = stream_line(l->in, &length);
	if (!l->text)
		return false;
	l->line++;
	if (strlen(l->text) != length)
		text_lines_die(l, l->text + strlen(l->text), "a NUL in the text");
	if (stream_offset(l->in) - l->start == length && !stream_is_regular(l->in))
		die("'%s' ends after %" PRIu64 " bytes without a line end: cut off?",
			stream_name(l->in), stream_offset(l->in));
	const size_t mark = l->line == 1 ? utf8_mark(l->text, length) : 0;
	l->text += mark;
	l->start += mark;
	return true;
}

void text_lines_die(const struct text_lines *l, const char *at, const char *format, ...)
{
	char what[512];
	va_list args;

	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	die("line %" PRIu64 " of '%s' (byte %" PRIu64 "): %s", l->line, stream_name(l->in),
		l->start + (uint64_t)(at - l->text), what);
}
