/* rating_values: raw ids, ratings and times from the contents of fields, whatever the text;
   errors name the field. */
#include "base/number.h"
#include "base/utf8.h"
#include "text/rating_rows.h"
#include "text/rating_sample.h"

#include <stdio.h>
#include <string.h>

enum { MAX_NUMBER = 64, QUOTED_BYTES = 40 };

void rating_die_value(const struct rating_text *t, const char *at, struct span content,
	const char *what, const char *why)
{
	size_t length = (size_t)(content.end - content.at);

	if (length > QUOTED_BYTES)
		text_source_die(&t->text, t->text.line, at, "%s '%.*s...' %s", what, QUOTED_BYTES,
			content.at, why);
	text_source_die(
		&t->text, t->text.line, at, "%s '%.*s' %s", what, (int)length, content.at, why);
}

void rating_id_of(const struct rating_text *t, const char *at, struct span content,
	const char *what, struct raw_id *id)
{
	if (content.at == content.end && !t->empty_ids)
		text_source_die(&t->text, t->text.line, at,
			"%s is empty: --missing drop leaves such rows out", what);
	if (utf8_mark(content.at, (size_t)(content.end - content.at)))
		text_source_die(&t->text, t->text.line, at,
			"a byte order mark: of several files, only the first may have one");
	for (const char *p = content.at; p < content.end; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			rating_die_value(t, at, content, what, "contains a control character");
	*id = raw_id_of(content.at, (size_t)(content.end - content.at));
}

/* Is it a number as people write it, with commas? */
static bool has_commas(struct span content)
{
	const struct sample_field field = { content.at, (size_t)(content.end - content.at), false };

	return field_kind(&field) == FIELD_COMMAS;
}

float rating_value_of(const struct rating_text *t, const char *at, struct span content)
{
	size_t length = (size_t)(content.end - content.at);
	char number[MAX_NUMBER];
	float value;

	if (length == 0)
		text_source_die(&t->text, t->text.line, at, "rating is empty");
	if (length < MAX_NUMBER) {
		memcpy(number, content.at, length);
		number[length] = '\0';
		if (strlen(number) == length && number_parse_float(number, &value))
			return value;
	}
	rating_die_value(t, at, content, "rating",
		length >= MAX_NUMBER ? "is too long for a number"
		: has_commas(content)
			? "is not a number: a decimal comma should be a point, one between thousands left "
			  "out (sed, tr)"
			: "is not a number, or not finite");
}

void rating_check_range(
	const struct rating_text *t, const char *at, struct span content, float rating)
{
	char why[64];

	if (rating >= t->columns.min_rating && rating <= t->columns.max_rating)
		return;
	snprintf(why, sizeof(why), "is outside %g..%g", (double)t->columns.min_rating,
		(double)t->columns.max_rating);
	rating_die_value(t, at, content, "rating", why);
}

int64_t rating_time_of(struct rating_text *t, const char *at, struct span content)
{
	const char *why = NULL;
	struct text_time time;

	switch (t->columns.form) {
	case TIME_UNIX:
		why = text_time_unix(content.at, content.end, &time);
		break;
	case TIME_ISO:
		why = text_time_iso(content.at, content.end, &time);
		break;
	case TIME_PATTERN:
		why = text_time_pattern(t->columns.pattern, content.at, content.end, &time);
		break;
	}
	if (why)
		rating_die_value(t, at, content, "time", why);
	t->times_cut += time.cut;
	return time.seconds;
}
