#include "text/reading_names.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Names a header may give a column, in any case. */
static const struct {
	const char *name;
	enum column column;
} known_names[] = {
	{ "user", COLUMN_USER },
	{ "userid", COLUMN_USER },
	{ "user_id", COLUMN_USER },
	{ "uid", COLUMN_USER },
	{ "item", COLUMN_ITEM },
	{ "itemid", COLUMN_ITEM },
	{ "item_id", COLUMN_ITEM },
	{ "iid", COLUMN_ITEM },
	{ "movieid", COLUMN_ITEM },
	{ "movie_id", COLUMN_ITEM },
	{ "rating", COLUMN_RATING },
	{ "timestamp", COLUMN_TIME },
	{ "time", COLUMN_TIME },
};

/* Leave the reading open, with the first reason found; both strings are handed over. */
bool reading_sounds_like(enum column column, const char *name)
{
	static const struct {
		const char *part;
		enum column column;
	} parts[] = { { "rating", COLUMN_RATING }, { "stars", COLUMN_RATING },
		{ "score", COLUMN_RATING }, { "time", COLUMN_TIME }, { "date", COLUMN_TIME },
		{ "when", COLUMN_TIME } };

	for (size_t k = 0; k < sizeof(parts) / sizeof(*parts); k++)
		for (const char *p = name; parts[k].column == column && *p; p++)
			if (strncasecmp(p, parts[k].part, strlen(parts[k].part)) == 0)
				return true;
	return column == COLUMN_TIME && strcasecmp(name, "ts") == 0;
}

void reading_leave_open(struct reading *r, char *why, char *advice)
{
	if (r->why) {
		free(why);
		free(advice);
		return;
	}
	r->why = why;
	r->advice = advice;
}

char *reading_header_name(const struct sample *s, unsigned c)
{
	return c < s->record[0].num_fields && c < RATING_MAX_FIELDS
		       ? field_text(&s->record[0].field[c])
		       : xstrdup("");
}

enum column column_of_name(const char *name, bool typed)
{
	size_t length = typed ? strcspn(name, ":") : strlen(name);

	for (size_t k = 0; k < sizeof(known_names) / sizeof(*known_names); k++)
		if (strlen(known_names[k].name) == length &&
			strncasecmp(known_names[k].name, name, length) == 0)
			return known_names[k].column;
	return COLUMN_SKIP;
}

static void use_column(struct reading *r, unsigned c, enum column column)
{
	if (c >= r->columns.num_columns)
		r->columns.num_columns = c + 1;
	r->columns.column[c] = (unsigned char)column;
}

/* The columns that the first line names by known names; false unless user and item are among
   them. */
bool reading_known_names(struct reading *r, const struct sample *s)
{
	bool typed = r->columns.format == FORMAT_INTER;
	unsigned place[NUM_COLUMNS], num[NUM_COLUMNS] = { 0 };

	for (unsigned c = 0; c < s->record[0].num_fields && c < RATING_MAX_FIELDS; c++) {
		char *name = reading_header_name(s, c);
		enum column column = column_of_name(name, typed);
		size_t length = strlen(name);

		if (typed && column != COLUMN_SKIP && length > 4 &&
			strcmp(name + length - 4, "_seq") == 0)
			reading_leave_open(r,
				xasprintf("'%s' holds a sequence in each field, not one %s", name,
					column_names[column]),
				xstrdup("--columns names another, or takes it as one"));
		free(name);
		place[column] = c;
		num[column]++;
	}
	if (num[COLUMN_USER] == 0 || num[COLUMN_ITEM] == 0)
		return false;
	for (enum column column = COLUMN_USER; column < NUM_COLUMNS; column++) {
		if (num[column] > 1)
			reading_leave_open(r,
				xasprintf("the header has %u columns that may be the %s",
					num[column], column_names[column]),
				xasprintf("--columns user=NAME,item=NAME says which"));
		if (num[column] > 0)
			use_column(r, place[column], column);
	}
	return true;
}

/* The column that a name of --columns stands for: a name in the header, else a number from 1 on.
   False: none. */
static bool find_name(
	struct reading *r, const struct sample *s, const char *name, bool header, unsigned *c)
{
	unsigned fields = s->record[0].num_fields, matches = 0;
	size_t digits = strspn(name, "0123456789");
	unsigned long number = name[digits] || digits > 5 ? 0 : strtoul(name, NULL, 10);

	if (fields > RATING_MAX_FIELDS)
		fields = RATING_MAX_FIELDS;
	for (unsigned k = 0; header && k < fields; k++) {
		char *text = reading_header_name(s, k);

		if (strcmp(text, name) == 0) {
			*c = k;
			matches++;
		}
		free(text);
	}
	if (matches > 1 || (matches == 1 && number > 0 && number <= fields && number - 1 != *c))
		reading_leave_open(r, xasprintf("'%s' of --columns may be two columns", name),
			xstrdup("rename one in the header"));
	if (matches == 0 && number > 0 && number <= fields) {
		*c = (unsigned)number - 1;
		matches = 1;
	}
	return matches > 0;
}

/* All names of the header, "a, b, c", in a new string. */
char *reading_list_names(const struct sample *s)
{
	enum { ENOUGH = 20 };
	char *list = xstrdup(""), *name, *longer;

	for (unsigned c = 0; c < s->record[0].num_fields && c < ENOUGH; c++) {
		name = reading_header_name(s, c);
		longer = xasprintf("%s%s%s", list, c ? ", " : "", name);
		free(list);
		free(name);
		list = longer;
	}
	return list;
}

/* Columns by the names of --columns, with or without a header; false where one is not there. */
bool reading_use_names(struct reading *r, const struct sample *s, bool header)
{
	struct rating_columns before = r->columns;

	for (enum column column = COLUMN_USER; column < NUM_COLUMNS; column++) {
		unsigned c = 0;

		if (!before.name[column])
			continue;
		if (!find_name(r, s, before.name[column], header, &c)) {
			r->columns = before;
			return false;
		}
		if (c < r->columns.num_columns && r->columns.column[c] != COLUMN_SKIP)
			reading_leave_open(r,
				xasprintf("--columns gives column %u two meanings", c + 1),
				xstrdup("each needs a column of its own"));
		use_column(r, c, column);
	}
	return true;
}

/* Does --columns use anything but numbers? */
bool reading_has_real_name(const struct rating_columns *c)
{
	for (unsigned k = 0; k < NUM_COLUMNS; k++)
		if (c->name[k] && c->name[k][strspn(c->name[k], "0123456789")])
			return true;
	return false;
}
