#include "text/rating_columns.h"

#include "base/die.h"
#include "base/mem.h"

#include <ctype.h>
#include <float.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

const char *const rating_format_names[] = { "auto", "ml-100k", "ml-1m", "text", NULL };

static const char *const column_names[] = { "-", "user", "item", "rating", "time" };

/* Names a header may give a column, in lower case, RecBole's without their ":type". */
static const struct {
	const char *name;
	enum column column;
} header_names[] = {
	{ "user", COLUMN_USER },
	{ "userid", COLUMN_USER },
	{ "user_id", COLUMN_USER },
	{ "item", COLUMN_ITEM },
	{ "itemid", COLUMN_ITEM },
	{ "item_id", COLUMN_ITEM },
	{ "movieid", COLUMN_ITEM },
	{ "movie_id", COLUMN_ITEM },
	{ "rating", COLUMN_RATING },
	{ "timestamp", COLUMN_TIME },
	{ "time", COLUMN_TIME },
};

static const char *const delimiters[] = { "::", "\t", ",", ";", "|", " " };

static const struct {
	const char *delimiter, *name;
} delimiter_names[] = { { "\t", "tab" }, { " ", "space" }, { ",", "comma" }, { ";", "semicolon" },
	{ "|", "bar" } };

/* A third column of at least this many seconds after 1970 (March 1973) is a time. */
#define GUESS_TIME_FROM 100000000

/* One field within the sample; not NUL-terminated. */
struct field {
	const char *at;
	size_t length;
};

/* A line of the sample, split into fields. */
struct line {
	unsigned num_fields; /* may exceed those stored */
	struct field field[RATING_MAX_COLUMNS];
};

static void set_delimiter(struct rating_columns *cols, const char *given)
{
	for (size_t k = 0; k < sizeof(delimiter_names) / sizeof(*delimiter_names); k++)
		if (strcmp(given, delimiter_names[k].name) == 0)
			given = delimiter_names[k].delimiter;
	if (strcmp(given, "\\t") == 0)
		given = "\t";
	if (given[0] == '\0' || strlen(given) > RATING_MAX_DELIMITER)
		die_usage("option --delimiter: '%s' is not 1 to %d characters", given,
			RATING_MAX_DELIMITER);
	if (strpbrk(given, "\r\n0123456789+-."))
		die_usage(
			"option --delimiter: '%s' contains a line end or part of a number", given);
	strcpy(cols->delimiter, given);
}

static const char *delimiter_name(const char *delimiter)
{
	for (size_t k = 0; k < sizeof(delimiter_names) / sizeof(*delimiter_names); k++)
		if (strcmp(delimiter, delimiter_names[k].delimiter) == 0)
			return delimiter_names[k].name;
	return delimiter;
}

static bool has_column(const struct rating_columns *cols, enum column column)
{
	for (unsigned c = 0; c < cols->num_columns; c++)
		if (cols->column[c] == column)
			return true;
	return false;
}

/* Columns after the last one used are ignored. */
static void drop_last_skips(struct rating_columns *cols)
{
	while (cols->num_columns > 0 && cols->column[cols->num_columns - 1] == COLUMN_SKIP)
		cols->num_columns--;
}

static void set_columns(struct rating_columns *cols, const char *given)
{
	for (const char *at = given;; at++) {
		size_t length = strcspn(at, ",");
		enum column column = COLUMN_SKIP;

		while (column <= COLUMN_TIME &&
			!(strlen(column_names[column]) == length &&
				strncmp(column_names[column], at, length) == 0))
			column++;
		if (column > COLUMN_TIME)
			die_usage("option --columns: '%.*s' is not user, item, rating, time or -",
				(int)length, at);
		if (column != COLUMN_SKIP && has_column(cols, column))
			die_usage("option --columns: '%s' is given twice", column_names[column]);
		if (cols->num_columns == RATING_MAX_COLUMNS)
			die_usage("option --columns: more than %d columns", RATING_MAX_COLUMNS);
		cols->column[cols->num_columns++] = column;
		at += length;
		if (*at == '\0')
			break;
	}
	if (!has_column(cols, COLUMN_USER) || !has_column(cols, COLUMN_ITEM))
		die_usage("option --columns: '%s' lacks user or item", given);
	drop_last_skips(cols);
}

void rating_columns_init(struct rating_columns *cols, enum rating_format format,
	const char *delimiter, const char *columns)
{
	bool fixed = format == FORMAT_ML_100K || format == FORMAT_ML_1M;

	if (fixed && (delimiter || columns))
		die_usage("option --%s does not go with --format %s",
			delimiter ? "delimiter" : "columns", rating_format_names[format]);
	*cols = (struct rating_columns){ .guess = format == FORMAT_AUTO, .exact = fixed };
	cols->min_rating = fixed ? 1 : -FLT_MAX;
	cols->max_rating = fixed ? 5 : FLT_MAX;
	if (delimiter || !cols->guess)
		set_delimiter(cols, delimiter ? delimiter : format == FORMAT_ML_1M ? "::" : "\t");
	if (columns || !cols->guess)
		set_columns(cols, columns ? columns : "user,item,rating,time");
}

/* Split the line at `at`, which ends at `end` (its LF or CR). */
static void split_line(struct line *line, const char *at, const char *end, const char *delimiter)
{
	size_t width = strlen(delimiter);

	line->num_fields = 0;
	for (;;) {
		const char *stop = at;

		while (stop < end &&
			!((size_t)(end - stop) >= width && memcmp(stop, delimiter, width) == 0))
			stop++;
		if (line->num_fields < RATING_MAX_COLUMNS)
			line->field[line->num_fields] = (struct field){ at, (size_t)(stop - at) };
		line->num_fields++;
		if (stop == end)
			return;
		at = stop + width;
	}
}

/* The first lines that are not empty; returns how many. */
static unsigned split_sample(
	struct line *lines, const char *text, size_t size, const char *delimiter)
{
	unsigned n = 0;

	for (const char *at = text, *limit = text + size; at < limit && n < RATING_SAMPLE_LINES;) {
		const char *lf = memchr(at, '\n', (size_t)(limit - at));
		const char *end = lf > at && lf[-1] == '\r' ? lf - 1 : lf;

		if (end > at)
			split_line(&lines[n++], at, end, delimiter);
		at = lf + 1;
	}
	return n;
}

/* A decimal number, perhaps negative; with `whole`, only digits after the sign. */
static bool looks_numeric(const struct field *f, bool whole)
{
	size_t k = f->length > 0 && f->at[0] == '-';
	unsigned digits = 0, points = 0;

	for (; k < f->length; k++)
		if (isdigit((unsigned char)f->at[k]))
			digits++;
		else if (whole || f->at[k] != '.' || ++points > 1)
			return false;
	return digits > 0;
}

static enum column header_column(const struct field *f)
{
	const char *colon = memchr(f->at, ':', f->length);
	size_t length = colon ? (size_t)(colon - f->at) : f->length;

	for (size_t k = 0; k < sizeof(header_names) / sizeof(*header_names); k++)
		if (strlen(header_names[k].name) == length &&
			strncasecmp(header_names[k].name, f->at, length) == 0)
			return header_names[k].column;
	return COLUMN_SKIP;
}

/* The columns that a header line names; false when user or item is not among them. */
static bool read_header(struct rating_columns *named, const struct line *line)
{
	for (unsigned c = 0; c < line->num_fields && c < RATING_MAX_COLUMNS; c++) {
		enum column column = header_column(&line->field[c]);

		named->column[c] = has_column(named, column) ? COLUMN_SKIP : column;
		named->num_columns = c + 1;
	}
	drop_last_skips(named);
	return has_column(named, COLUMN_USER) && has_column(named, COLUMN_ITEM);
}

/* Do most lines have a whole number of at least `from` in column c? */
static bool mostly_whole(const struct line *lines, unsigned n, unsigned c, long long from)
{
	unsigned whole = 0;

	for (unsigned k = 0; k < n; k++)
		whole += c < lines[k].num_fields && looks_numeric(&lines[k].field[c], true) &&
			 strtoll(lines[k].field[c].at, NULL, 10) >= from;
	return whole > n / 2;
}

/* Is column c empty in every line that has it? */
static bool all_empty(const struct line *lines, unsigned n, unsigned c)
{
	for (unsigned k = 0; k < n; k++)
		if (c < lines[k].num_fields && lines[k].field[c].length > 0)
			return false;
	return true;
}

/* Columns by position: user, item, then a rating and a time. */
static void guess_columns(struct rating_columns *cols, const struct line *lines, unsigned n,
	unsigned columns, const char *name)
{
	unsigned first = n > 1; /* line 0 may be a header */

	while (columns > 2 && columns <= RATING_MAX_COLUMNS && all_empty(lines, n, columns - 1))
		columns--;
	if (columns > 4)
		die("'%s' has %u columns and no header that names them: name them with --columns",
			name, columns);
	if (columns == 4)
		set_columns(cols, "user,item,rating,time");
	else if (columns == 2)
		set_columns(cols, "user,item");
	else if (mostly_whole(lines + first, n - first, 2, GUESS_TIME_FROM))
		set_columns(cols, "user,item,time");
	else
		set_columns(cols, "user,item,rating");
}

/* The most frequent number of fields; the first of several. */
static unsigned usual_fields(const struct line *lines, unsigned n)
{
	unsigned usual = 0, most = 0;

	for (unsigned k = 0; k < n; k++) {
		unsigned same = 0;

		for (unsigned j = 0; j < n; j++)
			same += lines[j].num_fields == lines[k].num_fields;
		if (same > most) {
			most = same;
			usual = lines[k].num_fields;
		}
	}
	return usual;
}

/* The first delimiter that splits most lines into two fields or more. */
static void guess_delimiter(struct rating_columns *cols, struct line *lines, const char *text,
	size_t size, const char *name)
{
	for (size_t d = 0; d < sizeof(delimiters) / sizeof(*delimiters); d++)
		if (usual_fields(lines, split_sample(lines, text, size, delimiters[d])) >= 2) {
			strcpy(cols->delimiter, delimiters[d]);
			return;
		}
	die("'%s': no usual delimiter splits its lines: name one with --delimiter", name);
}

/* A header without known names: a word where a number belongs, and a number in the next line. */
static bool looks_like_header(
	const struct rating_columns *cols, const struct line *lines, unsigned n)
{
	for (unsigned c = 0; n > 1 && c < cols->num_columns; c++)
		if ((cols->column[c] == COLUMN_RATING || cols->column[c] == COLUMN_TIME) &&
			c < lines[0].num_fields && c < lines[1].num_fields &&
			lines[0].field[c].length > 0 &&
			isalpha((unsigned char)lines[0].field[c].at[0]) &&
			looks_numeric(&lines[1].field[c], false))
			return true;
	return false;
}

char *rating_columns_describe(const struct rating_columns *cols, const char *name)
{
	char columns[RATING_MAX_COLUMNS * sizeof("rating,")] = "";

	for (unsigned c = 0; c < cols->num_columns; c++) {
		strcat(columns, c ? "," : "");
		strcat(columns, column_names[cols->column[c]]);
	}
	return xasprintf("'%s': delimiter %s, %s, columns %s", name,
		delimiter_name(cols->delimiter), cols->header ? "a header line" : "no header line",
		columns);
}

void rating_columns_guess(
	struct rating_columns *cols, const char *text, size_t size, const char *name)
{
	struct line *lines = xmalloc(RATING_SAMPLE_LINES, sizeof(*lines));
	struct rating_columns named = { 0 };
	unsigned n;

	if (!cols->delimiter[0])
		guess_delimiter(cols, lines, text, size, name);
	n = split_sample(lines, text, size, cols->delimiter);
	cols->header = read_header(&named, &lines[0]);
	if (cols->num_columns == 0 && cols->header) {
		memcpy(cols->column, named.column, sizeof(cols->column));
		cols->num_columns = named.num_columns;
	} else if (cols->num_columns == 0) {
		guess_columns(cols, lines, n, usual_fields(lines, n), name);
	}
	cols->header = cols->header || looks_like_header(cols, lines, n);
	free(lines);
}
