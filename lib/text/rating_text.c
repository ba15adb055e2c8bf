/*
 * rating_text: whole lines in one buffer, each parsed in place in one pass. Every line there ends
 * in LF and no delimiter or number holds one, so the scanning loops need no other bound.
 */
#include "text/rating_text.h"

#include "base/die.h"
#include "base/mem.h"
#include "base/number.h"
#include "stream/digest.h"
#include "stream/stream.h"
#include "text/digits.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_BUFFER = 1 << 20, SLACK = 16, MAX_NUMBER = 64, MAX_MESSAGE = 256 };

struct rating_text {
	struct stream_in *in;
	struct digest *digest; /* of all that was read */
	struct rating_columns columns;
	size_t width;	  /* of the delimiter */
	char *buffer;	  /* TEXT_BUFFER, the LF that the last line may lack, SLACK to read ahead */
	char *at, *limit; /* the next line; the end of the last whole one */
	char *end;	  /* of what was read */
	uint64_t base;	  /* place of buffer[0] in the text */
	uint64_t line;	  /* number of the line read last, from 1 */
	bool ended;
};

_Noreturn static void die_line(
	const struct rating_text *t, uint64_t line, const char *at, const char *message)
{
	die("line %" PRIu64 " of '%s' (byte %" PRIu64 "): %s", line, stream_name(t->in),
		t->base + (uint64_t)(at - t->buffer), message);
}

/* Die about the line being read, at `at` within it. */
_Noreturn __attribute__((format(printf, 3, 4))) static void die_at(
	const struct rating_text *t, const char *at, const char *format, ...)
{
	char message[MAX_MESSAGE];
	va_list args;

	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	die_line(t, t->line, at, message);
}

void rating_text_die(
	const struct rating_text *t, const struct rating_text_row *row, const char *format, ...)
{
	char message[MAX_MESSAGE];
	va_list args;

	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	die_line(t, row->line, row->at, message);
}

/* Move the rest to the front and fill the buffer; false when no line is left. */
static bool refill(struct rating_text *t)
{
	size_t rest = (size_t)(t->end - t->at), got;

	if (t->ended)
		return false;
	t->base += (uint64_t)(t->at - t->buffer);
	memmove(t->buffer, t->at, rest);
	t->at = t->buffer;
	t->end = t->buffer + rest;
	got = stream_read(t->in, t->end, TEXT_BUFFER - rest);
	digest_add(t->digest, t->end, got);
	t->ended = got < TEXT_BUFFER - rest;
	t->end += got;
	if (t->ended && t->end > t->buffer && t->end[-1] != '\n')
		*t->end++ = '\n';
	for (t->limit = t->end; t->limit > t->buffer && t->limit[-1] != '\n';)
		t->limit--;
	if (t->limit == t->buffer && !t->ended) {
		t->line++;
		die_at(t, t->at, "the line is longer than %d bytes", TEXT_BUFFER);
	}
	return t->limit > t->buffer;
}

/* The start of the next line that is not empty; NULL at the end, of the buffer unless `refilling`.
   */
static inline char *next_line(struct rating_text *t, bool refilling)
{
	for (;;) {
		if (t->at == t->limit && !(refilling && refill(t)))
			return NULL;
		t->line++;
		if (t->at[0] == '\r' && t->at[1] == '\n')
			t->at += 2;
		else if (t->at[0] == '\n')
			t->at++;
		else
			return t->at;
	}
}

struct rating_text *rating_text_open(const char *path, const struct rating_columns *columns)
{
	struct rating_text *t = xcalloc(1, sizeof(*t));

	t->in = stream_open(path);
	t->digest = digest_new();
	t->buffer = t->at = t->limit = t->end = xcalloc(TEXT_BUFFER + 1 + SLACK, 1);
	t->columns = *columns;
	if (refill(t) && t->end - t->at >= 3 && memcmp(t->at, "\xef\xbb\xbf", 3) == 0)
		t->at += 3;
	if (!next_line(t, true))
		die("'%s' is empty", stream_name(t->in));
	t->line--;
	if (t->columns.guess)
		rating_columns_guess(
			&t->columns, t->at, (size_t)(t->limit - t->at), stream_name(t->in));
	t->width = strlen(t->columns.delimiter);
	if (t->columns.header) {
		t->line++;
		t->at = (char *)memchr(t->at, '\n', (size_t)(t->limit - t->at)) + 1;
	}
	return t;
}

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

static const char *find_field_end(const struct rating_text *t, const char *p)
{
	while (!at_field_end(t, p))
		p++;
	return p;
}

/* Die about the field at `start`. Up to 40 bytes of it are quoted, control characters as '?'. */
_Noreturn static void die_field(
	const struct rating_text *t, const char *start, const char *what, const char *why)
{
	const char *end = find_field_end(t, start);
	char quoted[44];
	size_t n = 0;

	for (const char *p = start; p < end && n < 40; p++)
		quoted[n++] = (unsigned char)*p < 0x20 || *p == 0x7f ? '?' : *p;
	snprintf(quoted + n, sizeof(quoted) - n, "%s", end - start > 40 ? "..." : "");
	die_at(t, start, "%s '%s' %s", what, quoted, why);
}

/* A raw id of any bytes but control characters. */
static const char *scan_text(
	const struct rating_text *t, const char *start, struct raw_id *id, const char *what)
{
	const char *p = start;

	for (; !at_field_end(t, p); p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			die_field(t, start, what, "contains a control character");
	if (p == start)
		die_at(t, start, "%s is empty", what);
	*id = raw_id_of(start, (size_t)(p - start));
	return p;
}

/* A raw id; a fast path for canonical numbers. */
static inline const char *scan_raw_id(
	const struct rating_text *t, const char *start, struct raw_id *id, const char *what)
{
	uint64_t number;
	const char *p = scan_digits(start, &number);

	if (!at_field_end(t, p) || p == start || (*start == '0' && p - start > 1))
		return scan_text(t, start, id, what);
	*id = (struct raw_id){ start, (size_t)(p - start), number };
	return p;
}

/* The slow path: any decimal number, rounded to double and then to float. */
static const char *scan_real(const struct rating_text *t, const char *start, float *value)
{
	const char *end = find_field_end(t, start);
	char number[MAX_NUMBER];
	double v;

	if (end == start)
		die_at(t, start, "rating is empty");
	if (end - start >= MAX_NUMBER)
		die_field(t, start, "rating", "is too long for a number");
	memcpy(number, start, (size_t)(end - start));
	number[end - start] = '\0';
	if (strlen(number) != (size_t)(end - start) ||
		!number_parse_real(number, -DBL_MAX, DBL_MAX, &v) || !isfinite((float)v))
		die_field(t, start, "rating", "is not a number, or not finite");
	*value = (float)v;
	return end;
}

/*
 * A rating. The fast path is exact: an integer below 2^24 and a power of ten up to 10^10 are exact
 * floats, and so their quotient is the nearest float (Clinger 1990).
 */
static inline const char *scan_rating(const struct rating_text *t, const char *start, float *value)
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
	if (!at_field_end(t, p) || p - start == (point != NULL) || number >= 1U << 24 ||
		point == start)
		return scan_real(t, start, value);
	*value = (float)number / power[point ? p - point - 1 : 0];
	return p;
}

/* The slow path: a sign, as many digits as 64 bits hold, a fraction of zeros. */
static const char *scan_integer(const struct rating_text *t, const char *start, int64_t *value)
{
	const char *digits = start + (*start == '-'), *p = digits;
	uint64_t number = 0, most = (uint64_t)INT64_MAX + (*start == '-');

	for (; *p >= '0' && *p <= '9'; p++) {
		unsigned digit = (unsigned)(*p - '0');

		if (number > (most - digit) / 10)
			die_field(t, start, "time", "is out of range");
		number = 10 * number + digit;
	}
	if (p > digits && *p == '.')
		for (p++; *p == '0';)
			p++;
	if (!at_field_end(t, p) || p == digits)
		die_field(t, start, "time", "is not a whole number");
	*value = (int64_t)(*start == '-' ? 0 - number : number);
	return p;
}

static inline const char *scan_time(const struct rating_text *t, const char *start, int64_t *value)
{
	uint64_t number;
	const char *p = scan_digits(start, &number);

	if (!at_field_end(t, p) || p == start)
		return scan_integer(t, start, value);
	*value = (int64_t)number;
	return p;
}

/* Die about the rating at `start`. */
_Noreturn static void die_outside(const struct rating_text *t, const char *start)
{
	char why[64];

	snprintf(why, sizeof(why), "is outside %g..%g", (double)t->columns.min_rating,
		(double)t->columns.max_rating);
	die_field(t, start, "rating", why);
}

/* Parse the field at `p`, which is in this column. */
static inline const char *scan_field(
	const struct rating_text *t, enum column column, const char *p, struct rating_text_row *row)
{
	const char *start = p;

	switch (column) {
	case COLUMN_USER:
		return scan_raw_id(t, p, &row->user, "user");
	case COLUMN_ITEM:
		return scan_raw_id(t, p, &row->item, "item");
	case COLUMN_TIME:
		return scan_time(t, p, &row->time);
	case COLUMN_SKIP:
		return find_field_end(t, p);
	case COLUMN_RATING:
		break;
	}
	p = scan_rating(t, p, &row->rating);
	if (row->rating < t->columns.min_rating || row->rating > t->columns.max_rating)
		die_outside(t, start);
	return p;
}

/* Parse the line at `p` and move on to the next. */
static inline void read_line(struct rating_text *t, const char *p, struct rating_text_row *row)
{
	const struct rating_columns *columns = &t->columns;

	row->line = t->line;
	row->at = p;
	row->rating = 1;
	row->time = 0;
	for (unsigned c = 0;;) {
		p = scan_field(t, columns->column[c], p, row);
		if (++c == columns->num_columns)
			break;
		if (!at_delimiter(t, p))
			die_at(t, p, "the line ends after %u of %u columns", c,
				columns->num_columns);
		p += t->width;
	}
	if (!at_line_end(p)) {
		if (columns->exact)
			die_at(t, p, "the line has more than %u columns", columns->num_columns);
		p = memchr(p, '\n', (size_t)(t->limit - p));
	}
	t->at += p - t->at + (*p == '\r') + 1;
}

size_t rating_text_read(struct rating_text *t, struct rating_text_row *rows, size_t max)
{
	const char *line;
	size_t n = 0;

	while (n < max && (line = next_line(t, n == 0)) != NULL)
		read_line(t, line, &rows[n++]);
	return n;
}

const char *rating_text_name(const struct rating_text *t)
{
	return stream_name(t->in);
}

const struct rating_columns *rating_text_columns(const struct rating_text *t)
{
	return &t->columns;
}

uint64_t rating_text_offset(const struct rating_text *t)
{
	return t->base + (uint64_t)(t->at - t->buffer);
}

struct js *rating_text_digest(const struct rating_text *t)
{
	return digest_json(t->digest);
}

uint64_t rating_text_size(const struct rating_text *t)
{
	return stream_size(t->in);
}

void rating_text_close(struct rating_text *t)
{
	stream_close(t->in);
	digest_free(t->digest);
	free(t->buffer);
	free(t);
}
