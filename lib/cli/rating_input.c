#include "cli/rating_input.h"

#include "base/die.h"
#include "base/mem.h"
#include "base/progress.h"
#include "cli/id_options.h"
#include "stream/stream.h"
#include "text/rating_text.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* At a time: lines of the text, so that the caches miss for many of their ids at once; records. */
enum { LINES = 128, ROWS = 1024 };

static struct {
	struct rating_options text;
	unsigned duplicates;
	bool no_final_newline;
	uint64_t expect_rows;
} cfg;

/* clang-format off */
static const struct opt options[] = {
	OPT_CHOICE(0, "format", &cfg.text.format, rating_format_names, "what the input looks like"),
	OPT_CHOICE(0, "header", &cfg.text.header, header_line_names, "is the first line one of names?"),
	OPT_STRING(0, "columns", &cfg.text.columns, "LIST", "user=NAME,item=NAME,...: of the header, numbers or JSON keys; or in order, user,item,-,time"),
	OPT_STRING(0, "delimiter", &cfg.text.delimiter, "C", "between fields: characters, or tab, space, comma, semicolon, bar"),
	OPT_STRING(0, "time-format", &cfg.text.time_format, "F", "how times are written: unix, iso, or as strptime has it, such as %d/%m/%Y"),
	OPT_CHOICE(0, "duplicates", &cfg.duplicates, duplicates_names, "of several ratings of one user and item"),
	OPT_LOCAL_FLAG(0, "no-final-newline", &cfg.no_final_newline, "take a text from a pipe whose last line has no end"),
	OPT_LOCAL_UINT64(0, "expect-rows", &cfg.expect_rows, 1, OPT_UINT64_MAX, "N", "fail unless the input has N ratings"),
	OPT_END,
};
/* clang-format on */

const struct opt *rating_options(void)
{
	return options;
}

uint32_t rating_input_num(const struct rating_input *in)
{
	return in->disk ? disk_ratings_num(in->disk) : in->ratings.num;
}

static inline void add_row(struct rating_input *in, const struct rating *row)
{
	if (in->disk)
		disk_ratings_add(in->disk, row);
	else
		ratings_add(&in->ratings, row);
}

static void add_rows(struct rating_input *in, const struct rating_text *t,
	const struct rating_text_row *rows, size_t n)
{
	for (const struct rating_text_row *row = rows; row < rows + n; row++) {
		struct rating rating = { .rating = row->rating, .time = row->time };
		char *unclear = NULL;

		if (id_options_drops_missing(&row->user, &row->item, &unclear)) {
			if (unclear)
				rating_text_die(t, row, "%s", unclear);
			continue;
		}
		rating.user = id_map_number(&in->users, &row->user);
		rating.item = id_map_number(&in->items, &row->item);
		if (rating.user >= ID_MAP_UNKNOWN || rating.item >= ID_MAP_UNKNOWN) {
			const char *why = id_options_refused(
				&row->user, rating.user, &row->item, rating.item);

			if (why)
				rating_text_die(t, row, "%s", why);
			continue;
		}
		if (rating_input_num(in) == RATINGS_MAX)
			rating_text_die(t, row, "more than %u ratings", RATINGS_MAX);
		add_row(in, &rating);
	}
	in->rows += n;
}

/* "'x': delimiter comma ..., gzip of 2 members", where something was to be found out. */
static char *describe(const struct rating_text *t)
{
	const struct rating_columns *columns = rating_text_columns(t);
	bool fixed = columns->format == FORMAT_ML_100K || columns->format == FORMAT_ML_1M;
	uint64_t members = rating_text_members(t);
	char *shape = rating_columns_describe(columns), *text = NULL;

	if (members > 0)
		text = xasprintf("'%s': %s; gzip of %" PRIu64 " member%s", rating_text_name(t),
			shape, members, members > 1 ? "s" : "");
	else if (!fixed)
		text = xasprintf("'%s': %s", rating_text_name(t), shape);
	free(shape);
	return text;
}

static void finish_text(struct rating_input *in, struct rating_text *t)
{
	if (!cfg.no_final_newline)
		rating_text_check_end(t);
	in->unfinished = rating_text_unfinished(t) && !cfg.no_final_newline;
	in->has_times = rating_text_has(t, COLUMN_TIME);
	in->times_cut = rating_text_times_cut(t);
	in->described = describe(t);
	in->digest = rating_text_digest(t);
	in->ratings.num_users = id_map_size(&in->users);
	in->ratings.num_items = id_map_size(&in->items);
}

static void read_text(struct rating_input *in, struct stream_in *stream, unsigned takes)
{
	static struct rating_text_row rows[LINES];
	struct rating_text *t;
	size_t n;

	cfg.text.empty_ids = id_options_take_empty();
	t = rating_text_open(stream, &cfg.text);
	in->name = xstrdup(rating_text_name(t));
	if (rating_text_columns(t)->format == FORMAT_NEGATIVE)
		in->kind = REC_SAMPLE;
	if (in->kind == REC_SAMPLE && !(takes & TAKES_LISTS))
		die("'%s' holds lists with given negatives: cof-import makes sample records of it",
			in->name);
	progress_start("bytes", rating_text_size(t));
	while ((n = rating_text_read(t, rows, LINES)) > 0) {
		add_rows(in, t, rows, n);
		progress_at(rating_text_offset(t));
	}
	progress_end();
	finish_text(in, t);
	rating_text_close(t);
}

/* Options about a text, or its ids, do not go with records. */
static void check_options(const struct rating_input *in)
{
	const void *const about_text[] = { &cfg.text.format, &cfg.text.header, &cfg.text.columns,
		&cfg.text.delimiter, &cfg.text.time_format, &cfg.no_final_newline };
	const char *const option[] = { "format", "header", "columns", "delimiter", "time-format",
		"no-final-newline" };

	for (unsigned k = 0; k < sizeof(option) / sizeof(*option); k++)
		if (opt_given(about_text[k]))
			die_usage("option --%s: '%s' holds records, no text", option[k], in->name);
	if (id_options_user_ids() || id_options_item_ids() || in->users.num_known ||
		in->items.num_known)
		die_usage("'%s' holds records, whose raw ids are not known: their dense ids stay, "
			  "and options about raw ids do not go with them",
			in->name);
}

static void read_records(struct rating_input *in, struct stream_in *stream)
{
	static struct rating rows[ROWS];
	struct rec_reader *r = rec_open_stream(stream, 1u << REC_RATING);
	size_t n;

	in->name = xstrdup(rec_name(r));
	check_options(in);
	in->from_stream = true;
	rec_check_whole(in->name, rec_header(r), "the rows of all users decide which stay");
	rec_header_init(&in->source, REC_RATING, rec_header(r), NULL);
	in->ratings.num_users = in->source.num_users;
	in->ratings.num_items = in->source.num_items;
	progress_start("ratings", 0);
	while ((n = rec_read_rows(r, rows, ROWS)) > 0) {
		if (RATINGS_MAX - rating_input_num(in) < n)
			die("'%s' holds more than %u ratings", in->name, RATINGS_MAX);
		for (size_t k = 0; k < n; k++) {
			add_row(in, &rows[k]);
			in->has_times |= rows[k].time != 0;
		}
		progress_at(rec_rows(r));
	}
	progress_end();
	in->rows = rating_input_num(in);
	rec_close(r, true);
}

void rating_input_read(struct rating_input *in, const char *path, unsigned takes, uint64_t memory)
{
	struct stream_in *stream;

	*in = (struct rating_input){ .kind = REC_RATING };
	if (memory > 0)
		in->disk = disk_ratings_new(memory);
	id_options_open(&in->users, &in->items);
	stream = stream_open(path);
	if (!rec_is_stream(stream))
		read_text(in, stream, takes);
	else if (takes & TAKES_RECORDS)
		read_records(in, stream);
	else
		die("'%s' holds records already: cof-cat prints them, ml-split splits them",
			stream_name(stream));
	if (cfg.expect_rows && in->rows != cfg.expect_rows)
		die("'%s' holds %" PRIu64 " ratings, --expect-rows says %" PRIu64, in->name,
			in->rows, cfg.expect_rows);
	if (rating_input_num(in) == 0 && in->rows > 0)
		die("'%s' holds no rating of a known user and item (--unknown drop, --missing drop)",
			in->name);
	if (rating_input_num(in) == 0)
		die("'%s' holds no ratings", in->name);
	if (!in->has_times && !in->disk)
		ratings_order_as_times(&in->ratings);
}

/* The raw id, or the dense one of a stream, in a new string. */
static char *name_of(const struct rating_input *in, struct id_map *ids, uint32_t id)
{
	return in->from_stream ? xasprintf("%" PRIu32, id) : xstrdup(raw_ids_get(ids->ids, id));
}

void rating_input_merge(struct rating_input *in)
{
	struct merged merged;

	if (in->kind != REC_RATING)
		return;
	merged = in->disk ? disk_ratings_merge(in->disk, (enum duplicates)cfg.duplicates,
				    in->has_times, in->ratings.num_users, in->ratings.num_items)
			  : ratings_merge(&in->ratings, (enum duplicates)cfg.duplicates);
	if (merged.first != merged.second)
		die("'%s': user '%s' has item '%s' in ratings %" PRIu32 " and %" PRIu32 ": %s",
			in->name, name_of(in, &in->users, merged.user),
			name_of(in, &in->items, merged.item), merged.first + 1, merged.second + 1,
			cfg.duplicates == DUPLICATES_SUM ? "their sum is no finite float"
							 : "--duplicates error");
	in->merged = merged.dropped;
}

/* Settle the dense ids of a map, where each number has so many rows; returns that of each number. */
static uint32_t *settle(struct id_map *ids, uint32_t *count)
{
	id_map_settle(ids, count);
	free(count);
	return id_map_dense(ids);
}

void rating_input_number(struct rating_input *in)
{
	struct ratings *r = &in->ratings;
	struct disk_ratings *d = in->disk;
	uint32_t *users, *items;

	if (in->from_stream)
		return;
	users = settle(&in->users, d ? disk_ratings_count_users(d) : ratings_count_users(r));
	items = settle(&in->items, d ? disk_ratings_count_items(d) : ratings_count_items(r));
	if (d) {
		disk_ratings_number_users(d, users, in->users.num);
		disk_ratings_number_items(d, items, in->items.num);
	}
	ratings_number_users(r, users, in->users.num);
	ratings_number_items(r, items, in->items.num);
	free(users);
	free(items);
}

uint64_t *rating_input_hashes(const struct rating_input *in, struct id_map *ids, uint32_t num)
{
	uint64_t *hash = xmalloc(num, sizeof(*hash));
	char digits[16];

	for (uint32_t k = 0; k < num; k++) {
		const char *raw = digits;

		if (in->from_stream)
			snprintf(digits, sizeof(digits), "%" PRIu32, k);
		else
			raw = id_map_raw(ids, k);
		hash[k] = raw_id_hash(raw, strlen(raw));
	}
	return hash;
}

/* The fingerprints of the id files that a run continues. */
static void put_known(struct js *entry, const char *option, const struct id_map *m)
{
	struct js *ids;

	if (!m->num_known)
		return;
	ids = js_object();
	js_put(ids, "ids", id_family_json(&m->known));
	rec_put_side(entry, option, ids);
	js_free(ids);
}

struct js *rating_input_entry(struct rating_input *in)
{
	struct js *entry = opt_provenance();

	if (in->digest)
		js_put(entry, "input", in->digest);
	in->digest = NULL;
	put_known(entry, "known-users", &in->users);
	put_known(entry, "known-items", &in->items);
	return entry;
}

void rating_input_header(struct rating_input *in, struct rec_header *h, struct js *entry)
{
	rec_header_init(h, in->kind, in->from_stream ? &in->source : NULL, entry);
	if (in->from_stream)
		return;
	h->num_users = in->users.num;
	h->num_items = in->items.num;
	id_map_family(&in->users, &h->user_ids);
	id_map_family(&in->items, &h->item_ids);
}

void rating_input_report(const struct rating_input *in)
{
	static const char *const what[] = {
		[DUPLICATES_LATEST] = "ratings dropped for a later one of the same user and item",
		[DUPLICATES_FIRST] = "ratings dropped for one before of the same user and item",
		[DUPLICATES_SUM] = "ratings added to another of the same user and item",
		[DUPLICATES_MAX] = "ratings merged with another of the same user and item",
		[DUPLICATES_ERROR] = "",
	};

	if (in->unfinished)
		warn("'%s' has no line end after its last line: is it whole?", in->name);
	if (in->described)
		note("%s", in->described);
	if (in->times_cut > 0)
		note("times whose fraction of a second was cut: %" PRIu64, in->times_cut);
	if (in->merged > 0)
		note("%s: %u", what[cfg.duplicates], in->merged);
	if (!in->from_stream)
		id_options_report(&in->users, &in->items);
}

void rating_input_release(struct rating_input *in)
{
	ratings_release(&in->ratings);
	disk_ratings_free(in->disk);
	if (in->from_stream)
		rec_header_release(&in->source);
	id_map_release(&in->users);
	id_map_release(&in->items);
	free(in->name);
	free(in->described);
}
