#include "text/rating_columns.h"

#include "base/die.h"
#include "base/js.h"
#include "base/mem.h"

#include <float.h>
#include <stdlib.h>
#include <string.h>

const char *const rating_format_names[] = { "auto", "csv", "tsv", "jsonl", "ml-100k", "ml-1m",
	"inter", "lightgcn", "negative", NULL };
const char *const header_line_names[] = { "auto", "yes", "no", NULL };
const char *const column_names[] = { "-", "user", "item", "rating", "time" };

static const struct {
	const char *delimiter, *name;
} delimiter_names[] = { { "\t", "tab" }, { " ", "space" }, { ",", "comma" }, { ";", "semicolon" },
	{ "|", "bar" } };

/* What a format settles: NULL and 0 stand for "not this". */
static const struct {
	const char *delimiter, *columns;
	enum quoting quoting;
	enum header_line header;
	bool ratings_1_to_5, takes_delimiter, takes_columns, takes_header;
} formats[] = {
	[FORMAT_AUTO] = { NULL, NULL, QUOTING_REFUSED, HEADER_AUTO, false, true, true, true },
	[FORMAT_CSV] = { ",", NULL, QUOTING_CSV, HEADER_AUTO, false, true, true, true },
	[FORMAT_TSV] = { "\t", NULL, QUOTING_NONE, HEADER_AUTO, false, true, true, true },
	[FORMAT_JSONL] = { NULL, NULL, QUOTING_NONE, HEADER_NO, false, false, true, false },
	[FORMAT_ML_100K] = { "\t", "user,item,rating,time", QUOTING_NONE, HEADER_NO, true, false,
		false, false },
	[FORMAT_ML_1M] = { "::", "user,item,rating,time", QUOTING_NONE, HEADER_NO, true, false,
		false, false },
	[FORMAT_INTER] = { "\t", NULL, QUOTING_NONE, HEADER_YES, false, false, true, false },
	[FORMAT_LIGHTGCN] = { " ", NULL, QUOTING_NONE, HEADER_NO, false, false, false, false },
	[FORMAT_NEGATIVE] = { "\t", NULL, QUOTING_NONE, HEADER_NO, false, false, false, false },
};

static void set_delimiter(struct rating_columns *c, const char *given)
{
	for (size_t k = 0; k < sizeof(delimiter_names) / sizeof(*delimiter_names); k++)
		if (strcmp(given, delimiter_names[k].name) == 0)
			given = delimiter_names[k].delimiter;
	if (strcmp(given, "\\t") == 0)
		given = "\t";
	if (given[0] == '\0' || strlen(given) > RATING_MAX_DELIMITER)
		die_usage("option --delimiter: '%s' is not 1 to %d characters", given,
			RATING_MAX_DELIMITER);
	for (const char *p = given; *p; p++)
		if ((unsigned char)*p >= 0x80)
			die_usage("option --delimiter: '%s' is not ASCII", given);
	if (strpbrk(given, "\r\n\"0123456789+-."))
		die_usage(
			"option --delimiter: '%s' contains a line end, a quote or part of a number",
			given);
	strcpy(c->delimiter, given);
}

const char *rating_delimiter_name(const char *delimiter)
{
	for (size_t k = 0; k < sizeof(delimiter_names) / sizeof(*delimiter_names); k++)
		if (strcmp(delimiter, delimiter_names[k].delimiter) == 0)
			return delimiter_names[k].name;
	return delimiter;
}

bool rating_columns_has(const struct rating_columns *c, enum column column)
{
	return memchr(c->column, (int)column, c->num_columns) != NULL;
}

/* Columns after the last one used are passed over. */
static void drop_last(struct rating_columns *c)
{
	while (c->num_columns > 0 && c->column[c->num_columns - 1] == COLUMN_SKIP)
		c->num_columns--;
}

/* The column that `length` bytes name; wrong usage where they name none. */
static enum column column_of(const char *name, size_t length)
{
	for (unsigned k = 0; k < NUM_COLUMNS; k++)
		if (strlen(column_names[k]) == length &&
			strncmp(column_names[k], name, length) == 0)
			return (enum column)k;
	die_usage(
		"option --columns: '%.*s' is not user, item, rating, time or -", (int)length, name);
}

void rating_columns_place(struct rating_columns *c, const char *list)
{
	for (const char *at = list;; at++) {
		size_t length = strcspn(at, ",");
		enum column column = column_of(at, length);

		if (column != COLUMN_SKIP && rating_columns_has(c, column))
			die_usage("option --columns: '%s' is given twice", column_names[column]);
		if (c->num_columns == RATING_MAX_FIELDS)
			die_usage("option --columns: more than %d columns", RATING_MAX_FIELDS);
		c->column[c->num_columns++] = (unsigned char)column;
		at += length;
		if (*at == '\0')
			break;
	}
	if (!rating_columns_has(c, COLUMN_USER) || !rating_columns_has(c, COLUMN_ITEM))
		die_usage("option --columns: '%s' lacks user or item", list);
	drop_last(c);
}

/* "user=CustomerID,item=2": names of the header, or numbers of columns. */
static void set_names(struct rating_columns *c, const char *list)
{
	for (const char *at = list;; at++) {
		size_t length = strcspn(at, ","), word = strcspn(at, "=,");
		enum column column = column_of(at, word);

		if (column == COLUMN_SKIP || word + 1 >= length)
			die_usage(
				"option --columns: '%.*s' is not user=NAME, item=NAME, rating=NAME or "
				"time=NAME",
				(int)length, at);
		if (c->name[column])
			die_usage("option --columns: '%s' is given twice", column_names[column]);
		c->name[column] = xasprintf("%.*s", (int)(length - word - 1), at + word + 1);
		at += length;
		if (*at == '\0')
			break;
	}
	if (!c->name[COLUMN_USER] || !c->name[COLUMN_ITEM])
		die_usage("option --columns: '%s' lacks user or item", list);
	c->by_name = true;
}

static void set_time_format(struct rating_columns *c, const char *format)
{
	const char *wrong;

	c->has_form = true;
	c->form = strcmp(format, "iso") == 0 ? TIME_ISO : TIME_PATTERN;
	if (strcmp(format, "unix") == 0)
		c->form = TIME_UNIX;
	if (c->form != TIME_PATTERN)
		return;
	wrong = text_time_check_pattern(format);
	if (wrong)
		die_usage("option --time-format: '%s' is not unix or iso, and as a pattern it %s",
			format, wrong);
	c->pattern = xstrdup(format);
}

/* Wrong usage where an option does not go with the format. */
static void check_options(const struct rating_options *o)
{
	bool fixed = o->format == FORMAT_LIGHTGCN || o->format == FORMAT_NEGATIVE ||
		     formats[o->format].ratings_1_to_5;
	const char *wrong = NULL;

	if (o->delimiter && !formats[o->format].takes_delimiter)
		wrong = "delimiter";
	else if (o->columns && !formats[o->format].takes_columns)
		wrong = "columns";
	else if (o->header != HEADER_AUTO && !formats[o->format].takes_header)
		wrong = "header";
	else if (o->time_format && fixed)
		wrong = "time-format";
	if (wrong)
		die_usage("option --%s does not go with --format %s", wrong,
			rating_format_names[o->format]);
	if (o->header == HEADER_NO && o->columns && strchr(o->columns, '='))
		for (const char *p = o->columns; (p = strchr(p, '=')) != NULL; p++)
			if (p[1] < '0' || p[1] > '9')
				die_usage("option --columns: without a header line a column has no "
					  "name, only a number: '%s'",
					o->columns);
}

/* Names go into the provenance, which is JSON: dies unless they are UTF-8. */
static void check_utf8(const char *text)
{
	if (text)
		js_free(js_string(text));
}

void rating_columns_init(struct rating_columns *c, const struct rating_options *o)
{
	const char *delimiter = o->delimiter ? o->delimiter : formats[o->format].delimiter;
	bool list = o->format == FORMAT_LIGHTGCN || o->format == FORMAT_NEGATIVE;

	check_options(o);
	check_utf8(o->columns);
	check_utf8(o->time_format);
	*c = (struct rating_columns){ .format = (enum rating_format)o->format,
		.quoting = formats[o->format].quoting,
		.min_rating = -FLT_MAX,
		.max_rating = FLT_MAX };
	c->header = o->header ? (enum header_line)o->header : formats[o->format].header;
	if (formats[o->format].ratings_1_to_5) {
		c->min_rating = 1;
		c->max_rating = 5;
		c->num_fields = 4;
		c->has_form = true;
	}
	if (delimiter)
		set_delimiter(c, delimiter);
	if (o->time_format)
		set_time_format(c, o->time_format);
	if (formats[o->format].columns)
		rating_columns_place(c, formats[o->format].columns);
	else if (o->columns && strchr(o->columns, '='))
		set_names(c, o->columns);
	else if (o->columns && o->format == FORMAT_JSONL)
		die_usage("option --columns: JSON has keys, not places: user=KEY,item=KEY");
	else if (o->columns && !list)
		rating_columns_place(c, o->columns);
}

void rating_columns_release(struct rating_columns *c)
{
	for (unsigned k = 0; k < NUM_COLUMNS; k++)
		free(c->name[k]);
	free(c->pattern);
	free(c->unused);
}

static char *describe_columns(const struct rating_columns *c)
{
	char *text = xasprintf("%s", ""), *longer;

	for (unsigned k = 0; k < c->num_columns; k++) {
		longer = xasprintf("%s%s%s", text, k ? "," : "", column_names[c->column[k]]);
		free(text);
		text = longer;
	}
	return text;
}

char *rating_columns_describe(const struct rating_columns *c)
{
	static const char *const forms[] = { "", ", times as ISO 8601",
		", times by --time-format" };
	const char *delimiter = rating_delimiter_name(c->delimiter),
		   *quote = strchr(delimiter, ' ') ? "'" : "";
	char *columns, *text;

	if (c->format == FORMAT_LIGHTGCN)
		return xstrdup("a line per user: the user, then all items (lightgcn)");
	if (c->format == FORMAT_NEGATIVE)
		return xstrdup("(user,item), then items that are negatives (negative)");
	if (c->format == FORMAT_JSONL)
		return xasprintf("JSON lines, user=%s,item=%s%s%s%s%s%s", c->name[COLUMN_USER],
			c->name[COLUMN_ITEM], c->name[COLUMN_RATING] ? ",rating=" : "",
			c->name[COLUMN_RATING] ? c->name[COLUMN_RATING] : "",
			c->name[COLUMN_TIME] ? ",time=" : "",
			c->name[COLUMN_TIME] ? c->name[COLUMN_TIME] : "", forms[c->form]);
	columns = describe_columns(c);
	text = xasprintf("delimiter %s%s%s, %s, columns %s%s%s%s", quote, delimiter, quote,
		c->header == HEADER_YES ? "a header line" : "no header line", columns,
		forms[c->form], c->unused ? "; not used: " : "", c->unused ? c->unused : "");
	free(columns);
	return text;
}
