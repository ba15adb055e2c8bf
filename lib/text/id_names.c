#include "text/id_names.h"

#include "base/die.h"
#include "base/mem.h"
#include "base/number.h"
#include "stream/stream.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint64_t NONE = UINT64_MAX;

struct id_names {
	const char *path, *noun;
	enum id_names_style style;
	uint32_t num;
	uint64_t *at; /* of each id below num_at: where its length (4 bytes) and name begin */
	size_t num_at;
	char *text;
	size_t used, capacity;
};

static void append(struct id_names *names, const void *data, size_t size)
{
	names->text = xgrow(names->text, &names->capacity, names->used + size, 1);
	memcpy(names->text + names->used, data, size);
	names->used += size;
}

/* As RFC 4180 has it: in quotes, themselves doubled, where the text has a comma, a quote or a CR.
   */
static void append_csv(struct id_names *names, const char *s, size_t length)
{
	if (!memchr(s, ',', length) && !memchr(s, '"', length) && !memchr(s, '\r', length)) {
		append(names, s, length);
		return;
	}
	append(names, "\"", 1);
	for (size_t k = 0; k < length; k++) {
		if (s[k] == '"')
			append(names, "\"", 1);
		append(names, s + k, 1);
	}
	append(names, "\"", 1);
}

/* Bytes of the UTF-8 sequence at `s` (RFC 3629: shortest form, no surrogates, up to U+10FFFF), else
   0. */
static size_t utf8_length(const unsigned char *s, size_t left)
{
	static const uint32_t lowest[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t n = s[0] < 0x80	     ? 1
		   : s[0] >> 5 == 6  ? 2
		   : s[0] >> 4 == 14 ? 3
		   : s[0] >> 3 == 30 ? 4
				     : 0;
	uint32_t c = n == 1 ? s[0] : s[0] & (0x7Fu >> n);

	if (n == 0 || n > left)
		return 0;
	for (size_t k = 1; k < n; k++) {
		if (s[k] >> 6 != 2)
			return 0;
		c = c << 6 | (s[k] & 0x3F);
	}
	return c < lowest[n] || c > 0x10FFFF || c >> 11 == 0xD800 >> 11 ? 0 : n;
}

static void append_control(struct id_names *names, unsigned c)
{
	char escape[8];
	int n = snprintf(escape, sizeof(escape), "\\u%04x", c);

	append(names, escape, (size_t)n);
}

/* False when the name is not UTF-8. */
static bool append_json(struct id_names *names, const char *s, size_t length)
{
	append(names, "\"", 1);
	for (size_t k = 0, n; k < length; k += n) {
		unsigned char c = (unsigned char)s[k];

		n = utf8_length((const unsigned char *)s + k, length - k);
		if (n == 0)
			return false;
		if (c == '"' || c == '\\')
			append(names, "\\", 1);
		if (c >= 0x20)
			append(names, s + k, n);
		else
			append_control(names, c);
	}
	append(names, "\"", 1);
	return true;
}

/* Make room up to `id` only: the bound of a header may be far above the ids in use. */
static void grow(struct id_names *names, uint64_t id)
{
	size_t capacity = names->num_at;

	names->at = xgrow(names->at, &capacity, id + 1, sizeof(*names->at));
	while (names->num_at < capacity)
		names->at[names->num_at++] = NONE;
}

/* One line: `dense TAB name [TAB ...]`. */
static void read_line(struct id_names *names, char *line, size_t length, uint64_t number)
{
	size_t digits = strspn(line, "0123456789");
	uint64_t id, start = names->used;
	uint32_t size = 0;
	const char *name, *tab;

	if (line[digits] != '\t')
		die("line %" PRIu64 " of '%s' does not begin with an id and a tab", number,
			names->path);
	line[digits] = '\0';
	if (!number_parse_uint(line, 0, UINT64_MAX, &id))
		die("line %" PRIu64 " of '%s': '%s' is not an id", number, names->path, line);
	if (id >= names->num)
		die("line %" PRIu64 " of '%s': %s %" PRIu64 " is not below %" PRIu32
		    ", the bound of the stream",
			number, names->path, names->noun, id, names->num);
	if (id >= names->num_at)
		grow(names, id);
	if (names->at[id] != NONE)
		die("line %" PRIu64 " of '%s': %s %" PRIu64 " has a name already", number,
			names->path, names->noun, id);

	name = line + digits + 1;
	length -= digits + 1;
	tab = memchr(name, '\t', length);
	if (tab)
		length = (size_t)(tab - name);
	if (memchr(name, '\0', length))
		die("line %" PRIu64 " of '%s': a NUL in the name", number, names->path);
	append(names, &size, sizeof(size));
	if (names->style == ID_NAMES_PLAIN)
		append(names, name, length);
	else if (names->style == ID_NAMES_CSV)
		append_csv(names, name, length);
	else if (!append_json(names, name, length))
		die("line %" PRIu64 " of '%s': the name is not UTF-8, as JSON must be", number,
			names->path);
	size = (uint32_t)(names->used - start - sizeof(size));
	memcpy(names->text + start, &size, sizeof(size));
	names->at[id] = start;
}

struct id_names *id_names_load(
	const char *path, const char *noun, uint32_t num, enum id_names_style style)
{
	struct id_names *names = xcalloc(1, sizeof(*names));
	struct stream_in *in = stream_open(path);
	size_t length;
	char *line;

	names->path = path;
	names->noun = noun;
	names->style = style;
	names->num = num;
	for (uint64_t number = 1; (line = stream_line(in, &length)); number++)
		read_line(names, line, length, number);
	stream_close(in);
	return names;
}

const char *id_names_get(const struct id_names *names, uint32_t id, size_t *length)
{
	uint32_t size;

	if (id >= names->num_at || names->at[id] == NONE)
		die("%s %" PRIu32 " has no line in '%s'", names->noun, id, names->path);
	memcpy(&size, names->text + names->at[id], sizeof(size));
	*length = size;
	return names->text + names->at[id] + sizeof(size);
}

void id_names_free(struct id_names *names)
{
	if (!names)
		return;
	free(names->at);
	free(names->text);
	free(names);
}
