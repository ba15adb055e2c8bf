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
	uint64_t *at; /* of each id below num_at: where its length (4 bytes) and label begin */
	size_t num_at;
	char *text;
	size_t used, capacity;
};

static void append(struct id_names *l, const void *data, size_t size)
{
	l->text = xgrow(l->text, &l->capacity, l->used + size, 1);
	memcpy(l->text + l->used, data, size);
	l->used += size;
}

/* RFC 4180: quoted where a comma, a quote or a line end would be misread, quotes doubled. */
static void append_csv(struct id_names *l, const char *s, size_t length)
{
	if (!memchr(s, ',', length) && !memchr(s, '"', length) && !memchr(s, '\r', length)) {
		append(l, s, length);
		return;
	}
	append(l, "\"", 1);
	for (size_t k = 0; k < length; k++) {
		if (s[k] == '"')
			append(l, "\"", 1);
		append(l, s + k, 1);
	}
	append(l, "\"", 1);
}

/* Bytes of the UTF-8 sequence at `s` (RFC 3629: shortest form,
   no surrogates, to U+10FFFF), 0: none. */
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

static void append_control(struct id_names *l, unsigned c)
{
	char escape[8];
	int n = snprintf(escape, sizeof(escape), "\\u%04x", c);

	append(l, escape, (size_t)n);
}

/* False when the label is not UTF-8. */
static bool append_json(struct id_names *l, const char *s, size_t length)
{
	append(l, "\"", 1);
	for (size_t k = 0, n; k < length; k += n) {
		unsigned char c = (unsigned char)s[k];

		n = utf8_length((const unsigned char *)s + k, length - k);
		if (n == 0)
			return false;
		if (c == '"' || c == '\\')
			append(l, "\\", 1);
		if (c >= 0x20)
			append(l, s + k, n);
		else
			append_control(l, c);
	}
	append(l, "\"", 1);
	return true;
}

/* The bound of a header may be far above the ids in use: room for those only. */
static void grow(struct id_names *l, uint64_t id)
{
	size_t capacity = l->num_at;

	l->at = xgrow(l->at, &capacity, id + 1, sizeof(*l->at));
	while (l->num_at < capacity)
		l->at[l->num_at++] = NONE;
}

/* One line: `dense TAB label [TAB ...]`. */
static void read_line(struct id_names *l, char *line, size_t length, uint64_t number)
{
	size_t digits = strspn(line, "0123456789");
	uint64_t id, start = l->used;
	uint32_t size = 0;
	const char *label, *tab;

	if (line[digits] != '\t')
		die("line %" PRIu64 " of '%s' does not begin with an id and a tab", number,
			l->path);
	line[digits] = '\0';
	if (!number_parse_uint(line, 0, UINT64_MAX, &id))
		die("line %" PRIu64 " of '%s': '%s' is not an id", number, l->path, line);
	if (id >= l->num)
		die("line %" PRIu64 " of '%s': %s %" PRIu64 " is not below %" PRIu32
		    ", the bound of the stream",
			number, l->path, l->noun, id, l->num);
	if (id >= l->num_at)
		grow(l, id);
	if (l->at[id] != NONE)
		die("line %" PRIu64 " of '%s': %s %" PRIu64 " has a label already", number, l->path,
			l->noun, id);

	label = line + digits + 1;
	length -= digits + 1;
	tab = memchr(label, '\t', length);
	if (tab)
		length = (size_t)(tab - label);
	if (memchr(label, '\0', length))
		die("line %" PRIu64 " of '%s': a NUL in the label", number, l->path);
	append(l, &size, sizeof(size));
	if (l->style == ID_NAMES_PLAIN)
		append(l, label, length);
	else if (l->style == ID_NAMES_CSV)
		append_csv(l, label, length);
	else if (!append_json(l, label, length))
		die("line %" PRIu64 " of '%s': the label is not UTF-8, as JSON must be", number,
			l->path);
	size = (uint32_t)(l->used - start - sizeof(size));
	memcpy(l->text + start, &size, sizeof(size));
	l->at[id] = start;
}

struct id_names *id_names_load(
	const char *path, const char *noun, uint32_t num, enum id_names_style style)
{
	struct id_names *l = xcalloc(1, sizeof(*l));
	struct stream_in *in = stream_open(path);
	size_t length;
	char *line;

	l->path = path;
	l->noun = noun;
	l->style = style;
	l->num = num;
	for (uint64_t number = 1; (line = stream_line(in, &length)); number++)
		read_line(l, line, length, number);
	stream_close(in);
	return l;
}

const char *id_names_get(const struct id_names *l, uint32_t id, size_t *length)
{
	uint32_t size;

	if (id >= l->num_at || l->at[id] == NONE)
		die("%s %" PRIu32 " has no line in '%s'", l->noun, id, l->path);
	memcpy(&size, l->text + l->at[id], sizeof(size));
	*length = size;
	return l->text + l->at[id] + sizeof(size);
}

void id_names_free(struct id_names *l)
{
	if (!l)
		return;
	free(l->at);
	free(l->text);
	free(l);
}
