#include "text/export.h"

#include "base/bytes.h"
#include "base/die.h"
#include "base/mem.h"
#include "stream/stream.h"
#include "text/id_names.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	MAX_FIELDS = 6,
	NUMBER_BYTES = 32,   /* more than the longest number or name of a value */
	BUFFER_BYTES = 65536 /* of text, then it is written */
};

struct export
{
	enum export_format format;
	struct rec_writer *records; /* NULL: */
	struct stream_out *out;
	struct rec_info info;
	unsigned num_fields;			     /* that text has of each row: the first ones */
	struct id_names *names[REC_SCORE_VALUE + 1]; /* by enum rec_meaning */
	char *before[MAX_FIELDS];		     /* the text before each field */
	size_t before_length[MAX_FIELDS];
	char separator;	 /* of values */
	const char *end; /* of a row */
	char *buffer;	 /* text not yet written, or all rows of npy, packed */
	size_t used, capacity;
	uint64_t rows;
};

static void append(struct export *e, const void *data, size_t size)
{
	if (size == 0)
		return;
	e->buffer = xgrow(e->buffer, &e->capacity, e->used + size, 1);
	memcpy(e->buffer + e->used, data, size);
	e->used += size;
}

/* Decimal digits of v; returns how many. */
static size_t format_uint(char *s, uint64_t v)
{
	char digits[NUMBER_BYTES];
	size_t n = 0;

	do
		digits[n++] = (char)('0' + v % 10);
	while (v /= 10);
	for (size_t k = 0; k < n; k++)
		s[k] = digits[n - 1 - k];
	return n;
}

static size_t format_int(char *s, int64_t v)
{
	if (v >= 0)
		return format_uint(s, (uint64_t)v);
	*s = '-';
	return 1 + format_uint(s + 1, 0 - (uint64_t)v);
}

/* The fewest digits that strtof turns back into v; whole numbers, as most are, need no search. */
static size_t format_float(char *s, float v)
{
	int n = 0;

	if (fabsf(v) < 1 << FLT_MANT_DIG && v == (float)(int32_t)v && !(v == 0 && signbit(v)))
		return format_int(s, (int32_t)v);
	for (int digits = FLT_DIG; digits <= FLT_DECIMAL_DIG; digits++) {
		n = snprintf(s, NUMBER_BYTES, "%.*g", digits, (double)v);
		if (strtof(s, NULL) == v)
			break;
	}
	return (size_t)n;
}

/* A name as a field between blanks. */
static void check_name(const struct rec_field *field, uint32_t id, const char *name, size_t length)
{
	bool blank = length == 0;

	for (size_t k = 0; k < length; k++)
		blank |= (unsigned char)name[k] <= ' ';
	if (blank)
		die("%s %" PRIu32 " is '%.*s' in its id file: a field of trec_eval's has no blanks "
		    "and is not empty",
			field->name, id, (int)(length < 40 ? length : 40), name);
}

static void append_field(struct export *e, const struct rec_field *field, const void *value)
{
	char text[NUMBER_BYTES];
	uint32_t u32;
	int64_t i64;
	float f32;
	size_t n;

	switch (field->type) {
	case REC_U32:
		memcpy(&u32, value, sizeof(u32));
		if (e->names[field->meaning]) {
			const char *name = id_names_get(e->names[field->meaning], u32, &n);

			if (e->format == EXPORT_TREC)
				check_name(field, u32, name, n);
			append(e, name, n);
			return;
		}
		n = format_uint(text, u32);
		break;
	case REC_I64:
		memcpy(&i64, value, sizeof(i64));
		n = format_int(text, i64);
		break;
	default:
		memcpy(&f32, value, sizeof(f32));
		if (e->format == EXPORT_JSONL && !isfinite(f32)) {
			append(e, "null", 4);
			return;
		}
		n = format_float(text, f32);
	}
	append(e, text, n);
}

static void append_packed(
	struct export *e, const struct rec_field *field, const unsigned char *value)
{
	unsigned char bytes[8];
	uint32_t u32;
	uint64_t u64;

	if (field->type == REC_I64) {
		memcpy(&u64, value, sizeof(u64));
		put64(bytes, u64);
		append(e, bytes, 8);
	} else {
		memcpy(&u32, value, sizeof(u32));
		put32(bytes, u32);
		append(e, bytes, 4);
	}
}

/* The text around the fields of trec_eval's two texts. */
static void prepare_trec(struct export *e, enum rec_kind kind)
{
	static const char *const run[] = { "", " Q0 ", " ", " " }, *const qrels[] = { "", " 0 " };
	const char *const *before = kind == REC_TOP ? run : qrels;

	e->num_fields = kind == REC_TOP ? 4 : 2;
	for (unsigned k = 0; k < e->num_fields; k++) {
		e->before[k] = xstrdup(before[k]);
		e->before_length[k] = strlen(before[k]);
	}
	e->end = kind == REC_TOP ? " cofilter\n" : " 1\n";
}

/* The text around the fields, made once. */
static void prepare(struct export *e)
{
	const struct rec_field *field = e->info.fields;
	const unsigned last = e->info.num_fields - 1;

	e->num_fields = e->info.num_fields;
	e->separator = e->format == EXPORT_TSV ? '\t' : ',';
	for (unsigned k = 0; k <= last; k++) {
		if (e->format == EXPORT_JSONL)
			e->before[k] = xasprintf("%s\"%s\":%s", k ? "," : "{", field[k].name,
				field[k].is_list ? "[" : "");
		else
			e->before[k] = xasprintf("%.*s", k > 0, &e->separator);
		e->before_length[k] = strlen(e->before[k]);
	}
	e->end = e->format != EXPORT_JSONL ? "\n" : field[last].is_list ? "]}\n" : "}\n";
}

static void write_names(struct export *e)
{
	char name[NUMBER_BYTES];

	for (unsigned k = 0; k < rec_num_values(&e->info); k++) {
		rec_value_name(&e->info, k, name, sizeof(name));
		stream_printf(e->out, "%s%s", k ? "," : "", name);
	}
	stream_printf(e->out, "\n");
}

static struct id_names *load_names(const struct export *e, const char *path, const char *noun,
	bool names, uint32_t bound, const struct id_family *family)
{
	const struct id_names_source source = { path, noun, names, bound, family };

	return path ? id_names_load(&source, e->format == EXPORT_CSV	 ? ID_NAMES_CSV
					     : e->format == EXPORT_JSONL ? ID_NAMES_JSON
									 : ID_NAMES_PLAIN)
		    : NULL;
}

struct export *export_create(const char *path, enum export_format format,
	const struct rec_header *h, const struct export_ids *ids)
{
	struct export *e = xcalloc(1, sizeof(*e));

	e->format = format;
	if (format == EXPORT_COF) {
		e->records = rec_create(path, h);
		return e;
	}
	e->info = rec_row_info(h);
	if (ids) {
		e->names[REC_USER] =
			load_names(e, ids->users, "user", ids->names, h->num_users, &h->user_ids);
		e->names[REC_ITEM] =
			load_names(e, ids->items, "item", ids->names, h->num_items, &h->item_ids);
	}
	e->out = stream_create(path, format == EXPORT_NPY);
	e->buffer = xgrow(NULL, &e->capacity, BUFFER_BYTES, 1);
	if (format == EXPORT_TREC)
		prepare_trec(e, h->kind);
	else
		prepare(e);
	if (format == EXPORT_CSV)
		write_names(e);
	return e;
}

static void append_text_row(struct export *e, const unsigned char *row)
{
	for (unsigned k = 0; k < e->num_fields; k++) {
		const struct rec_field *field = &e->info.fields[k];
		const unsigned num = field->is_list ? e->info.list : 1;

		append(e, e->before[k], e->before_length[k]);
		for (unsigned j = 0; j < num; j++) {
			if (j)
				append(e, &e->separator, 1);
			append_field(e, field, row + rec_value_offset(&e->info, k + j));
		}
	}
	append(e, e->end, strlen(e->end));
}

static void append_packed_row(struct export *e, const unsigned char *row)
{
	for (unsigned k = 0; k < rec_num_values(&e->info); k++)
		append_packed(e, rec_value_field(&e->info, k), row + rec_value_offset(&e->info, k));
}

void export_rows(struct export *e, const void *rows, size_t n)
{
	const unsigned char *row = rows;

	if (e->records) {
		rec_write_rows(e->records, rows, n);
		return;
	}
	for (size_t r = 0; r < n; r++, row += e->info.struct_size) {
		if (e->format == EXPORT_NPY) {
			append_packed_row(e, row);
			continue;
		}
		append_text_row(e, row);
		if (e->used >= BUFFER_BYTES) {
			stream_write(e->out, e->buffer, e->used);
			e->used = 0;
		}
	}
	e->rows += n;
}

/*
 * NumPy's format 1.0 (numpy.lib.format): magic, version, a two-byte length, and a Python
 * dictionary, padded with spaces so that its line end is at a multiple of 64 bytes.
 */
static void write_npy_header(struct export *e)
{
	static const char *const types[] = {
		[REC_U32] = "<u4", [REC_F32] = "<f4", [REC_I64] = "<i8"
	};
	enum { FIXED = 10, ALIGN = 64 };
	char text[1024];
	size_t n = 0, length;

	n += (size_t)sprintf(text + n, "{'descr': [");
	for (unsigned k = 0; k < e->info.num_fields; k++) {
		const struct rec_field *field = &e->info.fields[k];

		n += (size_t)sprintf(
			text + n, "%s('%s', '%s'", k ? ", " : "", field->name, types[field->type]);
		if (field->is_list)
			n += (size_t)sprintf(text + n, ", (%u,)", e->info.list);
		n += (size_t)sprintf(text + n, ")");
	}
	n += (size_t)sprintf(
		text + n, "], 'fortran_order': False, 'shape': (%" PRIu64 ",), }", e->rows);
	length = (FIXED + n + 1 + ALIGN - 1) / ALIGN * ALIGN - FIXED;
	memset(text + n, ' ', length - n - 1);
	text[length - 1] = '\n';

	stream_write(e->out, (unsigned char[]){ 0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0 }, 8);
	stream_write(e->out,
		(unsigned char[]){ (unsigned char)length, (unsigned char)(length >> 8) }, 2);
	stream_write(e->out, text, length);
}

void export_finish(struct export *e)
{
	if (e->records) {
		rec_finish(e->records);
		free(e);
		return;
	}
	if (e->format == EXPORT_NPY)
		write_npy_header(e);
	stream_write(e->out, e->buffer, e->used);
	stream_commit(e->out);
	for (unsigned k = 0; k < e->info.num_fields; k++)
		free(e->before[k]);
	id_names_free(e->names[REC_USER]);
	id_names_free(e->names[REC_ITEM]);
	free(e->buffer);
	free(e);
}
