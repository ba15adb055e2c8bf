/* rating_text: opening, and what all readers share; rows are read by rating_delimited,
   rating_lists and json_rows. */
#include "text/rating_text.h"

#include "base/die.h"
#include "base/mem.h"
#include "stream/digest.h"
#include "stream/stream.h"
#include "text/rating_detect.h"
#include "text/rating_rows.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_MESSAGE = 256 };

/* The bytes at which scanning a field stops: its possible ends, quotes, and control characters,
   which no raw id has. */
static void set_special(struct rating_text *t)
{
	memset(t->special, 1, 0x20);
	t->special[0x7f] = t->special['"'] = 1;
	t->special[(unsigned char)t->columns.delimiter[0]] = 1;
}

struct rating_text *rating_text_open(struct stream_in *in, const struct rating_options *options)
{
	struct rating_text *t = xcalloc(1, sizeof(*t));

	rating_columns_init(&t->columns, options);
	t->empty_ids = options->empty_ids;
	text_source_open(&t->text, in);
	rating_detect(&t->columns, &t->text);
	if (options->time_format && !rating_text_has(t, COLUMN_TIME))
		die("'%s': no column is the time, which --time-format is about: --columns says which "
		    "one is",
			stream_name(in));
	t->width = strlen(t->columns.delimiter);
	set_special(t);
	t->read = t->columns.format == FORMAT_JSONL ? json_rows_read
		  : t->columns.format == FORMAT_LIGHTGCN || t->columns.format == FORMAT_NEGATIVE
			  ? lists_read
			  : delimited_read;
	if (t->columns.header == HEADER_YES)
		delimited_skip_header(t);
	return t;
}

size_t rating_text_read(struct rating_text *t, struct rating_text_row *rows, size_t max)
{
	t->scratch_used = 0;
	return t->read(t, rows, max);
}

char *rating_scratch(struct rating_text *t, size_t size)
{
	char *place;

	if (!t->scratch)
		t->scratch = xmalloc(RATING_SCRATCH, 1);
	if (size > RATING_SCRATCH - t->scratch_used)
		BUG("%zu bytes of text in one window", t->scratch_used + size);
	place = t->scratch + t->scratch_used;
	t->scratch_used += size;
	return place;
}

void rating_text_die(
	const struct rating_text *t, const struct rating_text_row *row, const char *format, ...)
{
	char message[MAX_MESSAGE];
	va_list args;

	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	text_source_die(&t->text, row->line, row->at, "%s", message);
}

void rating_text_check_end(const struct rating_text *t)
{
	text_source_check_end(&t->text);
}

const char *rating_text_name(const struct rating_text *t)
{
	return stream_name(t->text.in);
}

const struct rating_columns *rating_text_columns(const struct rating_text *t)
{
	return &t->columns;
}

bool rating_text_has(const struct rating_text *t, enum column column)
{
	if (t->columns.format == FORMAT_JSONL)
		return t->columns.name[column] != NULL;
	return rating_columns_has(&t->columns, column);
}

bool rating_text_unfinished(const struct rating_text *t)
{
	return t->text.unfinished;
}

uint64_t rating_text_times_cut(const struct rating_text *t)
{
	return t->times_cut;
}

uint64_t rating_text_members(const struct rating_text *t)
{
	return stream_members(t->text.in);
}

uint64_t rating_text_offset(const struct rating_text *t)
{
	return text_source_offset(&t->text);
}

struct js *rating_text_digest(const struct rating_text *t)
{
	return digest_json(t->text.digest);
}

uint64_t rating_text_size(const struct rating_text *t)
{
	return stream_size(t->text.in);
}

void rating_text_close(struct rating_text *t)
{
	text_source_close(&t->text);
	rating_columns_release(&t->columns);
	free(t->header);
	free(t->scratch);
	free(t);
}
