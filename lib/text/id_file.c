#include "text/id_file.h"

#include "base/die.h"
#include "base/mem.h"
#include "base/number.h"
#include "stream/stream.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct id_file {
	struct stream_in *in;
	uint64_t number; /* of the line read last, from 1 */
};

struct id_file *id_file_open(const char *path)
{
	struct id_file *f = xcalloc(1, sizeof(*f));

	f->in = stream_open(path);
	return f;
}

_Noreturn void id_file_die(const struct id_file *f, const char *format, ...)
{
	char text[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	die("line %" PRIu64 " of '%s': %s", f->number, stream_name(f->in), text);
}

/* End the column at `text` where the next begins, which is returned; NULL: there is none. */
static char *cut_column(char *text)
{
	char *tab = strchr(text, '\t');

	if (tab)
		*tab++ = '\0';
	return tab;
}

bool id_file_read(struct id_file *f, struct id_line *line)
{
	const uint64_t start = stream_offset(f->in);
	size_t length;
	char *text = stream_line(f->in, &length), *raw, *name;

	if (!text)
		return false;
	f->number++;
	line->whole = stream_offset(f->in) - start > length;
	if (strlen(text) != length)
		id_file_die(f, "a NUL in the text");
	if (text[strspn(text, "0123456789")] != '\t')
		id_file_die(f, "it does not begin with an id and a tab");
	raw = cut_column(text);
	if (!number_parse_uint(text, 0, UINT64_MAX, &line->dense))
		id_file_die(f, "'%s' is not an id", text);
	name = cut_column(raw);
	if (name)
		cut_column(name);
	line->raw = raw;
	line->raw_length = strlen(raw);
	line->name = name;
	line->name_length = name ? strlen(name) : 0;
	return true;
}

const char *id_file_name(const struct id_file *f)
{
	return stream_name(f->in);
}

void id_file_close(struct id_file *f)
{
	stream_close(f->in);
	free(f);
}
