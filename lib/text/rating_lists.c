/*
 * rating_lists: lines that hold a list of items of one user, a row per item.
 *
 *   lightgcn  "7 12 3 40": user 7 has items 12, 3 and 40. A user may have none.
 *   negative  "(7,12) TAB 3 TAB 40": item 12 with label 1, then 3 and 40 with label 0
 *
 * A list may take several calls; its line stays in the window until its last row.
 */
#include "text/rating_rows.h"

static const char *field_end(const struct rating_text *t, const char *p)
{
	while (*p != t->columns.delimiter[0] && *p != '\n' && !(*p == '\r' && p[1] == '\n'))
		p++;
	return p;
}

/* Is p, a field's end, the end of the line too, but for delimiters? Lists end in one here and
   there. */
static const char *line_end(const struct rating_text *t, const char *p)
{
	while (*p == t->columns.delimiter[0])
		p++;
	if (*p == '\n')
		return p + 1;
	return *p == '\r' && p[1] == '\n' ? p + 2 : NULL;
}

static void start_row(const struct rating_text *t, struct rating_text_row *row, float rating)
{
	*row = (struct rating_text_row){
		.user = t->list_user, .rating = rating, .line = t->text.line, .at = t->text.at
	};
}

/* The items of the list from t->list on, up to `max`; returns how many. */
static size_t read_items(struct rating_text *t, struct rating_text_row *rows, size_t max)
{
	float rating = t->columns.format == FORMAT_NEGATIVE ? 0 : 1;
	const char *behind;
	size_t n = 0;

	while (!(behind = line_end(t, t->list)) && n < max) {
		const char *start = t->list + 1, *end = field_end(t, start);

		start_row(t, &rows[n], rating);
		rating_id_of(t, start, (struct span){ start, end }, "item", &rows[n++].item);
		t->list = end;
	}
	if (behind) {
		t->text.at += behind - t->text.at;
		t->list = NULL;
	}
	return n;
}

/* "(user,item)" up to `end`. */
static void read_pair(struct rating_text *t, const char *end, struct rating_text_row *row)
{
	const char *start = t->text.at, *comma = start;

	while (comma < end && *comma != ',')
		comma++;
	if (*start != '(' || comma == end || end[-1] != ')')
		rating_die_value(t, start, (struct span){ start, end }, "list",
			"does not begin with (user,item)");
	rating_id_of(t, start + 1, (struct span){ start + 1, comma }, "user", &t->list_user);
	start_row(t, row, 1);
	rating_id_of(t, comma + 1, (struct span){ comma + 1, end - 1 }, "item", &row->item);
}

/* Begin the list at text.at; returns its rows so far: 1 for the positive of (user,item). */
static size_t start_list(struct rating_text *t, struct rating_text_row *row)
{
	const char *start = t->text.at, *end = field_end(t, start);

	t->list = end;
	if (t->columns.format == FORMAT_NEGATIVE) {
		read_pair(t, end, row);
		return 1;
	}
	rating_id_of(t, start, (struct span){ start, end }, "user", &t->list_user);
	return 0;
}

size_t lists_read(struct rating_text *t, struct rating_text_row *rows, size_t max)
{
	size_t n = 0;

	while (n < max) {
		if (t->list)
			n += read_items(t, rows + n, max - n);
		else if (text_source_line(&t->text, n == 0))
			n += start_list(t, rows + n);
		else
			break;
	}
	return n;
}
