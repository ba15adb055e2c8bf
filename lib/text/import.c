#include "text/import.h"

#include "base/die.h"
#include "base/mem.h"
#include "base/number.h"
#include "stream/stream.h"
#include "text/trec.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct import {
	struct text_lines lines;
	struct rec_info info;
	char separator;
	bool quotes;
	struct import_ids ids;
	struct trec *trec; /* NULL: tsv or csv */
	bool waiting;	   /* import_rows begins with the current line */
};

/* Die about the field at `at` of the current line. */
static _Noreturn void bad(
	const struct import *in, const char *at, const struct rec_field *field, const char *what)
{
	text_lines_die(&in->lines, at, "%s '%.40s' %s", field->name, at, what);
}

/* The whole string as a decimal i64. */
static bool parse_int(const char *text, int64_t *v)
{
	bool minus = *text == '-';
	uint64_t u;

	if (!number_parse_uint(text + minus, 0, (uint64_t)INT64_MAX + minus, &u))
		return false;
	*v = minus ? (int64_t)(0 - u) : (int64_t)u;
	return true;
}

/* The whole string as strtof reads it: what export wrote comes back. No blanks, no hexadecimal. */
static bool parse_float(const char *text, float *v)
{
	char *end;

	if (!*text || strspn(text, "0123456789+-.eEinf") != strlen(text))
		return false;
	*v = strtof(text, &end);
	return !*end;
}

static void parse_field(
	struct import *in, const struct rec_field *field, const char *text, void *value)
{
	uint64_t u64;
	uint32_t u32;
	int64_t i64;
	float f32;

	switch (field->type) {
	case REC_U32:
		if (field->meaning == REC_USER || field->meaning == REC_ITEM)
			u32 = import_ids_parse(&in->ids, field->meaning == REC_ITEM, &in->lines,
				field->name, text);
		else if (number_parse_uint(text, 0, UINT32_MAX, &u64))
			u32 = (uint32_t)u64;
		else
			bad(in, text, field, "is not a whole number from 0 to 4294967295");
		memcpy(value, &u32, sizeof(u32));
		break;
	case REC_I64:
		if (!parse_int(text, &i64))
			bad(in, text, field, "is not a whole number of 64 bits");
		memcpy(value, &i64, sizeof(i64));
		break;
	default:
		if (!parse_float(text, &f32))
			bad(in, text, field, "is not a number");
		if (!isfinite(f32) && !(field->meaning == REC_SCORE_VALUE && f32 == -INFINITY))
			bad(in, text, field, "is not finite as a float32");
		memcpy(value, &f32, sizeof(f32));
	}
}

/* Where the field at `text` ends: at a separator or a NUL. NULL where its quotes do not. */
static char *field_end(const struct import *in, char *text)
{
	char *end = text;

	if (in->quotes && *text == '"')
		do {
			end = strchr(end + 1, '"');
			if (!end)
				return NULL;
			end++;
		} while (*end == '"');
	else
		end += strcspn(text, (const char[]){ in->separator, '\0' });
	return *end == in->separator || *end == '\0' ? end : NULL;
}

/* Take the quotes off the field at `text`, which has its NUL. */
static char *unquote(const struct import *in, char *text)
{
	char *to = text, *from = text + 1;

	if (!in->quotes || *text != '"')
		return text;
	for (; *from != '"' || *++from == '"'; from++)
		*to++ = *from;
	*to = '\0';
	return text;
}

/* Does the line hold the names of the values? */
static bool is_header(const struct import *in, const char *line)
{
	const unsigned num = rec_num_values(&in->info);
	char *copy = xstrdup(line), *text = copy, *end, name[32];
	unsigned k = 0;

	for (; k < num && (end = field_end(in, text)); text = end) {
		const bool last = *end == '\0';

		*end++ = '\0';
		rec_value_name(&in->info, k, name, sizeof(name));
		if (strcmp(unquote(in, text), name) != 0 || last != (k + 1 == num))
			break;
		k++;
	}
	free(copy);
	return k == num;
}

static unsigned count_fields(const struct import *in)
{
	unsigned found = 0;
	char *text = in->lines.text, *end;

	for (; (end = field_end(in, text)) != NULL; text = end + 1) {
		found++;
		if (*end == '\0')
			return found;
	}
	text_lines_die(&in->lines, text, "quotes that do not end");
}

/* Parse the fields of the current line, which is cut at its separators. */
static void parse_line(struct import *in, unsigned char *row)
{
	const struct rec_info *info = &in->info;
	const unsigned found = count_fields(in), num = rec_num_values(info);
	char *text = in->lines.text;

	if (found != num)
		text_lines_die(&in->lines, text, "%u fields, %u expected for kind %s", found, num,
			info->name);
	for (unsigned k = 0; k < num; k++) {
		char *end = field_end(in, text);

		*end = '\0';
		parse_field(in, rec_value_field(info, k), unquote(in, text),
			row + rec_value_offset(info, k));
		text = end + 1;
	}
}

/* Go on to the next line; false at the end. */
static bool next_line(struct import *in)
{
	if (!in->waiting)
		return text_lines_next(&in->lines);
	in->waiting = false;
	return in->lines.text != NULL;
}

/* Text does not say how many negatives a group has; its first line shows it. */
static struct rec_info group_info(struct import *in)
{
	struct rec_header h = { .kind = REC_GROUP };
	unsigned found;

	if (!next_line(in))
		die("'%s' is empty: nothing shows how many negatives a group has", import_name(in));
	found = count_fields(in);
	if (found <= GROUP_NEGATIVES || found - GROUP_NEGATIVES > REC_MAX_NEGATIVES)
		die("line 1 of '%s' (byte 0): %u fields, %d to %d expected for kind group",
			import_name(in), found, GROUP_NEGATIVES + 1,
			GROUP_NEGATIVES + REC_MAX_NEGATIVES);
	in->waiting = true;
	h.negatives = found - GROUP_NEGATIVES;
	return rec_row_info(&h);
}

struct import *import_open(const char *path, enum rec_kind kind, enum import_format format)
{
	struct import *in = xcalloc(1, sizeof(*in));

	in->lines = text_lines_open(path);
	in->separator = format == IMPORT_CSV ? ',' : '\t';
	in->quotes = format == IMPORT_CSV;
	if (format == IMPORT_TREC)
		in->trec = trec_open(&in->lines, kind);
	in->info = kind == REC_GROUP ? group_info(in) : rec_info[kind];
	return in;
}

void import_set_ids(struct import *in, const struct import_ids *ids)
{
	in->ids = *ids;
}

const char *import_name(const struct import *in)
{
	return stream_name(in->lines.in);
}

const struct rec_info *import_info(const struct import *in)
{
	return &in->info;
}

size_t import_rows(struct import *in, void *rows, size_t max)
{
	unsigned char *row = rows;
	size_t n = 0;

	if (in->trec)
		return trec_rows(in->trec, &in->ids, rows, max);
	while (n < max && next_line(in))
		if (in->lines.line > 1 || !is_header(in, in->lines.text))
			parse_line(in, row + n++ * in->info.struct_size);
	return n;
}

void import_close(struct import *in)
{
	if (in->trec) {
		if (trec_not_relevant(in->trec))
			note("'%s': lines whose rel is not above 0, which are no interactions: %" PRIu64,
				import_name(in), trec_not_relevant(in->trec));
		trec_close(in->trec);
	}
	text_lines_close(&in->lines);
	free(in);
}
