#include "text/id_names.h"

#include "base/die.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "text/id_file.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint64_t NONE = UINT64_MAX;

struct id_names {
	struct id_names_source source;
	enum id_names_style style;
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
		uint32_t c;

		n = utf8_length(s + k, length - k, &c);
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

static void read_line(struct id_names *names, const struct id_file *f, const struct id_line *line)
{
	const bool named = names->source.names && line->name_length;
	const char *name = named ? line->name : line->raw;
	const size_t length = named ? line->name_length : line->raw_length;
	const uint64_t id = line->dense, start = names->used;
	uint32_t size = 0;

	if (id >= names->source.bound && names->source.family->num)
		return; /* a map that grew */
	if (id >= names->source.bound)
		id_file_die(f, "%s %" PRIu64 " is not below %" PRIu32 ", the bound of the stream",
			names->source.noun, id, names->source.bound);
	if (id >= names->num_at)
		grow(names, id);
	if (names->at[id] != NONE)
		id_file_die(f, "%s %" PRIu64 " has a line already", names->source.noun, id);
	append(names, &size, sizeof(size));
	if (names->style == ID_NAMES_PLAIN)
		append(names, name, length);
	else if (names->style == ID_NAMES_CSV)
		append_csv(names, name, length);
	else if (!append_json(names, name, length))
		id_file_die(f, "the name is not UTF-8, as JSON must be");
	size = (uint32_t)(names->used - start - sizeof(size));
	memcpy(names->text + start, &size, sizeof(size));
	names->at[id] = start;
}

struct id_names *id_names_load(const struct id_names_source *source, enum id_names_style style)
{
	struct id_names *names = xcalloc(1, sizeof(*names));
	struct id_file *f = id_file_open(source->path);
	struct id_match match;
	struct id_line line;

	names->source = *source;
	names->style = style;
	id_match_init(&match, source->family);
	while (id_file_read(f, &line)) {
		if (line.dense == match.count)
			id_match_add(&match, line.raw, line.raw_length);
		read_line(names, f, &line);
	}
	if (source->family->num && !ids_unchecked && !match.met)
		die("'%s' is not the id map that numbers the %ss of the stream (--ids-unchecked to go on)",
			source->path, source->noun);
	id_match_release(&match);
	id_file_close(f);
	return names;
}

const char *id_names_get(const struct id_names *names, uint32_t id, size_t *length)
{
	uint32_t size;

	if (id >= names->num_at || names->at[id] == NONE)
		die("%s %" PRIu32 " has no line in '%s'", names->source.noun, id,
			names->source.path);
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
