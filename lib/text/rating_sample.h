/*
 * rating_sample: the first records of a rating text, split into fields, and what the fields look
 * like: what rating_detect judges by. Memory: 24 bytes per field.
 */
#ifndef RATING_SAMPLE_H
#define RATING_SAMPLE_H

#include "text/rating_columns.h"
#include "text/text_source.h"

#include <stdbool.h>
#include <stddef.h>

enum { SAMPLE_RECORDS = 100 };

enum field_kind {
	FIELD_EMPTY,
	FIELD_MISSING, /* nan, null, unknown ...: no value, and never a column's name */
	FIELD_WHOLE,   /* digits, perhaps a minus before them */
	FIELD_NUMBER,  /* any other decimal number */
	FIELD_COMMAS,  /* a number with commas in it: 3,5 or 1,234.5 */
	FIELD_DATE,    /* of ISO 8601 */
	FIELD_WORD
};

/* The content of a field in the window, without its quotes; two quotes for one are left as they
   are. */
struct sample_field {
	const char *at;
	size_t length;
	bool quoted;
};

struct sample_record {
	const char *at; /* in the window, and its length without the line end */
	size_t length;
	unsigned num_fields;
	struct sample_field *field; /* of the first RATING_MAX_FIELDS */
};

struct sample {
	unsigned num;
	struct sample_record record[SAMPLE_RECORDS];
	struct sample_field *fields;
	size_t capacity;
	const char *broken; /* where the quotes break their rule; NULL: nowhere */
};

/* Split the first records of the window by a delimiter; with QUOTING_CSV a field may be quoted. */
void sample_split(struct sample *s, const struct text_source *text, const char *delimiter,
	enum quoting quoting);
void sample_release(struct sample *s);

/* Do all records have as many fields as the first, and more than one? */
bool sample_even(const struct sample *s);

enum field_kind field_kind(const struct sample_field *f);

/* Is it a whole number of seconds from 1973 to 2106, or of their milli-, micro- or nanoseconds? */
bool field_is_seconds(const struct sample_field *f);

/* The content with two quotes made one, in a new string. */
char *field_text(const struct sample_field *f);

#endif
