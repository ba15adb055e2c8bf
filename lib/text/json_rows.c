#include "text/json_rows.h"

#include "base/die.h"
#include "base/js.h"
#include "base/mem.h"
#include "stream/stream.h"
#include "text/rating_rows.h"
#include "text/rating_sample.h"
#include "text/reading_names.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_WHY = 200, MAX_DIGITS = 24, MAX_KEY = 256 };

/* The value of "a.b.c"; NULL: none. */
static const struct js *find(const struct js *object, const char *key)
{
	const char *dot = strchr(key, '.');
	const struct js *value = js_is_object(object) ? js_get(object, key) : NULL;
	char first[MAX_KEY];

	if (value || !dot || !js_is_object(object) || dot - key >= MAX_KEY)
		return value;
	memcpy(first, key, (size_t)(dot - key));
	first[dot - key] = '\0';
	return find(js_get(object, first), dot + 1);
}

/* Does the line from `at` to `end` end within its object, as JSON that is laid out for people? */
static bool goes_on(const char *at, const char *end)
{
	while (end > at && strchr(" \t\r", end[-1]))
		end--;
	return end > at && end[-1] != '}';
}

/* The object of the line from `at` to `end`, which is freed by the caller. */
static struct js *parse(
	const struct text_source *text, uint64_t line, const char *at, const char *end)
{
	char why[MAX_WHY];
	struct js *object = js_parse(at, (size_t)(end - at), why, sizeof(why));

	if (!object)
		text_source_die(text, line, at, "no JSON object: %s%s", why,
			goes_on(at, end) ? ": jq -c . prints one per line" : "");
	if (!js_is_object(object))
		text_source_die(text, line, at, "JSON, but no object");
	return object;
}

/* What a time given as text is: ISO 8601, or a number. */
static void settle_time(struct rating_columns *c, const struct js *value)
{
	struct text_time time;
	const char *text = value ? js_text(value) : NULL;

	if (!c->has_form)
		c->form = text && !text_time_iso(text, text + strlen(text), &time) ? TIME_ISO
										   : TIME_UNIX;
	c->has_form = true;
}

/* Does a value look like a time? */
static bool may_be_time(const struct js *value)
{
	const char *text = js_text(value);
	struct text_time time;
	int64_t seconds;

	if (text)
		return !text_time_iso(text, text + strlen(text), &time);
	return js_int64(value, &seconds) && seconds >= 100000000;
}

/* Does a value look like a rating: a number, also in a string, or a yes or no? */
static bool may_be_rating(const struct js *value)
{
	const char *text = js_text(value);
	double number;

	if (text) {
		const struct sample_field field = { text, strlen(text), false };
		const enum field_kind kind = field_kind(&field);

		return kind == FIELD_WHOLE || kind == FIELD_NUMBER || kind == FIELD_COMMAS;
	}
	return js_number(value, &number) || js_is_bool(value);
}

/* Die about keys: "WHY: its keys are a, b: ADVICE". */
_Noreturn static void die_keys(
	const struct text_source *text, const struct js *object, const char *why)
{
	char *list = xstrdup(""), *longer;

	for (void *it = js_first(object); it; it = js_next(object, it)) {
		longer = xasprintf("%s%s%s", list, *list ? ", " : "", js_key(it));
		free(list);
		list = longer;
	}
	text_source_show(text);
	die("'%s': %s (%s): --columns user=KEY,item=KEY names them", stream_name(text->in), why,
		list);
}

/* The first key that could be the rating or the time, where no key is taken for it; NULL: none. */
static const char *find_unused(
	const struct rating_columns *c, const struct js *object, enum column *may_be)
{
	for (void *it = js_first(object); it; it = js_next(object, it)) {
		const struct js *value = js_value(it);
		enum column named = column_of_name(js_key(it), false);

		if (named != COLUMN_SKIP && c->name[named])
			continue;
		*may_be = COLUMN_TIME;
		if (!c->name[COLUMN_TIME] &&
			(may_be_time(value) || reading_sounds_like(COLUMN_TIME, js_key(it))))
			return js_key(it);
		*may_be = COLUMN_RATING;
		if (!c->name[COLUMN_RATING] && !may_be_time(value) &&
			(may_be_rating(value) || reading_sounds_like(COLUMN_RATING, js_key(it))))
			return js_key(it);
	}
	return NULL;
}

static void check_unused(
	const struct rating_columns *c, const struct text_source *text, const struct js *object)
{
	enum column may_be;
	const char *key = find_unused(c, object, &may_be);

	if (key)
		die_keys(text, object,
			xasprintf("'%s' may be the %s among its keys", key, column_names[may_be]));
}

void json_rows_detect(struct rating_columns *c, const struct text_source *text)
{
	const char *end = memchr(text->at, '\n', (size_t)(text->limit - text->at));
	struct js *object = parse(text, text->line + 1, text->at, end);

	if (c->num_columns > 0)
		die("'%s' is JSON lines, whose columns are keys: --columns user=KEY,item=KEY",
			stream_name(text->in));
	for (void *it = js_first(object); it && !c->by_name; it = js_next(object, it)) {
		enum column column = column_of_name(js_key(it), false);

		if (c->name[column])
			die_keys(text, object, "two of its keys have one meaning");
		if (column != COLUMN_SKIP)
			c->name[column] = xstrdup(js_key(it));
	}
	if (!c->name[COLUMN_USER] || !c->name[COLUMN_ITEM])
		die_keys(text, object, "its keys do not name user and item");
	if (!c->by_name)
		check_unused(c, text, object);
	if (c->name[COLUMN_TIME])
		settle_time(c, find(object, c->name[COLUMN_TIME]));
	js_free(object);
}

/* The text of a value, or of a whole number as digits, in scratch memory. */
static struct span text_of(struct rating_text *t, const struct js *value)
{
	const char *text = js_text(value);
	char digits[MAX_DIGITS];
	struct span content;
	int64_t number;
	size_t length;

	if (!text && js_int64(value, &number)) {
		snprintf(digits, sizeof(digits), "%" PRId64, number);
		text = digits;
	}
	if (!text)
		return (struct span){ NULL, NULL };
	length = strlen(text);
	content.at = memcpy(rating_scratch(t, length), text, length);
	content.end = content.at + length;
	return content;
}

static const struct js *get(
	const struct rating_text *t, const struct js *object, enum column column)
{
	const char *key = t->columns.name[column];
	const struct js *value = find(object, key);

	if (!value)
		text_source_die(&t->text, t->text.line, t->text.at, "the object has no '%s'", key);
	return value;
}

static void read_id(
	struct rating_text *t, const struct js *object, enum column column, struct raw_id *id)
{
	const struct js *value = get(t, object, column);
	struct span content = text_of(t, value);

	if (js_is_null(value))
		content = (struct span){ t->text.at, t->text.at };
	if (!content.at)
		text_source_die(&t->text, t->text.line, t->text.at,
			"'%s' is no id: neither a string nor a whole number",
			t->columns.name[column]);
	rating_id_of(t, t->text.at, content, column_names[column], id);
}

static float read_rating(struct rating_text *t, const struct js *object)
{
	const struct js *value = get(t, object, COLUMN_RATING);
	struct span content = text_of(t, value);
	double number;

	if (content.at)
		return rating_value_of(t, t->text.at, content);
	if (!js_number(value, &number) || !isfinite((float)number))
		text_source_die(&t->text, t->text.line, t->text.at,
			"'%s' is no number, or not finite as a float",
			t->columns.name[COLUMN_RATING]);
	return (float)number;
}

static int64_t read_time(struct rating_text *t, const struct js *object)
{
	const struct js *value = get(t, object, COLUMN_TIME);
	struct span content = text_of(t, value);
	double number;

	if (content.at)
		return rating_time_of(t, t->text.at, content);
	if (t->columns.form != TIME_UNIX || !js_number(value, &number) || !(fabs(number) < 9e18))
		text_source_die(&t->text, t->text.line, t->text.at, "'%s' is no time",
			t->columns.name[COLUMN_TIME]);
	t->times_cut += number != trunc(number);
	return (int64_t)number;
}

/* Die about a key that could be the rating or the time, and that the first line lacks. */
static void check_later(const struct rating_text *t, const struct js *object)
{
	const struct rating_columns *c = &t->columns;
	enum column may_be;
	const char *key;

	if (c->by_name || (c->name[COLUMN_RATING] && c->name[COLUMN_TIME]))
		return;
	key = find_unused(c, object, &may_be);
	if (key)
		text_source_die(&t->text, t->text.line, t->text.at,
			"'%s' may be the %s, which the first line lacks: --columns user=KEY,item=KEY "
			"names what is used",
			key, column_names[may_be]);
}

static void read_object(struct rating_text *t, const struct js *object, struct rating_text_row *row)
{
	*row = (struct rating_text_row){ .rating = 1, .line = t->text.line, .at = t->text.at };
	read_id(t, object, COLUMN_USER, &row->user);
	read_id(t, object, COLUMN_ITEM, &row->item);
	if (t->columns.name[COLUMN_RATING])
		row->rating = read_rating(t, object);
	if (t->columns.name[COLUMN_TIME])
		row->time = read_time(t, object);
	check_later(t, object);
}

size_t json_rows_read(struct rating_text *t, struct rating_text_row *rows, size_t max)
{
	size_t n = 0;

	while (n < max && text_source_line(&t->text, n == 0)) {
		const char *end = memchr(t->text.at, '\n', (size_t)(t->text.limit - t->text.at));
		struct js *object = parse(&t->text, t->text.line, t->text.at, end);

		read_object(t, object, &rows[n++]);
		js_free(object);
		t->text.at += end + 1 - t->text.at;
	}
	return n;
}
