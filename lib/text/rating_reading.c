#include "text/rating_reading.h"

#include "base/mem.h"
#include "text/reading_names.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* What the data records of a sample hold in one column. */
struct profile {
	unsigned filled; /* neither empty nor without the column */
	unsigned values; /* of these, not nan, null ... */
	unsigned numbers, commas, seconds, dates, compact_dates, truths;
};

/* A yes or no, in words. */
static bool is_truth(const struct sample_field *f)
{
	return (f->length == 4 && strncasecmp(f->at, "true", 4) == 0) ||
	       (f->length == 5 && strncasecmp(f->at, "false", 5) == 0);
}

/* 20110105, a day of the years 1900 to 2099. */
static bool is_compact_date(const struct sample_field *f)
{
	struct text_time time;

	return f->length == 8 && (memcmp(f->at, "19", 2) == 0 || memcmp(f->at, "20", 2) == 0) &&
	       !text_time_pattern("%Y%m%d", f->at, f->at + f->length, &time);
}

/* Records that are data: without the header, unless there is nothing else. */
static unsigned first_data(const struct reading *r, const struct sample *s)
{
	return r->columns.header == HEADER_YES && s->num > 0;
}

static struct profile profile_of(const struct reading *r, const struct sample *s, unsigned c)
{
	struct profile p = { 0 };

	for (unsigned k = first_data(r, s); k < s->num; k++) {
		const struct sample_field *f = &s->record[k].field[c];
		enum field_kind kind = FIELD_EMPTY;

		if (c < s->record[k].num_fields && c < RATING_MAX_FIELDS)
			kind = field_kind(f);
		p.filled += kind != FIELD_EMPTY;
		p.values += kind > FIELD_MISSING;
		p.numbers += kind == FIELD_WHOLE || kind == FIELD_NUMBER;
		p.commas += kind == FIELD_COMMAS;
		p.dates += kind == FIELD_DATE;
		p.seconds += kind > FIELD_MISSING && field_is_seconds(f);
		p.compact_dates += kind == FIELD_WHOLE && is_compact_date(f);
		p.truths += kind == FIELD_WORD && is_truth(f);
	}
	return p;
}

/* Numbers, but for a few that reading will find. */
static bool holds_numbers(const struct profile *p)
{
	return 2 * p->numbers >= p->values;
}

static bool holds_times(const struct profile *p)
{
	return p->values > 0 && (p->seconds == p->values || p->dates == p->values);
}

static bool holds_days(const struct profile *p)
{
	return p->values > 0 && p->compact_dates == p->values;
}

/* A column for messages: "column 3, 'stars',". */
static char *column_label(const struct reading *r, const struct sample *s, unsigned c)
{
	char *name, *label;

	if (r->columns.header != HEADER_YES)
		return xasprintf("column %u", c + 1);
	name = reading_header_name(s, c);
	label = xasprintf("column %u, '%s',", c + 1, name);
	free(name);
	return label;
}

static void open_column(
	struct reading *r, const struct sample *s, unsigned c, const char *what, const char *advice)
{
	char *label = column_label(r, s, c);

	reading_leave_open(r, xasprintf("%s %s", label, what), xstrdup(advice));
	free(label);
}

/* Does a word of the first record stand above numbers, or dates, alone? */
static bool is_above_numbers(const struct sample *s, unsigned c)
{
	unsigned numbers = 0;

	for (unsigned k = 1; k < s->num; k++) {
		enum field_kind kind = FIELD_EMPTY;

		if (c < s->record[k].num_fields)
			kind = field_kind(&s->record[k].field[c]);
		if (kind == FIELD_WORD)
			return false;
		numbers += kind > FIELD_MISSING;
	}
	return numbers > 0;
}

/* Does a field of the first record come back below it? */
static bool comes_back(const struct sample *s, unsigned c)
{
	const struct sample_field *first = &s->record[0].field[c];

	for (unsigned k = 1; k < s->num; k++) {
		const struct sample_field *other = &s->record[k].field[c];

		if (c < s->record[k].num_fields && other->length == first->length &&
			memcmp(other->at, first->at, first->length) == 0)
			return true;
	}
	return false;
}

/* Is the first line certainly data? */
static bool first_is_data(const struct sample *s)
{
	bool data = false;

	for (unsigned c = 0; c < s->record[0].num_fields && c < RATING_MAX_FIELDS; c++) {
		enum field_kind kind = field_kind(&s->record[0].field[c]);

		if (kind == FIELD_WORD && is_above_numbers(s, c))
			return false;
		data = data || (kind != FIELD_WORD && kind != FIELD_EMPTY) ||
		       (kind == FIELD_WORD && comes_back(s, c));
	}
	return data;
}

/* Leave open, with the names of the header in place of %s. */
static void open_names(
	struct reading *r, const struct sample *s, const char *why, const char *advice)
{
	const char *hole = strstr(why, "%s");
	char *names = reading_list_names(s);

	reading_leave_open(
		r, xasprintf("%.*s%s%s", (int)(hole - why), why, names, hole + 2), xstrdup(advice));
	free(names);
}

/* Does the first line name user and item, by known names or by those of --columns? */
static bool names_columns(const struct sample *s, const struct rating_columns *columns)
{
	struct reading r = { .columns = *columns };
	bool known = reading_known_names(&r, s);

	reading_release(&r);
	r = (struct reading){ .columns = *columns };
	if (reading_has_real_name(columns))
		known = reading_use_names(&r, s, true);
	reading_release(&r);
	return known;
}

/* Settle whether there is a header line, where nobody said so. */
static void settle_header(struct reading *r, const struct sample *s)
{
	if (r->columns.header != HEADER_AUTO)
		return;
	r->columns.header = r->named ? HEADER_YES : HEADER_NO;
	if (r->named || first_is_data(s))
		return;
	if (r->columns.num_columns > 0)
		open_names(r, s, "line 1 (%s) may be a header or data",
			"--header yes or --header no says which");
	else
		open_names(r, s,
			"line 1 (%s) may be a header or data, and as a header does not name user and item",
			"--columns user=NAME,item=NAME names them, --header no takes it as data");
}

/* Ask about column k of the header where it could be the rating, or the time, that it does not
   name. */
static void check_unused(struct reading *r, const struct sample *s, unsigned k)
{
	bool rating = rating_columns_has(&r->columns, COLUMN_RATING),
	     time = rating_columns_has(&r->columns, COLUMN_TIME);
	struct profile p = profile_of(r, s, k);
	char *name = reading_header_name(s, k);

	if (!time && (holds_times(&p) || reading_sounds_like(COLUMN_TIME, name)))
		open_column(r, s, k, "may be the time, which the header does not name",
			"--columns user=NAME,item=NAME,time=NAME names what is used");
	else if (!rating && !holds_times(&p) &&
		 ((p.values > 0 && (p.numbers + p.commas == p.values || p.truths == p.values)) ||
			 reading_sounds_like(COLUMN_RATING, name)))
		open_column(r, s, k, "may be the rating, which the header does not name",
			"--columns user=NAME,item=NAME,rating=NAME names what is used");
	free(name);
}

static void check_all_unused(struct reading *r, const struct sample *s)
{
	const struct rating_columns *c = &r->columns;

	for (unsigned k = 0; k < s->record[0].num_fields && k < RATING_MAX_FIELDS; k++)
		if (k >= c->num_columns || c->column[k] == COLUMN_SKIP)
			check_unused(r, s, k);
}

/* Columns by place: user, item, rating, time; open where what they hold speaks against it. */
static void go_by_place(struct reading *r, const struct sample *s)
{
	static const char advice[] =
		"--columns says what the columns are, as in user,item,rating,time";
	unsigned n = s->record[0].num_fields;
	struct profile p[4];

	while (n > 2 && n <= RATING_MAX_FIELDS && profile_of(r, s, n - 1).filled == 0)
		n--;
	if (n < 2 || n > 4) {
		reading_leave_open(r,
			xasprintf("its lines have %u columns and no header that names them", n),
			xstrdup(advice));
		return;
	}
	for (unsigned c = 0; c < n; c++)
		p[c] = profile_of(r, s, c);
	for (unsigned c = 0; c < 2; c++)
		if (p[c].dates > 0 || (n > 2 && holds_times(&p[c]) && !holds_times(&p[n - 1])))
			open_column(r, s, c, "may be a time, where an id would stand", advice);
	if (n == 3 && !holds_times(&p[2]) &&
		(!holds_numbers(&p[2]) || p[2].seconds > 0 || p[2].dates > 0 || holds_days(&p[2])))
		open_column(r, s, 2, "may be a rating, a time or something else", advice);
	if (n == 4 && (!holds_numbers(&p[2]) || holds_times(&p[2]) || holds_days(&p[2])))
		open_column(r, s, 2, "does not look like a rating", advice);
	if (n == 4 && !holds_numbers(&p[3]) && !holds_times(&p[3]))
		open_column(r, s, 3, "does not look like a time",
			"--columns says what the columns are, --time-format how times are written");
	rating_columns_place(&r->columns, n == 2	       ? "user,item"
					  : n == 4	       ? "user,item,rating,time"
					  : holds_times(&p[2]) ? "user,item,time"
							       : "user,item,rating");
}

/* How times are written, where nobody said so. */
static void settle_time(struct reading *r, const struct sample *s)
{
	const unsigned char *at = memchr(r->columns.column, COLUMN_TIME, r->columns.num_columns);
	struct profile p;

	if (!at || r->columns.has_form)
		return;
	p = profile_of(r, s, (unsigned)(at - r->columns.column));
	r->columns.form = p.dates > p.numbers ? TIME_ISO : TIME_UNIX;
	r->columns.has_form = true;
	if (holds_days(&p))
		open_column(r, s, (unsigned)(at - r->columns.column),
			"may hold days, as in 20110105, or numbers",
			"--time-format %Y%m%d or --time-format unix says which");
	else if (p.values > 0 && (p.dates + p.numbers == 0 || (p.dates > 0 && p.numbers > 0)))
		open_column(r, s, (unsigned)(at - r->columns.column),
			"holds times that are not all Unix seconds, nor all ISO 8601",
			"--time-format says how they are written");
}

/* The names of columns that are not used, for what is said of the text. */
static void list_unused(struct reading *r, const struct sample *s)
{
	struct rating_columns *c = &r->columns;

	for (unsigned k = 0; k < s->record[0].num_fields && k < RATING_MAX_FIELDS; k++) {
		char *name, *before = c->unused;

		if (k < c->num_columns && c->column[k] != COLUMN_SKIP)
			continue;
		name = reading_header_name(s, k);
		if (!*name) {
			free(name);
			name = xasprintf("column %u", k + 1);
		}
		c->unused = xasprintf("%s%s%s", before ? before : "", before ? ", " : "", name);
		free(before);
		free(name);
	}
}

void reading_settle(struct reading *r, const struct sample *s, const struct rating_columns *columns)
{
	bool found = true;

	*r = (struct reading){ .columns = *columns };
	if (columns->num_fields == 0)
		r->columns.num_fields = s->record[0].num_fields > columns->num_columns
						? s->record[0].num_fields
						: columns->num_columns;
	r->named = columns->header != HEADER_NO && names_columns(s, columns);
	if (columns->by_name)
		found = reading_use_names(r, s, columns->header != HEADER_NO);
	else if (r->named && columns->num_columns == 0)
		reading_known_names(r, s);
	if (!found) {
		open_names(r, s, "its first line (%s) lacks a column that --columns names",
			"--columns takes the names of the header, or numbers from 1 on");
		return;
	}
	settle_header(r, s);
	if (r->columns.num_columns == 0 && r->columns.header == HEADER_YES)
		open_names(r, s, "its header (%s) does not name user and item",
			"--columns user=NAME,item=NAME names them");
	else if (r->columns.num_columns == 0)
		go_by_place(r, s);
	else if (columns->num_columns == 0 && !columns->by_name)
		check_all_unused(r, s);
	if (r->columns.header == HEADER_YES)
		list_unused(r, s);
	settle_time(r, s);
}

void reading_release(struct reading *r)
{
	free(r->why);
	free(r->advice);
	free(r->columns.unused);
}

char *reading_example(const struct reading *r, const struct sample *s)
{
	const struct sample_record *last = &s->record[s->num - 1];
	char *text = xstrdup(""), *longer;

	for (unsigned c = 0; c < r->columns.num_columns && c < last->num_fields; c++) {
		if (r->columns.column[c] == COLUMN_SKIP)
			continue;
		longer = xasprintf("%s%s%s '%.*s'", text, *text ? ", " : "",
			column_names[r->columns.column[c]], (int)last->field[c].length,
			last->field[c].at);
		free(text);
		text = longer;
	}
	return text;
}
