#include "text/trec.h"

#include "base/bitset.h"
#include "base/die.h"
#include "base/mem.h"
#include "base/number.h"
#include "stream/stream.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { RUN_FIELDS = 6, QRELS_FIELDS = 4, MAX_FIELDS = RUN_FIELDS };

struct entry {
	struct top row;
	int64_t rank; /* as the text has it */
	uint64_t line;
};

struct trec {
	struct text_lines *lines;
	enum rec_kind kind;
	bool waiting; /* the current line is of the next query */

	/* the query being read, in order of ranks, and how many of it are handed out */
	struct entry *entry;
	size_t num, capacity, next;
	char *qid;		 /* its text */
	unsigned char *listed;	 /* its items */
	unsigned char *users;	 /* of the queries read */
	char *field[MAX_FIELDS]; /* of the current line */
	uint64_t not_relevant;
};

struct trec *trec_open(struct text_lines *lines, enum rec_kind kind)
{
	struct trec *t = xcalloc(1, sizeof(*t));

	t->lines = lines;
	t->kind = kind;
	return t;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Cut a line into fields; returns how many, one more than MAX_FIELDS for more. */
static unsigned cut(char *text, char **field)
{
	unsigned n = 0;

	for (;;) {
		while (is_blank(*text))
			*text++ = '\0';
		if (!*text)
			return n;
		if (n == MAX_FIELDS)
			return n + 1;
		field[n++] = text;
		while (*text && !is_blank(*text))
			text++;
	}
}

/* The fields of the next line that is not empty; false at the end. */
static bool next_fields(struct trec *t)
{
	const unsigned wanted = t->kind == REC_TOP ? RUN_FIELDS : QRELS_FIELDS;
	unsigned n;

	do {
		if (!text_lines_next(t->lines))
			return false;
		n = cut(t->lines->text, t->field);
	} while (n == 0);
	if (n != wanted)
		text_lines_die(t->lines, t->lines->text, "%s%u fields, %s has %u",
			n > MAX_FIELDS ? "more than " : "", n > MAX_FIELDS ? MAX_FIELDS : n,
			wanted == RUN_FIELDS ? "a run (qid Q0 docid rank score tag)"
					     : "a qrels file (qid 0 docid rel)",
			wanted);
	return true;
}

static int64_t parse_whole(const struct trec *t, const char *name, const char *text)
{
	const bool minus = *text == '-';
	uint64_t v;

	if (!number_parse_uint(text + minus, 0, INT32_MAX, &v))
		text_lines_die(
			t->lines, text, "%s '%.40s' is not a whole number of 32 bits", name, text);
	return minus ? -(int64_t)v : (int64_t)v;
}

/* Interactions: line by line. */
static size_t qrels_rows(
	struct trec *t, const struct import_ids *ids, struct interaction *rows, size_t max)
{
	size_t n = 0;

	while (n < max && next_fields(t)) {
		const uint32_t user = import_ids_parse(ids, false, t->lines, "qid", t->field[0]),
			       item = import_ids_parse(ids, true, t->lines, "docid", t->field[2]);

		if (parse_whole(t, "rel", t->field[3]) > 0)
			rows[n++] = (struct interaction){ user, item, 0 };
		else
			t->not_relevant++;
	}
	return n;
}

/* -inf is what export writes of an item that has no score. */
static bool parse_score(const char *text, float *v)
{
	const bool none = strcmp(text, "-inf") == 0;

	if (none)
		*v = -INFINITY;
	return none || number_parse_float(text, v);
}

static void add_entry(struct trec *t, const struct import_ids *ids)
{
	char *const *field = t->field;
	struct entry e = { .line = t->lines->line };

	e.row.user = import_ids_parse(ids, false, t->lines, "qid", field[0]);
	e.row.item = import_ids_parse(ids, true, t->lines, "docid", field[2]);
	e.rank = parse_whole(t, "rank", field[3]);
	if (!parse_score(field[4], &e.row.score))
		text_lines_die(t->lines, field[4], "score '%.40s' is not a finite number, nor -inf",
			field[4]);
	if (!bitset_insert(t->listed, e.row.item))
		text_lines_die(t->lines, field[2], "query '%s' has docid '%.40s' twice", field[0],
			field[2]);
	t->entry = xgrow(t->entry, &t->capacity, t->num + 1, sizeof(*t->entry));
	t->entry[t->num++] = e;
}

static int by_rank(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	if (x->rank != y->rank)
		return x->rank > y->rank ? 1 : -1;
	if (x->row.score != y->row.score)
		return x->row.score < y->row.score ? 1 : -1;
	return (x->line > y->line) - (x->line < y->line);
}

/* All lines of a query are there: bring them into the one order that ranks and scores say. */
static void end_query(struct trec *t)
{
	bitset_add(t->users, t->entry[0].row.user);
	qsort(t->entry, t->num, sizeof(*t->entry), by_rank);
	for (size_t k = 0; k < t->num; k++) {
		const struct entry *e = &t->entry[k], *before = e - 1;

		if (k > 0 && before->row.score < e->row.score)
			die("'%s': query '%s', lines %" PRIu64 " and %" PRIu64
			    ": the better rank has the smaller score: which of them is the order?",
				stream_name(t->lines->in), t->qid, before->line, e->line);
		if (k > 0 && before->row.score == e->row.score && before->rank == e->rank)
			die("'%s': query '%s', lines %" PRIu64 " and %" PRIu64
			    " have one score and one rank: which is first?",
				stream_name(t->lines->in), t->qid, before->line, e->line);
		t->entry[k].row.rank = (uint32_t)k + 1;
		bitset_remove(t->listed, e->row.item);
	}
}

/* A second list of a user would have ranks of its own. */
static void begin_query(struct trec *t, const struct import_ids *ids)
{
	if (!t->users) {
		t->users = bitset_new(ids->num_users);
		t->listed = bitset_new(ids->num_items);
	}
	if (bitset_has(t->users, import_ids_parse(ids, false, t->lines, "qid", t->field[0])))
		text_lines_die(t->lines, t->field[0],
			"query '%.40s' returns after another query: its lines must stand together",
			t->field[0]);
}

/* Read the lines of the next query; false at the end. */
static bool read_query(struct trec *t, const struct import_ids *ids)
{
	t->num = t->next = 0;
	if (!t->waiting && !next_fields(t))
		return false;
	t->waiting = false;
	begin_query(t, ids);
	free(t->qid);
	t->qid = xstrdup(t->field[0]);
	do {
		if (strcmp(t->field[0], t->qid) != 0) {
			t->waiting = true;
			break;
		}
		add_entry(t, ids);
	} while (next_fields(t));
	end_query(t);
	return true;
}

size_t trec_rows(struct trec *t, const struct import_ids *ids, void *rows, size_t max)
{
	struct top *top = rows;
	size_t n = 0;

	if (t->kind == REC_INTERACTION)
		return qrels_rows(t, ids, rows, max);
	while (n < max && (t->next < t->num || read_query(t, ids)))
		top[n++] = t->entry[t->next++].row;
	return n;
}

uint64_t trec_not_relevant(const struct trec *t)
{
	return t->not_relevant;
}

void trec_close(struct trec *t)
{
	free(t->entry);
	free(t->qid);
	free(t->listed);
	free(t->users);
	free(t);
}
