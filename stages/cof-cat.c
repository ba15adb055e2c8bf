/*
 * cof-cat: print, count, check, join, divide and make record streams.
 * Reads any kind, or text; memory does not grow with input (--to npy and --epochs hold all rows).
 *   cof-cat test.cof | head
 */
#include "base/die.h"
#include "base/mem.h"
#include "cli/opt.h"
#include "cli/replay_run.h"
#include "cli/shard.h"
#include "cli/stream_info.h"
#include "stream/id_family.h"
#include "stream/record.h"
#include "stream/stream.h"
#include "text/export.h"
#include "text/import.h"
#include "text/import_header.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BUFFER_BYTES = 2 * REC_BLOCK_BYTES, ANY_KIND = (1u << REC_NUM_KINDS) - 1 };
enum { FROM_COF, FROM_TSV, FROM_CSV, FROM_TREC };

static const char *const from_names[] = { "cof", "tsv", "csv", "trec", NULL };
static const char *const to_names[] = { "tsv", "csv", "jsonl", "npy", "cof", "trec", NULL };
static const enum import_format from_formats[] = {
	[FROM_TSV] = IMPORT_TSV, [FROM_CSV] = IMPORT_CSV, [FROM_TREC] = IMPORT_TREC
};
static const char *kind_names[REC_NUM_KINDS + 1]; /* of rec_info */

static struct {
	unsigned to, from, kind;
	const char *like, *shard;
	uint32_t num_users, num_items;
	uint64_t epochs, head;
	bool count, header, check, replay, names, as_whole;
	struct opt_paths input;
	const char *user_ids, *item_ids;
} cfg = { .to = EXPORT_TSV, .from = FROM_COF, .kind = REC_INTERACTION };

static struct shard shard; /* --shard */

/* `provenance` gets --from, --head and --shard; the rest is in the header itself. */
/* clang-format off */
static const struct opt options[] = {
	OPT_LOCAL_CHOICE(0, "to", &cfg.to, to_names, "write this (with --from text: cof)"),
	OPT_CHOICE(0, "from", &cfg.from, from_names, "read this"),
	OPT_LOCAL_CHOICE(0, "kind", &cfg.kind, kind_names, "with --from text: what a line is"),
	OPT_PATH(0, "like", &cfg.like, "STREAM", "with --from text: bounds, id maps, epochs, provenance are those of STREAM"),
	OPT_LOCAL_UINT(0, "users", &cfg.num_users, 1, UINT32_MAX, "N", "with --from text: user ids are below N"),
	OPT_LOCAL_UINT(0, "items", &cfg.num_items, 1, UINT32_MAX, "N", "with --from text: item ids are below N"),
	OPT_LOCAL_UINT64(0, "epochs", &cfg.epochs, 1, OPT_UINT64_MAX, "N", "with --from text: the rows are N epochs of equal length"),
	OPT_PATH(0, "item-ids", &cfg.item_ids, "FILE", "items are raw ids in the text, by this id file"),
	OPT_PATH(0, "user-ids", &cfg.user_ids, "FILE", "users are raw ids in the text, by this id file"),
	OPT_LOCAL_FLAG(0, "names", &cfg.names, "they are names, the third column of these files, where there is one"),
	OPT_UINT64('n', "head", &cfg.head, 0, 1000000000000000000, "N", "stop after N rows; 0: never"),
	OPT_STRING(0, "shard", &cfg.shard, "I/N", "only the I-th of N ranges of users, I from 1"),
	OPT_LOCAL_FLAG(0, "as-whole", &cfg.as_whole, "the rows are all there is: say no more that they are a shard"),
	OPT_FLAG('c', "count", &cfg.count, "print the number of rows, once all are verified"),
	OPT_FLAG('H', "header", &cfg.header, "print what the stream says of itself, as JSON"),
	OPT_FLAG('C', "check", &cfg.check, "print nothing; the exit status says whether all is whole"),
	OPT_FLAG(0, "replay", &cfg.replay, "print the commands that made a stream or model"),
	OPT_PATHS(0, "input", &cfg.input, "FILE", "with --replay: run them on this text, and compare"),
	OPT_LOCAL_FLAG(0, "ids-unchecked", &ids_unchecked, "take files of different id maps together; the header then has what all share"),
	OPT_END,
};
/* clang-format on */

static const struct opt_program program = {
	.name = "cof-cat",
	.operands = "[FILE]...",
	.max_operands = -1,
	.summary = "Print, count, check, join, divide and make record streams.",
	.reads = "records of any kind, or text",
	.writes = "text, a NumPy array, or records",
	.examples = { "cof-cat test.cof | head",
		"cof-cat --to csv --user-ids users.tsv --item-ids titles.tsv --names \\\n"
		"    train.cof | head",
		"# a filter of your own, with the bounds and ids of what it filters\n"
		"cof-cat train.cof | awk '$1 < 100' |\n"
		"    cof-cat --from tsv --like train.cof >some.cof" },
	.tables = { options },
};

/* What to write: where --to does not say it, what was not read. */
static unsigned output_format(void)
{
	return cfg.from != FROM_COF && !opt_given(&cfg.to) ? (unsigned)EXPORT_COF : cfg.to;
}

static bool is_trec(enum rec_kind kind)
{
	return kind == REC_TOP || kind == REC_INTERACTION;
}

static void check_text_options(void)
{
	if (cfg.like && (cfg.num_users || cfg.num_items))
		die_usage("--like says the bounds: it goes with neither --users nor --items");
	if (!cfg.like && !((cfg.num_users || cfg.user_ids) && (cfg.num_items || cfg.item_ids)))
		die_usage(
			"--from %s needs --like, or --users or --user-ids, and --items or --item-ids",
			from_names[cfg.from]);
	if (cfg.from == FROM_TREC && !is_trec((enum rec_kind)cfg.kind))
		die_usage("--from trec reads a run as --kind top, or qrels as --kind interaction");
	if (cfg.epochs && (!import_is_training((enum rec_kind)cfg.kind) || cfg.head || cfg.shard))
		die_usage(
			"--epochs goes with --kind triple, sample or group, not with --head or --shard");
}

static void check_options(void)
{
	const bool text = cfg.from != FROM_COF, ids = cfg.user_ids || cfg.item_ids;
	const bool prints =
		opt_given(&cfg.to) || opt_given(&cfg.head) || ids || cfg.shard || cfg.as_whole;

	if (cfg.count + cfg.header + cfg.check + cfg.replay > 1)
		die_usage("one of --count, --header, --check and --replay at a time");
	if ((cfg.count || cfg.header || cfg.check || cfg.replay) && (prints || text))
		die_usage("--count, --header, --check and --replay go with no other option");
	if (cfg.input.num && !cfg.replay)
		die_usage("--input goes with --replay");
	if (text)
		check_text_options();
	else if (opt_given(&cfg.kind) || cfg.like || cfg.epochs || cfg.num_users || cfg.num_items)
		die_usage(
			"--kind, --like, --users, --items and --epochs go with --from tsv, csv or trec");
	if (ids && !text && (output_format() == EXPORT_COF || output_format() == EXPORT_NPY))
		die_usage("--user-ids and --item-ids go with --to tsv, csv, jsonl or trec, or with "
			  "--from tsv, csv or trec");
	if (cfg.as_whole && (text || output_format() != EXPORT_COF))
		die_usage("--as-whole goes with --to cof, of records");
	if (cfg.names && !ids)
		die_usage("--names goes with --user-ids or --item-ids");
	shard_parse(&shard, cfg.shard);
}

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

/* All inputs are opened, and found to go together, before a byte is written. */
static struct source *open_sources(char **files, size_t num)
{
	struct source *sources = xcalloc(num, sizeof(*sources));

	for (size_t k = 0; k < num; k++) {
		if (cfg.from == FROM_COF)
			sources[k].reader = rec_open(files[k], ANY_KIND);
		else
			sources[k].text = import_open(
				files[k], (enum rec_kind)cfg.kind, from_formats[cfg.from]);
		if (k && sources[k].reader)
			rec_check_joined(sources[0].reader, sources[k].reader);
	}
	return sources;
}

/* The number of negatives in the groups of all texts. */
static uint32_t text_negatives(const struct source *sources, size_t num)
{
	const uint32_t negatives = import_info(sources[0].text)->list;

	for (size_t k = 1; k < num; k++)
		if (import_info(sources[k].text)->list != negatives)
			die("a group of '%s' has %" PRIu32 " negatives and of '%s' %u: not joined",
				import_name(sources[0].text), negatives,
				import_name(sources[k].text), import_info(sources[k].text)->list);
	return negatives;
}

static void text_header(
	struct rec_header *h, struct import_ids *ids, struct source *sources, size_t num)
{
	const struct import_header_source from = { (enum rec_kind)cfg.kind, cfg.like, cfg.num_users,
		cfg.num_items, cfg.user_ids, cfg.item_ids, cfg.names };

	import_header(h, ids, &from);
	if (h->kind == REC_GROUP)
		h->negatives = text_negatives(sources, num);
	for (size_t k = 0; k < num; k++)
		import_set_ids(sources[k].text, ids);
}

/* True: they are the shards of one stream, and h is its header. */
static bool stream_header(struct rec_header *h, const struct source *sources, size_t num)
{
	const struct rec_header **headers = xmalloc(num, sizeof(*headers));
	bool whole;

	for (size_t k = 0; k < num; k++)
		headers[k] = rec_header(sources[k].reader);
	whole = rec_header_join(h, headers, num);
	free(headers);
	return whole;
}

/* A copy on its way from all sources to the sink. */
struct copy {
	struct source *sources;
	size_t num;
	struct rec_header header; /* of the output */
	struct import_ids ids;
	size_t row_size; /* in memory */
	uint64_t left;	 /* of --head */
	uint64_t rows;
};

/* The next rows of a source, up to `max`; 0 at the end. */
static size_t next_rows(struct copy *c, struct source *from, void *rows, size_t max)
{
	size_t n = 0;

	max = c->left < max ? (size_t)c->left : max;
	while (max && n == 0) {
		n = source_rows(from, rows, max);
		if (n == 0)
			break;
		n = shard_select(&shard, rows, n, c->row_size);
	}
	c->left -= n;
	c->rows += n;
	return n;
}

static struct export *create_output(const struct copy *c)
{
	const struct export_ids ids = { cfg.user_ids, cfg.item_ids, cfg.names };
	const enum export_format format = (enum export_format)output_format();

	if (format == EXPORT_TREC && !is_trec(c->header.kind))
		die("--to trec writes top records as a run, and interaction records as qrels; these "
		    "are %s records",
			rec_info[c->header.kind].name);
	return export_create("-", format, &c->header, format == EXPORT_NPY ? NULL : &ids);
}

static void copy_rows(struct copy *c)
{
	const size_t capacity = BUFFER_BYTES / c->row_size;
	const bool records = output_format() == EXPORT_COF;
	void *rows = xmalloc(capacity, c->row_size);
	struct export *out = create_output(c);
	uint64_t said;
	size_t n;

	for (size_t k = 0; k < c->num; k++) {
		struct rec_reader *in = c->sources[k].reader;

		while ((n = next_rows(c, &c->sources[k], rows, capacity)) > 0)
			export_rows(out, rows, n);
		if (in && records && c->header.epochs)
			rec_check_epochs(rec_name(in), rec_rows(in), rec_header(in));
	}
	if (cfg.like && records && rec_header_rows(&c->header, &said) && said != c->rows)
		die("the text has %" PRIu64 " rows, and '%s' %" PRIu64
		    " by its epochs (--epochs to say them)",
			c->rows, cfg.like, said);
	export_finish(out);
	free(rows);
}

/* --epochs: the header has the number of rows, so that all are read before it is written. */
static void copy_epochs(struct copy *c)
{
	size_t capacity = 0, num = 0, n = 0;
	struct export *out;
	char *rows = NULL;

	for (size_t k = 0; k < c->num; k++)
		do {
			rows = xgrow(
				rows, &capacity, num + BUFFER_BYTES / c->row_size, c->row_size);
			n = next_rows(c, &c->sources[k], rows + num * c->row_size, capacity - num);
			num += n;
		} while (n > 0);
	if (num == 0 || num % cfg.epochs != 0)
		die("the text has %zu rows: not %" PRIu64 " epochs of equal length", num,
			cfg.epochs);
	c->header.epochs = cfg.epochs;
	c->header.rows_per_epoch = num / cfg.epochs;
	c->header.first_row = 0;
	out = create_output(c);
	export_rows(out, rows, num);
	export_finish(out);
	free(rows);
}

/* What the header of the output does not say otherwise: of text what its lines are, of several streams
   that are no whole what each was made from, where that is not longer than a provenance may be. */
static struct js *make_entry(const struct copy *c, bool whole)
{
	struct js *entry = opt_provenance();
	size_t entries = 0;

	if (!c->sources[0].reader) {
		js_put(entry, "kind", js_string(kind_names[cfg.kind]));
		js_put(entry, "users", js_int(c->header.num_users));
		js_put(entry, "items", js_int(c->header.num_items));
		if (cfg.epochs)
			js_put(entry, "epochs", js_int((int64_t)cfg.epochs));
		return entry;
	}
	if (cfg.as_whole)
		js_put(entry, "as_whole", js_bool(true));
	for (size_t k = 0; k < c->num; k++)
		entries += js_length(rec_header(c->sources[k].reader)->provenance);
	for (size_t k = 0; k < c->num && c->num > 1 && !whole && entries <= REC_MAX_PROVENANCE; k++)
		rec_put_side(entry, "FILE", rec_header(c->sources[k].reader)->provenance);
	return entry;
}

static void copy(char **files, size_t num)
{
	struct copy c = { .sources = open_sources(files, num), .num = num };
	bool whole = false;

	if (c.sources[0].reader)
		whole = stream_header(&c.header, c.sources, num);
	else
		text_header(&c.header, &c.ids, c.sources, num);
	if (cfg.head || shard.of) /* rows of no known number of epochs */
		c.header.epochs = c.header.rows_per_epoch = c.header.first_row = 0;
	if (!whole || cfg.head || shard.of)
		js_append(c.header.provenance, make_entry(&c, whole));
	c.row_size = rec_row_info(&c.header).struct_size;
	c.left = cfg.head ? cfg.head : UINT64_MAX;
	shard_set_users(&shard, c.header.num_users);
	shard_set_ranges(&shard, &c.header.user_ranges, c.header.num_users);
	if (cfg.as_whole)
		user_ranges_release(&c.header.user_ranges);
	if (cfg.epochs)
		copy_epochs(&c);
	else
		copy_rows(&c);
	for (size_t k = 0; k < num; k++)
		source_close(&c.sources[k]);
	id_lookup_free(c.ids.users);
	id_lookup_free(c.ids.items);
	rec_header_release(&c.header);
	free(c.sources);
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
	if (cfg.replay && num > 1)
		die_usage("--replay takes one file at a time");
	if (cfg.replay && cfg.input.num)
		replay_compare(files[0], &cfg.input);
	else if (cfg.replay)
		replay_print(files[0]);
	else if (cfg.header)
		stream_info_headers(files);
	else if (cfg.count || cfg.check)
		stream_info_verify(files, cfg.count);
	else
		copy(files, num);
	return 0;
}
