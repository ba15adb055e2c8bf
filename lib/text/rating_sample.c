#include "text/rating_sample.h"

#include "base/mem.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Where a record is being split. */
struct cursor {
	const char *at, *limit, *delimiter;
	size_t width;
	enum quoting quoting;
};

static bool at_delimiter(const struct cursor *c, const char *p)
{
	return (size_t)(c->limit - p) >= c->width && memcmp(p, c->delimiter, c->width) == 0;
}

/* A line end is LF or CR LF; the window ends in LF. */
static bool at_line_end(const char *p)
{
	return *p == '\n' || (*p == '\r' && p[1] == '\n');
}

/* The closing quote of the field whose content begins at p; NULL where the window ends. */
static const char *closing_quote(const struct cursor *c, const char *p)
{
	while ((p = memchr(p, '"', (size_t)(c->limit - p))) != NULL && p[1] == '"')
		p += 2;
	return p;
}

/* One field; false where its quotes break the rule or the window ends. */
static bool next_field(struct cursor *c, struct sample_field *f)
{
	const char *p = c->at;

	if (*p == '"' && c->quoting == QUOTING_CSV) {
		const char *close = closing_quote(c, p + 1);

		if (!close)
			return false;
		*f = (struct sample_field){ p + 1, (size_t)(close - p - 1), true };
		c->at = close + 1;
		return at_delimiter(c, c->at) || at_line_end(c->at);
	}
	while (!at_delimiter(c, p) && !at_line_end(p))
		p++;
	*f = (struct sample_field){ c->at, (size_t)(p - c->at), false };
	c->at = p;
	return true;
}

/* One record, its fields from `first` on in s->fields; returns how many, 0 where it is broken. */
static unsigned next_record(struct sample *s, struct cursor *c, size_t first)
{
	unsigned n = 0;

	for (;; c->at += c->width) {
		struct sample_field f;

		if (!next_field(c, &f))
			return 0;
		if (n < RATING_MAX_FIELDS) {
			s->fields =
				xgrow(s->fields, &s->capacity, first + n + 1, sizeof(*s->fields));
			s->fields[first + n] = f;
		}
		n++;
		if (at_line_end(c->at))
			return n;
	}
}

/* Behind empty lines. */
static void skip_empty(struct cursor *c)
{
	while (c->at < c->limit && at_line_end(c->at))
		c->at += 1 + (*c->at == '\r');
}

void sample_split(struct sample *s, const struct text_source *text, const char *delimiter,
	enum quoting quoting)
{
	struct cursor c = { text->at, text->limit, delimiter, strlen(delimiter), quoting };
	size_t used = 0;

	s->num = 0;
	s->broken = NULL;
	for (skip_empty(&c); c.at < c.limit && s->num < SAMPLE_RECORDS; skip_empty(&c)) {
		struct sample_record *r = &s->record[s->num];

		r->at = c.at;
		r->num_fields = next_record(s, &c, used);
		if (r->num_fields == 0) {
			/* a record that the window cuts is no fault of its quotes */
			if (s->num == 0 || closing_quote(&c, c.at) || text->ended)
				s->broken = r->at;
			break;
		}
		r->length = (size_t)(c.at - r->at);
		used += r->num_fields < RATING_MAX_FIELDS ? r->num_fields : RATING_MAX_FIELDS;
		s->num++;
	}
	used = 0;
	for (unsigned k = 0; k < s->num; k++) {
		s->record[k].field = s->fields + used;
		used += s->record[k].num_fields < RATING_MAX_FIELDS ? s->record[k].num_fields
								    : RATING_MAX_FIELDS;
	}
}

void sample_release(struct sample *s)
{
	free(s->fields);
}

bool sample_even(const struct sample *s)
{
	for (unsigned k = 0; k < s->num; k++)
		if (s->record[k].num_fields != s->record[0].num_fields)
			return false;
	return s->num > 0 && !s->broken && s->record[0].num_fields > 1;
}

/* FIELD_WHOLE, FIELD_NUMBER, or FIELD_WORD: no number. */
static enum field_kind number_kind(const struct sample_field *f)
{
	const char *p = f->at, *end = p + f->length;
	size_t digits = 0, whole;

	p += p < end && (*p == '-' || *p == '+');
	for (; p < end && isdigit((unsigned char)*p); p++)
		digits++;
	whole = digits;
	if (p == end)
		return digits > 0 ? FIELD_WHOLE : FIELD_WORD;
	if (*p == '.')
		for (p++; p < end && isdigit((unsigned char)*p); p++)
			digits++;
	if (digits > 0 && end - p > 1 && (*p == 'e' || *p == 'E')) {
		p++;
		p += *p == '-' || *p == '+';
		for (whole = 0; p < end && isdigit((unsigned char)*p); p++)
			whole++;
		if (whole == 0)
			return FIELD_WORD;
	}
	return digits > 0 && p == end ? FIELD_NUMBER : FIELD_WORD;
}

/* A number as people write it who do not write for programs: digits, points and commas. */
static bool has_commas(const struct sample_field *f)
{
	const char *p = f->at, *end = p + f->length;

	p += p < end && (*p == '-' || *p == '+');
	if (p == end || !isdigit((unsigned char)*p) || !isdigit((unsigned char)end[-1]))
		return false;
	while (p < end && (isdigit((unsigned char)*p) || *p == ',' || *p == '.'))
		p++;
	return p == end && memchr(f->at, ',', f->length);
}

enum field_kind field_kind(const struct sample_field *f)
{
	static const char *const missing[] = { "nan", "null", "none", "na", "n/a", "nil", "unknown",
		"missing", "inf", "infinity", "-inf", "-nan", "?", "-", "\\n" };
	enum field_kind kind = number_kind(f);
	struct text_time time;

	if (f->length == 0)
		return FIELD_EMPTY;
	if (kind != FIELD_WORD)
		return kind;
	for (size_t k = 0; k < sizeof(missing) / sizeof(*missing); k++)
		if (strlen(missing[k]) == f->length &&
			strncasecmp(missing[k], f->at, f->length) == 0)
			return FIELD_MISSING;
	if (has_commas(f))
		return FIELD_COMMAS;
	return text_time_iso(f->at, f->at + f->length, &time) ? FIELD_WORD : FIELD_DATE;
}

bool field_is_seconds(const struct sample_field *f)
{
	struct text_time time;
	int64_t most = UINT32_MAX;

	if (f->length == 0 || text_time_unix(f->at, f->at + f->length, &time))
		return false;
	for (int64_t unit = 1; unit <= 1000000000; unit *= 1000)
		if (time.seconds / unit >= 100000000 && time.seconds / unit <= most)
			return true;
	return false;
}

char *field_text(const struct sample_field *f)
{
	char *text = xmalloc(f->length + 1, 1);
	size_t n = 0;

	for (size_t k = 0; k < f->length; k++) {
		text[n++] = f->at[k];
		if (f->quoted && f->at[k] == '"' && k + 1 < f->length && f->at[k + 1] == '"')
			k++;
	}
	text[n] = '\0';
	return text;
}
