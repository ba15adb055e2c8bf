#include "text/rating_detect.h"

#include "base/die.h"
#include "base/mem.h"
#include "stream/stream.h"
#include "text/json_rows.h"
#include "text/rating_reading.h"
#include "text/rating_sample.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static const char *const delimiters[] = { "::", "\t", ",", ";", "|", " " };
enum {
	NUM_DELIMITERS = sizeof(delimiters) / sizeof(*delimiters),
};

/* A delimiter that splits the first record. */
struct candidate {
	struct rating_columns columns; /* what the user said, and this delimiter */
	struct sample sample;
	struct reading reading;
	bool even;
};

_Noreturn static void die_open(const struct text_source *text, const struct reading *r)
{
	text_source_show(text);
	die("'%s': %s: %s", stream_name(text->in), r->why, r->advice);
}

/* Quotes that nobody spoke of: RFC 4180 where the delimiter is that of a CSV. */
static enum quoting quoting_of(const struct rating_columns *c)
{
	if (c->format != FORMAT_AUTO)
		return c->quoting;
	return strchr(",;|", c->delimiter[0]) ? QUOTING_CSV : QUOTING_REFUSED;
}

/* Try a delimiter; false where it does not split the first record. */
static bool try_delimiter(struct candidate *c, const struct rating_columns *columns,
	const struct text_source *text, const char *delimiter)
{
	*c = (struct candidate){ .columns = *columns };
	strcpy(c->columns.delimiter, delimiter);
	c->columns.quoting = quoting_of(&c->columns);
	sample_split(&c->sample, text, delimiter, c->columns.quoting);
	if (c->sample.num == 0 || c->sample.record[0].num_fields < 2)
		return false;
	c->even = sample_even(&c->sample);
	reading_settle(&c->reading, &c->sample, &c->columns);
	return true;
}

static void release_candidate(struct candidate *c)
{
	reading_release(&c->reading);
	sample_release(&c->sample);
}

/* Whole numbers, the first of each line a new one, some lines of more than two: a list per user? */
static bool may_be_lists(const struct sample *s)
{
	bool longer = false;

	for (unsigned k = 0; k < s->num; k++) {
		const struct sample_record *r = &s->record[k];

		longer |= r->num_fields > 2;
		for (unsigned c = 0; c < r->num_fields && c < RATING_MAX_FIELDS; c++)
			if (field_kind(&r->field[c]) != FIELD_WHOLE &&
				!(c > 0 && c + 1 == r->num_fields && r->field[c].length == 0))
				return false;
		for (unsigned j = 0; j < k; j++)
			if (s->record[j].field[0].length == r->field[0].length &&
				memcmp(s->record[j].field[0].at, r->field[0].at,
					r->field[0].length) == 0)
				return false;
	}
	return longer;
}

/* Do all blanks of a text stand in dates, as the fields of `c` have them? */
static bool blanks_are_dates(const struct candidate *c)
{
	bool any = false;

	for (unsigned k = 0; k < c->sample.num; k++)
		for (unsigned f = 0; f < c->sample.record[k].num_fields && f < RATING_MAX_FIELDS;
			f++) {
			const struct sample_field *field = &c->sample.record[k].field[f];

			if (!memchr(field->at, ' ', field->length))
				continue;
			if (field_kind(field) != FIELD_DATE)
				return false;
			any = true;
		}
	return any;
}

/* Does a blank stand behind each delimiter, or before each? It may be part of it or of the field. */
static bool has_blanks(const struct candidate *c, bool behind)
{
	for (unsigned k = 0; k < c->sample.num; k++) {
		const struct sample_record *r = &c->sample.record[k];

		for (unsigned f = 0; f + 1 < r->num_fields && f + 1 < RATING_MAX_FIELDS; f++) {
			const struct sample_field *field = &r->field[f + behind];

			if (field->quoted || field->length == 0 ||
				field->at[behind ? 0 : field->length - 1] != ' ')
				return false;
		}
	}
	return strchr(",;|:", c->columns.delimiter[0]) != NULL;
}

_Noreturn static void die_blanks(const struct text_source *text, const struct candidate *c)
{
	const char *delimiter = c->columns.delimiter, *name = rating_delimiter_name(delimiter);
	const bool before = has_blanks(c, false);

	text_source_show(text);
	die("'%s': blanks stand %s every %s: --delimiter '%s%s ' takes them for part of it, "
	    "--delimiter %s for part of the fields",
		stream_name(text->in), before ? "around" : "behind", name, before ? " " : "",
		delimiter, name);
}

_Noreturn static void die_delimiters(
	const struct text_source *text, struct candidate **c, unsigned num)
{
	text_source_show(text);
	for (unsigned k = 0; k < num; k++)
		warn("by %s: %u fields; %s", rating_delimiter_name(c[k]->columns.delimiter),
			c[k]->sample.record[0].num_fields,
			reading_example(&c[k]->reading, &c[k]->sample));
	die("'%s' can be split by more than one delimiter: --delimiter says which",
		stream_name(text->in));
}

/* Keep those for which `keep` is true; all, where it is true for none. */
static unsigned keep_those(
	struct candidate **c, unsigned num, bool (*keep)(const struct candidate *))
{
	unsigned kept = 0;

	for (unsigned k = 0; k < num; k++)
		kept += keep(c[k]);
	if (kept == 0)
		return num;
	kept = 0;
	for (unsigned k = 0; k < num; k++)
		if (keep(c[k]))
			c[kept++] = c[k];
	return kept;
}

static bool is_named(const struct candidate *c)
{
	return c->reading.named;
}

static bool is_even(const struct candidate *c)
{
	return c->even;
}

/* Die since no delimiter splits the first record. */
_Noreturn static void die_unsplit(const struct text_source *text,
	const struct rating_columns *columns, const struct candidate *all)
{
	for (unsigned k = 0; k < NUM_DELIMITERS; k++)
		if (all[k].sample.broken)
			text_source_die(text, text->line + 1, all[k].sample.broken,
				"its quotes are not those of RFC 4180: --format tsv takes them as they are");
	text_source_show(text);
	if (columns->delimiter[0])
		die("'%s': its first line has no %s: --delimiter names another",
			stream_name(text->in), rating_delimiter_name(columns->delimiter));
	die("'%s': no usual delimiter splits its first line: --delimiter names another",
		stream_name(text->in));
}

static bool is_by_space(const struct candidate *c)
{
	return strcmp(c->columns.delimiter, " ") == 0;
}

/* The candidate to read by, NULL: lists; dies where there is more than one. `given`: the delimiter
   is. */
static struct candidate *choose(
	const struct text_source *text, struct candidate **c, unsigned num, bool given)
{
	struct candidate *space = is_by_space(c[num - 1]) ? c[num - 1] : NULL;

	if (space && num == 1 && !space->even && may_be_lists(&space->sample))
		return NULL;
	num = keep_those(c, num, is_named);
	num = keep_those(c, num, is_even);
	if (num == 2 && c[1] == space && (blanks_are_dates(c[0]) || has_blanks(c[0], true)))
		num = 1;
	if (num == 1 && !given && has_blanks(c[0], true))
		die_blanks(text, c[0]);
	if (num > 1)
		die_delimiters(text, c, num);
	return c[0];
}

/* Settle columns split by a delimiter, given or one of those that are usual. */
static void detect_delimited(struct rating_columns *columns, const struct text_source *text)
{
	struct candidate *all = xcalloc(NUM_DELIMITERS, sizeof(*all)), *c[NUM_DELIMITERS], *best;
	unsigned num = 0;

	if (columns->delimiter[0] && try_delimiter(&all[0], columns, text, columns->delimiter))
		c[num++] = &all[0];
	for (unsigned k = 0; k < NUM_DELIMITERS && !columns->delimiter[0]; k++)
		if (try_delimiter(&all[k], columns, text, delimiters[k]))
			c[num++] = &all[k];
	if (num == 0)
		die_unsplit(text, columns, all);
	best = choose(text, c, num, columns->delimiter[0]);
	if (!best) {
		columns->format = FORMAT_LIGHTGCN;
		strcpy(columns->delimiter, " ");
	} else {
		if (columns->format == FORMAT_AUTO && is_by_space(best) &&
			columns->num_columns == 0 && !columns->by_name &&
			may_be_lists(&best->sample)) {
			text_source_show(text);
			die("'%s' may be columns, or a user and the items of each: --columns "
			    "user,item,... or --format lightgcn says which",
				stream_name(text->in));
		}
		if (best->reading.why)
			die_open(text, &best->reading);
		*columns = best->reading.columns;
		best->reading.columns.unused = NULL;
		if (columns->format == FORMAT_AUTO)
			columns->format = columns->quoting == QUOTING_CSV ? FORMAT_CSV : FORMAT_TSV;
	}
	for (unsigned k = 0; k < NUM_DELIMITERS; k++)
		release_candidate(&all[k]);
	free(all);
}

/* Is the first line RecBole's: fields that all end in ":token", ":float" or a sequence of one? */
static bool is_inter(const struct text_source *text)
{
	static const char *const types[] = { ":token", ":float", ":token_seq", ":float_seq" };
	const char *at = text->at;

	for (;; at++) {
		size_t length = strcspn(at, "\t\r\n"), known = 0;

		for (size_t k = 0; k < sizeof(types) / sizeof(*types); k++)
			known += length > strlen(types[k]) &&
				 memcmp(at + length - strlen(types[k]), types[k],
					 strlen(types[k])) == 0;
		if (!known)
			return false;
		at += length;
		if (*at != '\t')
			return true;
	}
}

/* Does the first line begin with (digits,digits) and a tab? */
static bool is_negative(const struct text_source *text)
{
	const char *p = text->at;

	if (*p++ != '(' || !isdigit((unsigned char)*p))
		return false;
	p += strspn(p, "0123456789");
	if (*p++ != ',' || !isdigit((unsigned char)*p))
		return false;
	p += strspn(p, "0123456789");
	return p[0] == ')' && (p[1] == '\t' || p[1] == '\r' || p[1] == '\n');
}

/* Dies where the first line may be a comment, as SNAP, KONECT and others begin their files. */
static void check_comment(const struct rating_columns *columns, const struct text_source *text)
{
	const char first = *text->at;

	if (columns->header != HEADER_AUTO || (first != '#' && first != '%'))
		return;
	text_source_show(text);
	die("'%s': line 1 may be a comment, a header or data: grep -v '^%c' leaves comments out, "
	    "--header yes or --header no takes it",
		stream_name(text->in), first);
}

void rating_detect(struct rating_columns *columns, const struct text_source *text)
{
	const char *blank = text->at + strspn(text->at, " \t");
	bool free_choice = columns->format == FORMAT_AUTO && !columns->delimiter[0];

	if (free_choice && *blank == '[')
		die("'%s' is a JSON array, an object per line expected: jq -c '.[]' prints it so",
			stream_name(text->in));
	if (free_choice && *blank == '{')
		columns->format = FORMAT_JSONL;
	else if (free_choice && is_inter(text))
		columns->format = FORMAT_INTER;
	else if (free_choice && columns->num_columns == 0 && is_negative(text))
		columns->format = FORMAT_NEGATIVE;
	if (columns->format == FORMAT_NEGATIVE)
		strcpy(columns->delimiter, "\t");
	if (columns->format == FORMAT_INTER) {
		strcpy(columns->delimiter, "\t");
		columns->quoting = QUOTING_NONE;
		columns->header = HEADER_YES;
	}
	if (columns->format == FORMAT_JSONL)
		json_rows_detect(columns, text);
	else if (columns->format != FORMAT_LIGHTGCN && columns->format != FORMAT_NEGATIVE) {
		check_comment(columns, text);
		detect_delimited(columns, text);
	}
}
