/*
 * rating_columns: the shape of a rating text: its delimiter, its quotes, whether it has a header
 * line, what each column holds, how times are written; and the options by which a user says so.
 */
#ifndef RATING_COLUMNS_H
#define RATING_COLUMNS_H

#include "text/text_time.h"

#include <stdbool.h>
#include <stddef.h>

enum rating_format {
	FORMAT_AUTO,
	FORMAT_CSV,	 /* a delimiter, quotes as RFC 4180 has them */
	FORMAT_TSV,	 /* a delimiter, no quotes */
	FORMAT_JSONL,	 /* a JSON object per line */
	FORMAT_ML_100K,	 /* u.data */
	FORMAT_ML_1M,	 /* ratings.dat */
	FORMAT_INTER,	 /* RecBole: a header of name:type */
	FORMAT_LIGHTGCN, /* a line per user: the user, then all items */
	FORMAT_NEGATIVE	 /* He et al.: (user,item), then items that are negatives */
};
extern const char *const rating_format_names[]; /* NULL-terminated */

enum header_line { HEADER_AUTO, HEADER_YES, HEADER_NO };
extern const char *const header_line_names[]; /* NULL-terminated */

enum column { COLUMN_SKIP, COLUMN_USER, COLUMN_ITEM, COLUMN_RATING, COLUMN_TIME, NUM_COLUMNS };
extern const char *const column_names[]; /* "-", "user" ... */

enum quoting {
	QUOTING_CSV,	/* a field may be quoted; a quote anywhere else is an error */
	QUOTING_NONE,	/* a quote is part of its field */
	QUOTING_REFUSED /* nobody said which: a field that begins with a quote is an error */
};

enum { RATING_MAX_FIELDS = 1024, RATING_MAX_DELIMITER = 8 };

/* What the user says; NULL and 0: nothing. */
struct rating_options {
	unsigned format, header; /* enum rating_format, enum header_line */
	const char *delimiter, *columns, *time_format;
	bool empty_ids; /* an id may be empty, or null in JSON: who reads it leaves its row out */
};

struct rating_columns {
	enum rating_format format;		  /* never FORMAT_AUTO once it is settled */
	char delimiter[RATING_MAX_DELIMITER + 1]; /* "": not known yet */
	enum quoting quoting;
	enum header_line header;
	unsigned num_fields;  /* of each line */
	unsigned num_columns; /* fields up to the last one used; 0: not known yet */
	unsigned char column[RATING_MAX_FIELDS]; /* enum column */
	char *name[NUM_COLUMNS]; /* of --columns user=NAME: NULL: none; JSON: a dotted key */
	bool by_name;		 /* there are some */
	bool has_form;		 /* `form` is known */
	enum time_form form;
	char *pattern;		      /* of TIME_PATTERN */
	float min_rating, max_rating; /* any other rating is an error */
	char *unused; /* columns of the header that are not used, for describe; NULL: none */
};

/* What the options say; wrong usage exits 2. The rest is left to rating_detect. */
void rating_columns_init(struct rating_columns *c, const struct rating_options *options);
void rating_columns_release(struct rating_columns *c);

/* Give the columns by place, "user,item,-,time"; the caller knows that the list is right. */
void rating_columns_place(struct rating_columns *c, const char *list);
bool rating_columns_has(const struct rating_columns *c, enum column column);

/* "tab", "comma" ...; the delimiter itself where it has no name. */
const char *rating_delimiter_name(const char *delimiter);

/* "delimiter tab, no header line, columns user,item,rating,time" in a new string. */
char *rating_columns_describe(const struct rating_columns *c);

#endif
