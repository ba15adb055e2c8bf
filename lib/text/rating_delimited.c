/*
 * rating_delimited: rows of fields between delimiters, each parsed in place in one pass. A field
 * that is not quoted ends at a delimiter or a line end, and every line of the window ends in LF, so
 * that scanning it needs no other bound. A quoted field may reach beyond the window: its record is
 * then read again from its start, in a window that begins with it; functions return NULL for that.
 */
#include "base/mem.h"
#include "base/utf8.h"
#include "text/digits.h"
#include "text/rating_rows.h"

#include <string.h>

static inline bool at_line_end(const char *p)
{
	return *p == '\n' || (*p == '\r' && p[1] == '\n');
}

static inline bool at_delimiter(const struct rating_text *t, const char *p)
{
	const char *delimiter = t->columns.delimiter;

	return *p == delimiter[0] && (t->width == 1 || memcmp(p, delimiter, t->width) == 0);
}

static inline bool at_field_end(const struct rating_text *t, const char *p)
{
	return at_delimiter(t, p) || at_line_end(p);
}

static inline bool takes_quotes(const struct rating_text *t)
{
	return t->columns.quoting == QUOTING_CSV;
}

/* Copy the content with two quotes made one. */
static struct span unescape(struct rating_text *t, struct span content)
{
	char *to = rating_scratch(t, (size_t)(content.end - content.at));
	struct span copy = { to, to };

	for (const char *p = content.at; p < content.end; p++) {
		*to++ = *p;
		p += *p == '"';
	}
	copy.end = to;
	return copy;
}

/* The quoted field at `start`; NULL where the window ends in it. Its content, unless NULL. */
static const char *find_quoted(struct rating_text *t, const char *start, struct span *content)
{
	const char *p = start + 1;
	bool doubled = false;

	while ((p = memchr(p, '"', (size_t)(t->text.limit - p))) != NULL && p[1] == '"') {
		doubled = true;
		p += 2;
	}
	if (!p)
		return NULL;
	for (const char *q = start + 1; (q = memchr(q, '\n', (size_t)(p - q))) != NULL; q++)
		t->lines_within++;
	if (!at_field_end(t, p + 1))
		text_source_die(&t->text, t->text.line, p + 1,
			"text behind a closing quote: not as RFC 4180 has it");
	if (content) {
		*content = (struct span){ start + 1, p };
		if (doubled)
			*content = unescape(t, *content);
	}
	return p + 1;
}

/* Die about the quote at p in a field that is not quoted. */
_Noreturn static void die_quote(const struct rating_text *t, const char *start, const char *p)
{
	if (t->columns.quoting == QUOTING_REFUSED)
		text_source_die(&t->text, t->text.line, start,
			"a field begins with a quote: --format csv reads it as RFC 4180 does, "
			"--format tsv as part of the field (with --delimiter)");
	text_source_die(&t->text, t->text.line, p,
		"a quote within a field: in RFC 4180 it is doubled, and the field in quotes; "
		"--format tsv --delimiter takes it as it is");
}

/* Any field; returns its end, NULL where the window ends in it. Its content, unless NULL. */
static const char *find_field(struct rating_text *t, const char *start, struct span *content)
{
	const char *p = start;

	if (*p == '"' && takes_quotes(t))
		return find_quoted(t, start, content);
	for (;; p++) {
		while (!t->special[(unsigned char)*p])
			p++;
		if (at_field_end(t, p))
			break;
		if (*p == '"' &&
			(takes_quotes(t) || (p == start && t->columns.quoting == QUOTING_REFUSED)))
			die_quote(t, start, p);
		if (*p == '\r')
			text_source_die(
				&t->text, t->text.line, p, "a carriage return that ends no line");
	}
	if (content)
		*content = (struct span){ start, p };
	return p;
}

/* The end of a quoted field whose content, a number, ends at p; NULL: there is more of it. */
static inline const char *quoted_end(const struct rating_text *t, const char *p)
{
	return *p == '"' && at_field_end(t, p + 1) ? p + 1 : NULL;
}

/*
 * Values. Each has a fast path for plain numbers without a use of what stands before them, since
 * the place of every field hangs on the end of the one before; another one for such numbers in
 * quotes; and a last one for anything else.
 */

static inline bool is_canonical(const char *start, const char *end)
{
	return end > start && (*start != '0' || end - start == 1);
}

__attribute__((noinline)) static const char *scan_other_id(
	struct rating_text *t, const char *start, struct raw_id *id, const char *what)
{
	struct span content;
	const char *end;
	uint64_t number;

	if (*start == '"' && takes_quotes(t)) {
		const char *p = scan_digits(start + 1, &number);

		end = quoted_end(t, p);
		if (end && is_canonical(start + 1, p)) {
			*id = (struct raw_id){ start + 1, (size_t)(p - start - 1), number };
			return end;
		}
	}
	end = find_field(t, start, &content);
	if (end)
		rating_id_of(t, start, content, what, id);
	return end;
}

static inline const char *scan_raw_id(
	struct rating_text *t, const char *start, struct raw_id *id, const char *what)
{
	uint64_t number;
	const char *p = scan_digits(start, &number);

	if (!at_field_end(t, p) || !is_canonical(start, p))
		return scan_other_id(t, start, id, what);
	*id = (struct raw_id){ start, (size_t)(p - start), number };
	return p;
}

/*
 * A number of up to 8 characters; returns where it ends, NULL where it is none. It is exact: an
 * integer below 2^24 and a power of ten up to 10^10 are exact floats, and so their quotient is the
 * nearest float (Clinger 1990).
 */
static inline const char *scan_real(const char *start, float *value)
{
	static const float power[] = { 1, 1e1F, 1e2F, 1e3F, 1e4F, 1e5F, 1e6F, 1e7F, 1e8F, 1e9F,
		1e10F };
	const char *p = start, *point = NULL;
	uint32_t number = 0;
	unsigned digit;

	for (; p - start < 8; p++) {
		if ((digit = (unsigned)((unsigned char)*p - '0')) < 10)
			number = 10 * number + digit;
		else if (*p == '.' && !point)
			point = p;
		else
			break;
	}
	if (p - start == (point != NULL) || number >= 1U << 24 || point == start)
		return NULL;
	*value = (float)number / power[point ? p - point - 1 : 0];
	return p;
}

__attribute__((noinline)) static const char *scan_other_rating(
	struct rating_text *t, const char *start, float *value)
{
	struct span content = { start, start };
	const char *end = NULL;

	if (*start == '"' && takes_quotes(t)) {
		const char *p = scan_real(start + 1, value);

		end = p ? quoted_end(t, p) : NULL;
		content = (struct span){ start + 1, p };
	}
	if (!end) {
		end = find_field(t, start, &content);
		if (!end)
			return NULL;
		*value = rating_value_of(t, start, content);
	}
	rating_check_range(t, start, content, *value);
	return end;
}

static inline const char *scan_rating(struct rating_text *t, const char *start, float *value)
{
	const char *p = scan_real(start, value);

	if (!p || !at_field_end(t, p) || *value < t->columns.min_rating ||
		*value > t->columns.max_rating)
		return scan_other_rating(t, start, value);
	return p;
}

__attribute__((noinline)) static const char *scan_other_time(
	struct rating_text *t, const char *start, int64_t *value)
{
	struct span content;
	const char *end;
	uint64_t number;

	if (*start == '"' && takes_quotes(t) && t->columns.form == TIME_UNIX) {
		const char *p = scan_digits(start + 1, &number);

		end = quoted_end(t, p);
		if (end && p > start + 1) {
			*value = (int64_t)number;
			return end;
		}
	}
	end = find_field(t, start, &content);
	if (end)
		*value = rating_time_of(t, start, content);
	return end;
}

static inline const char *scan_time(struct rating_text *t, const char *start, int64_t *value)
{
	uint64_t number;
	const char *p = scan_digits(start, &number);

	if (!at_field_end(t, p) || p == start || t->columns.form != TIME_UNIX)
		return scan_other_time(t, start, value);
	*value = (int64_t)number;
	return p;
}

/* Parse the field at `p`, which is in this column. */
static inline const char *scan_field(
	struct rating_text *t, unsigned char column, const char *p, struct rating_text_row *row)
{
	switch (column) {
	case COLUMN_USER:
		return scan_raw_id(t, p, &row->user, "user");
	case COLUMN_ITEM:
		return scan_raw_id(t, p, &row->item, "item");
	case COLUMN_RATING:
		return scan_rating(t, p, &row->rating);
	case COLUMN_TIME:
		return scan_time(t, p, &row->time);
	default:
		return find_field(t, p, NULL);
	}
}

/* Fields behind the last one used, up to the line end. */
static const char *pass_over(struct rating_text *t, const char *p, unsigned c)
{
	for (; c < t->columns.num_fields; c++) {
		if (!at_delimiter(t, p))
			text_source_die(&t->text, t->text.line, p,
				"the line ends after %u of %u columns", c, t->columns.num_fields);
		p = find_field(t, p + t->width, NULL);
		if (!p)
			return NULL;
	}
	if (!at_line_end(p))
		text_source_die(&t->text, t->text.line, p, "the line has more than %u columns",
			t->columns.num_fields);
	return p;
}

/* Parse the line at `p`; its end, NULL where the window ends in it. */
static inline const char *read_line(
	struct rating_text *t, const char *p, struct rating_text_row *row)
{
	const struct rating_columns *columns = &t->columns;

	row->line = t->text.line;
	row->at = p;
	row->rating = 1;
	row->time = 0;
	for (unsigned c = 0;;) {
		p = scan_field(t, columns->column[c], p, row);
		if (!p)
			return NULL;
		if (++c == columns->num_columns)
			break;
		if (!at_delimiter(t, p))
			text_source_die(&t->text, t->text.line, p,
				"the line ends after %u of %u columns", c, columns->num_fields);
		p += t->width;
	}
	if (columns->num_columns == columns->num_fields && at_line_end(p))
		return p;
	return pass_over(t, p, columns->num_columns);
}

/* Take what was read up to the line end at p. */
static inline void take_line(struct rating_text *t, const char *p)
{
	t->text.at += p - t->text.at + (*p == '\r') + 1;
	t->text.line += t->lines_within;
	t->lines_within = 0;
}

/* A window that begins with the record at text.at, of which it has more than the one before. */
static void widen(struct rating_text *t)
{
	const struct text_source *text = &t->text;

	t->lines_within = 0;
	if (text->ended)
		text_source_die(text, text->line, text->at, "a quote in this record is not closed");
	if (text->at == text->window && text->end == text->window + TEXT_WINDOW)
		text_source_die(text, text->line, text->at,
			"a quote in this record is not closed within %d bytes", TEXT_WINDOW);
	text_source_refill(&t->text);
}

/* Die where the record from `line` to `end` is the header again, as in files joined by cat(1): its
   names would be a user and an item. */
static inline void check_header(const struct rating_text *t, const char *line, const char *end)
{
	const char *names = line + utf8_mark(line, (size_t)(end - line));

	if ((size_t)(end - names) == t->header_size && t->header &&
		memcmp(names, t->header, t->header_size) == 0)
		text_source_die(&t->text, t->text.line, line,
			"the header again: of several files, only the first may have one");
}

size_t delimited_read(struct rating_text *t, struct rating_text_row *rows, size_t max)
{
	const char *line, *end;
	size_t n = 0;

	while (n < max && (line = text_source_line(&t->text, n == 0)) != NULL) {
		size_t used = t->scratch_used;

		end = read_line(t, line, &rows[n]);
		if (end) {
			check_header(t, line, end);
			take_line(t, end);
			n++;
			continue;
		}
		if (n == 0)
			widen(t);
		t->text.line--;
		t->scratch_used = used;
		t->lines_within = 0;
		if (n > 0)
			break;
	}
	return n;
}

void delimited_skip_header(struct rating_text *t)
{
	for (;;) {
		const char *line = text_source_line(&t->text, true), *p = find_field(t, line, NULL);

		while (p && !at_line_end(p))
			p = find_field(t, p + t->width, NULL);
		if (p) {
			t->header_size = (size_t)(p - line);
			t->header = xmalloc(t->header_size, 1);
			memcpy(t->header, line, t->header_size);
			take_line(t, p);
			return;
		}
		widen(t);
		t->text.line--;
	}
}
