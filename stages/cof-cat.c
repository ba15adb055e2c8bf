/*
 * cof-cat: print, count, check, join and make record streams.
 * Reads any kind, or text; memory does not grow with input (--to npy holds all rows).
 *   cof-cat test.cof | head
 */
#include "base/die.h"
#include "base/mem.h"
#include "cli/opt.h"
#include "stream/id_family.h"
#include "stream/record.h"
#include "stream/stream.h"
#include "text/export.h"
#include "text/id_names.h"
#include "text/import.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BUFFER_BYTES = 2 * REC_BLOCK_BYTES, ANY_KIND = (1u << REC_NUM_KINDS) - 1 };
enum { FROM_COF, FROM_TSV, FROM_CSV };
enum { TO_COF = EXPORT_NPY + 1 };

static const char *const from_names[] = { "cof", "tsv", "csv", NULL };
static const char *const to_names[] = { "tsv", "csv", "jsonl", "npy", "cof", NULL };
static const char *kind_names[REC_NUM_KINDS + 1]; /* of rec_info */

static struct {
	unsigned to, from, kind;
	uint32_t num_users, num_items;
	uint64_t head;
	bool count, header, check;
	const char *user_ids, *item_ids;
} cfg = { .to = EXPORT_TSV, .from = FROM_COF, .kind = REC_INTERACTION };

/* `provenance` gets --from and --head; the rest is in the header itself. */
static const struct opt options[] = {
	OPT_LOCAL_CHOICE(0, "to", &cfg.to, to_names, "write this (with --from text: cof)"),
	OPT_CHOICE(0, "from", &cfg.from, from_names, "read this"),
	OPT_LOCAL_CHOICE(0, "kind", &cfg.kind, kind_names, "with --from text: what a line is"),
	OPT_LOCAL_UINT(0, "users", &cfg.num_users, 1, UINT32_MAX, "N",
		"with --from text: user ids are below N"),
	OPT_LOCAL_UINT(0, "items", &cfg.num_items, 1, UINT32_MAX, "N",
		"with --from text: item ids are below N"),
	OPT_UINT64(
		'n', "head", &cfg.head, 0, 1000000000000000000, "N", "stop after N rows; 0: never"),
	OPT_FLAG('c', "count", &cfg.count, "print the number of rows, once all are verified"),
	OPT_FLAG('H', "header", &cfg.header, "print what the stream says of itself, as JSON"),
	OPT_FLAG('C', "check", &cfg.check,
		"print nothing; the exit status says whether all is whole"),
	OPT_LOCAL_FLAG(0, "ids-unchecked", &ids_unchecked,
		"join streams of different id maps, of which the header then has none"),
	OPT_PATH(0, "item-ids", &cfg.item_ids, "FILE",
		"print the second column of FILE for an item"),
	OPT_PATH(
		0, "user-ids", &cfg.user_ids, "FILE", "print the second column of FILE for a user"),
	OPT_END,
};

static const struct opt_program program = {
	.name = "cof-cat",
	.operands = "[FILE]...",
	.max_operands = -1,
	.summary = "Print, count, check, join and make record streams.",
	.reads = "records of any kind, or text",
	.writes = "text, a NumPy array, or records",
	.example = "cof-cat test.cof | head",
	.tables = { options },
};

/* Whatever the rows come from. */
struct source {
	struct rec_reader *reader; /* NULL: */
	struct import *text;
};

static size_t source_rows(struct source *s, void *rows, size_t max)
{
	return s->reader ? rec_read_rows(s->reader, rows, max) : import_rows(s->text, rows, max);
}

static void source_close(struct source *s)
{
	if (s->reader)
		rec_close(s->reader, false);
	else
		import_close(s->text);
}

/* What to write: where --to does not say it, what was not read. */
static unsigned output_format(void)
{
	return cfg.from != FROM_COF && !opt_given(&cfg.to) ? (unsigned)TO_COF : cfg.to;
}

static void check_options(void)
{
	bool text = cfg.from != FROM_COF, names = cfg.user_ids || cfg.item_ids;
	bool prints = opt_given(&cfg.to) || opt_given(&cfg.head) || names;

	if (cfg.count + cfg.header + cfg.check > 1)
		die_usage("one of --count, --header and --check at a time");
	if ((cfg.count || cfg.header || cfg.check) && (prints || text))
		die_usage("--count, --header and --check go with no other option");
	if (text && !(cfg.num_users && cfg.num_items))
		die_usage("--from %s needs --users and --items", from_names[cfg.from]);
	if (!text && (opt_given(&cfg.kind) || cfg.num_users || cfg.num_items))
		die_usage("--kind, --users and --items go with --from tsv or csv");
	if (names && (output_format() == TO_COF || output_format() == EXPORT_NPY))
		die_usage("--user-ids and --item-ids go with --to tsv, csv or jsonl");
}

static void print_headers(char **files)
{
	struct stream_out *out = stream_create("-", false);

	for (; *files; files++) {
		struct rec_reader *r = rec_open(*files, ANY_KIND);
		struct js *json = rec_header_json(rec_header(r));
		char *text = js_dump(json, true);

		stream_printf(out, "%s\n", text);
		free(text);
		js_free(json);
		rec_close(r, false);
	}
	stream_commit(out);
}

/* --count and --check: read all to the verified end. */
static void verify(char **files)
{
	uint64_t rows = 0;

	for (; *files; files++) {
		struct rec_reader *r = rec_open(*files, ANY_KIND);

		rec_skip(r);
		rows += rec_rows(r);
		rec_close(r, false);
	}
	if (cfg.count) {
		struct stream_out *out = stream_create("-", false);

		stream_printf(out, "%" PRIu64 "\n", rows);
		stream_commit(out);
	}
}

/* Streams are joined when a reader of rows could not tell them apart, and ids mean the same. */
static void require_same(const struct rec_reader *first, const struct rec_reader *other)
{
	const struct rec_header *a = rec_header(first), *b = rec_header(other);

	if (a->kind != b->kind)
		die("'%s' holds %s records and '%s' %s records: not joined", rec_name(first),
			rec_info[a->kind].name, rec_name(other), rec_info[b->kind].name);
	if (a->num_users != b->num_users || a->num_items != b->num_items)
		die("'%s' has %" PRIu32 " users and %" PRIu32 " items and '%s' %" PRIu32
		    " and %" PRIu32 ": not joined",
			rec_name(first), a->num_users, a->num_items, rec_name(other), b->num_users,
			b->num_items);
	if (a->negatives != b->negatives)
		die("a group of '%s' has %" PRIu32 " negatives and of '%s' %" PRIu32 ": not joined",
			rec_name(first), a->negatives, rec_name(other), b->negatives);
	rec_check_families(rec_name(first), a, rec_name(other), b);
}

/* The header of rows from text: what is known are kind and bounds. */
static void make_text_header(struct rec_header *h, const struct source *sources, size_t num)
{
	const uint32_t negatives = import_info(sources[0].text)->list;

	rec_header_init(h, cfg.kind, NULL, NULL);
	h->num_users = cfg.num_users;
	h->num_items = cfg.num_items;
	if (cfg.kind != REC_GROUP)
		return;
	h->negatives = negatives;
	for (size_t k = 1; k < num; k++)
		if (import_info(sources[k].text)->list != negatives)
			die("a group of '%s' has %" PRIu32 " negatives and of '%s' %u: not joined",
				import_name(sources[0].text), negatives,
				import_name(sources[k].text), import_info(sources[k].text)->list);
}

/* The header of the output: that of all sources, this stage last in its provenance. The first N rows
   are of no known number of epochs. */
static void make_header(struct rec_header *h, const struct source *sources, size_t num)
{
	if (sources[0].reader) {
		const struct rec_header **headers = xmalloc(num, sizeof(*headers));

		for (size_t k = 0; k < num; k++)
			headers[k] = rec_header(sources[k].reader);
		rec_header_join(h, headers, num);
		free(headers);
	} else {
		make_text_header(h, sources, num);
	}
	if (cfg.head)
		h->epochs = h->rows_per_epoch = h->first_row = 0;
	js_append(h->provenance, opt_provenance());
}

/* All inputs are opened, and found to go together, before a byte is written. */
static struct source *open_sources(char **files, size_t num)
{
	struct source *sources = xcalloc(num, sizeof(*sources));

	for (size_t k = 0; k < num; k++) {
		if (cfg.from == FROM_COF)
			sources[k].reader = rec_open(files[k], ANY_KIND);
		else
			sources[k].text = import_open(files[k], cfg.kind,
				cfg.from == FROM_CSV ? ',' : '\t', cfg.num_users, cfg.num_items);
		if (k && sources[k].reader)
			require_same(sources[0].reader, sources[k].reader);
	}
	return sources;
}

/* Where the rows go. */
struct sink {
	struct rec_writer *writer; /* NULL: */
	struct export *text;
	struct id_names *users, *items;
	void *rows; /* on their way, up to `capacity` */
	size_t capacity;
};

static void sink_open(struct sink *s, const struct rec_header *h)
{
	const unsigned format = output_format();

	memset(s, 0, sizeof(*s));
	s->capacity = BUFFER_BYTES / rec_row_info(h).struct_size;
	s->rows = xmalloc(s->capacity, rec_row_info(h).struct_size);
	if (format == TO_COF) {
		s->writer = rec_create("-", h);
		return;
	}
	if (cfg.user_ids)
		s->users = id_names_load(
			cfg.user_ids, "user", h->num_users, export_id_names_style(format));
	if (cfg.item_ids)
		s->items = id_names_load(
			cfg.item_ids, "item", h->num_items, export_id_names_style(format));
	s->text = export_create("-", format, h, s->users, s->items);
}

static void sink_close(struct sink *s)
{
	if (s->writer)
		rec_finish(s->writer);
	else
		export_finish(s->text);
	id_names_free(s->users);
	id_names_free(s->items);
	free(s->rows);
}

/* A stream that is copied with its epochs must have the rows they say: the header is written. */
static void check_rows(const struct rec_header *made, const struct rec_reader *in)
{
	const struct rec_header *h = rec_header(in);
	uint64_t rows;

	if (!made->epochs || !rec_header_rows(h, &rows) || rows == rec_rows(in))
		return;
	if (h->first_row)
		die("'%s' holds %" PRIu64 " rows, its header says %" PRIu64 " from row %" PRIu64
		    " of %" PRIu64 " epochs of %" PRIu64,
			rec_name(in), rec_rows(in), rows, h->first_row + 1, h->epochs,
			h->rows_per_epoch);
	die("'%s' holds %" PRIu64 " rows, its header says %" PRIu64 " epochs of %" PRIu64,
		rec_name(in), rec_rows(in), h->epochs, h->rows_per_epoch);
}

/* Copy up to *left rows, and count them off. */
static void copy_rows(struct source *from, struct sink *to, uint64_t *left)
{
	size_t n;

	while (*left &&
		(n = source_rows(from, to->rows, *left < to->capacity ? *left : to->capacity))) {
		if (to->writer)
			rec_write_rows(to->writer, to->rows, n);
		else
			export_rows(to->text, to->rows, n);
		*left -= n;
	}
}

static void copy(char **files, size_t num)
{
	struct source *sources = open_sources(files, num);
	uint64_t left = cfg.head ? cfg.head : UINT64_MAX;
	struct rec_header header;
	struct sink sink;

	make_header(&header, sources, num);
	sink_open(&sink, &header);
	for (size_t k = 0; k < num; k++) {
		copy_rows(&sources[k], &sink, &left);
		if (sink.writer && sources[k].reader)
			check_rows(&header, sources[k].reader);
		source_close(&sources[k]);
	}
	sink_close(&sink);
	rec_header_release(&header);
	free(sources);
}

int main(int argc, char **argv)
{
	char *input[] = { "-", NULL }, **files;
	size_t num = 0;

	for (int k = 0; k < REC_NUM_KINDS; k++)
		kind_names[k] = rec_info[k].name;
	files = opt_parse(argc, argv, &program);
	check_options();
	if (!*files)
		files = input;
	while (files[num])
		num++;
	if (cfg.header)
		print_headers(files);
	else if (cfg.count || cfg.check)
		verify(files);
	else
		copy(files, num);
	return 0;
}
