/*
 * ml-split: clean a rating text, number its users and items, and split it into train, test, valid.
 * Reads text, writes rating records: train to standard output, the rest to files completed before.
 * Holds 24 bytes a rating and the id tables.
 *   ml-split --test test.cof u.data | binarize >train.cof
 */
#include "base/die.h"
#include "base/mem.h"
#include "base/progress.h"
#include "cli/id_options.h"
#include "cli/opt.h"
#include "data/ratings.h"
#include "data/split.h"
#include "stream/record.h"
#include "stream/split_id.h"
#include "stream/stream.h"
#include "text/rating_text.h"
#include "text/raw_ids.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* At a time: lines of the text, so that the caches miss for
   many of their ids at once; rows to a writer. */
enum { LINES = 128, ROWS = 1024 };

static struct {
	const char *test, *valid;
	unsigned mode, format;
	const char *delimiter, *columns;
	double test_ratio;
	uint32_t min_user, min_item;
	uint64_t seed;
} cfg = { .test_ratio = 0.1, .seed = 1 };

/* clang-format off */
static const struct opt options[] = {
	OPT_OUTPUT(0, "test", &cfg.test, "FILE", "write the test ratings here (required)"),
	OPT_OUTPUT(0, "valid", &cfg.valid, "FILE", "hold out as many again and write them here"),
	OPT_CHOICE(0, "mode", &cfg.mode, split_mode_names, "what to hold out"),
	OPT_REAL(0, "test-ratio", &cfg.test_ratio, 0, 1, "R", "share of random and global-time, below 1, with --valid below 0.5"),
	OPT_UINT(0, "min-user", &cfg.min_user, 0, UINT32_MAX, "N", "drop users with fewer ratings, repeated with --min-item"),
	OPT_UINT(0, "min-item", &cfg.min_item, 0, UINT32_MAX, "N", "drop items with fewer ratings, repeated with --min-user"),
	OPT_CHOICE(0, "format", &cfg.format, rating_format_names, "what the input looks like"),
	OPT_STRING(0, "delimiter", &cfg.delimiter, "C", "between fields: characters, or tab, space, comma, semicolon, bar"),
	OPT_STRING(0, "columns", &cfg.columns, "LIST", "columns in order: user, item, rating, time, - (skip)"),
	OPT_UINT64('s', "seed", &cfg.seed, 0, OPT_UINT64_MAX, "S", "of --mode random"),
	OPT_END,
};
/* clang-format on */

static struct opt_program program = {
	.name = "ml-split",
	.operands = "[INPUT]",
	.max_operands = 1,
	.summary = "Read ratings from a text and split them into train and test.",
	.reads = "text, one rating a line; may be gzip",
	.writes = "rating records: train to standard output, test and valid to files",
	.example = "ml-split --test test.cof --item-ids items.tsv u.data | binarize >train.cof",
	.tables = { options },
};

/* What there is to say of a run that succeeds; said at the end, so that an error is one line. */
static struct {
	char *columns; /* "'x': delimiter ...", NULL: not guessed */
	uint32_t repeats, below_core;
} seen;

/* A part file: one that is complete before the first byte on standard output. */
struct part_file {
	const char *path; /* NULL: not asked for */
	enum split_part part;
	struct id_map *ids; /* NULL: rows of `part` */
	struct stream_out *out;
};

static void check_usage(void)
{
	if (!cfg.test)
		die_usage("option --test is missing: a file for what is held out");
	if (cfg.mode == SPLIT_LEAVE_ONE_OUT && opt_given(&cfg.test_ratio))
		die_usage("option --test-ratio does not go with --mode leave-one-out");
	if (cfg.test_ratio <= 0 || cfg.test_ratio >= (cfg.valid ? 0.5 : 1))
		die_usage("option --test-ratio: %g leaves nothing for one of the parts",
			cfg.test_ratio);
	stream_check_stdout();
}

static void add_rows(struct ratings *r, struct id_map *users, struct id_map *items,
	const struct rating_text *t, const struct rating_text_row *rows, size_t n)
{
	for (const struct rating_text_row *row = rows; row < rows + n; row++) {
		struct rating rating = { id_map_number(users, &row->user),
			id_map_number(items, &row->item), row->rating, row->time };

		if (rating.user >= ID_MAP_UNKNOWN || rating.item >= ID_MAP_UNKNOWN) {
			const char *why = id_options_refused(
				&row->user, rating.user, &row->item, rating.item);

			if (why)
				rating_text_die(t, row, "%s", why);
			continue;
		}
		if (r->num == RATINGS_MAX)
			rating_text_die(t, row, "more than %u ratings", RATINGS_MAX);
		ratings_add(r, &rating);
	}
}

/* Returns size and hash of the text, for `provenance`. */
static struct js *read_ratings(
	const char *path, struct ratings *r, struct id_map *users, struct id_map *items)
{
	static struct rating_text_row rows[LINES];
	struct rating_columns columns;
	struct rating_text *t;
	struct js *digest;
	size_t n;

	rating_columns_init(&columns, (enum rating_format)cfg.format, cfg.delimiter, cfg.columns);
	t = rating_text_open(path, &columns);
	progress_start("bytes", rating_text_size(t));
	while ((n = rating_text_read(t, rows, LINES)) > 0) {
		add_rows(r, users, items, t, rows, n);
		progress_at(rating_text_offset(t));
	}
	progress_end();
	if (r->num == 0)
		die("'%s' holds no ratings", rating_text_name(t));
	r->num_users = id_map_size(users);
	r->num_items = id_map_size(items);
	if (cfg.format == FORMAT_AUTO)
		seen.columns = rating_columns_describe(rating_text_columns(t), rating_text_name(t));
	digest = rating_text_digest(t);
	rating_text_close(t);
	return digest;
}

static void clean_ratings(struct ratings *r)
{
	seen.repeats = ratings_drop_repeats(r);
	if (cfg.min_user <= 1 && cfg.min_item <= 1)
		return;
	seen.below_core = ratings_core(r, cfg.min_user, cfg.min_item);
	if (r->num == 0)
		die("no rating is left after --min-user %u --min-item %u", cfg.min_user,
			cfg.min_item);
}

/* Settle the dense ids, and let the rows have them. */
static void number_ratings(struct ratings *r, struct id_map *users, struct id_map *items)
{
	uint32_t *count = ratings_count_users(r), *dense;

	id_map_settle(users, count);
	dense = id_map_dense(users);
	ratings_number_users(r, dense, users->num);
	free(count);
	free(dense);
	count = ratings_count_items(r);
	id_map_settle(items, count);
	dense = id_map_dense(items);
	ratings_number_items(r, dense, items->num);
	free(count);
	free(dense);
}

/* What a row's draw in random mode is keyed by. */
static uint64_t *hash_raw_ids(struct id_map *ids)
{
	uint64_t *hash = xmalloc(ids->num, sizeof(*hash));

	for (uint32_t k = 0; k < ids->num; k++) {
		const char *raw = id_map_raw(ids, k);

		hash[k] = raw_id_hash(raw, strlen(raw));
	}
	return hash;
}

static void write_part(struct part_file *file, const struct rec_header *header,
	const struct split *split, const struct ratings *r)
{
	uint32_t *order = split_select(split, file->part),
		 n = split_counts(split)->rows[file->part];
	struct rec_writer *records = rec_create_on(file->out, header);

	for (uint32_t k = 0; k < n; k++) {
		struct rating row = ratings_row(r, order[k]);

		rec_write(records, &row);
	}
	rec_finish(records);
	free(order);
}

static void write_part_file(struct part_file *file, const struct rec_header *header,
	const struct split *split, const struct ratings *r)
{
	if (file->ids)
		id_map_write(file->ids, file->out);
	else
		write_part(file, header, split, r);
}

static bool is_pipe(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISFIFO(st.st_mode);
}

static void open_part_file(struct part_file *file)
{
	file->out = stream_create(file->path, !file->ids);
}

/* Before anything is read, but for pipes: their readers may open one after the other. */
static void open_part_files(struct part_file *files, unsigned num)
{
	for (unsigned k = 0; k < num; k++)
		if (files[k].path && !is_pipe(files[k].path))
			open_part_file(&files[k]);
}

/* Files are all written before the first is completed, so that one that fails leaves the others
   as they were; a pipe is completed in its turn, since its reader may read one after the other. */
static void write_part_files(struct part_file *files, unsigned num, const struct rec_header *header,
	const struct split *split, const struct ratings *r)
{
	for (unsigned k = 0; k < num; k++)
		if (files[k].out) {
			write_part_file(&files[k], header, split, r);
			stream_settle(files[k].out);
		}
	for (unsigned k = 0; k < num; k++) {
		if (!files[k].path)
			continue;
		if (!files[k].out) {
			open_part_file(&files[k]);
			write_part_file(&files[k], header, split, r);
		}
		stream_commit(files[k].out);
	}
}

static void write_train(
	const struct rec_header *header, const struct split *split, const struct ratings *r)
{
	static struct rating rows[ROWS];
	struct rec_writer *train = rec_create("-", header);
	size_t n = 0;

	for (uint32_t k = 0; k < r->num; k++) {
		if (split_part(split, k) != PART_TRAIN)
			continue;
		rows[n++] = ratings_row(r, k);
		if (n == ROWS) {
			rec_write_rows(train, rows, n);
			n = 0;
		}
	}
	rec_write_rows(train, rows, n);
	rec_finish(train);
}

static void report(const struct ratings *r, const struct split *split, const struct id_map *users,
	const struct id_map *items)
{
	const struct split_counts *c = split_counts(split);

	if (seen.columns)
		note("%s", seen.columns);
	if (seen.repeats > 0)
		note("ratings dropped for a later one of the same user and item: %u", seen.repeats);
	if (seen.below_core > 0)
		note("ratings dropped by --min-user %u --min-item %u: %u", cfg.min_user,
			cfg.min_item, seen.below_core);
	id_options_report(users, items);
	note("%u users, %u items; ratings: train %u, test %u, valid %u (%s, seed %llu)",
		r->num_users, r->num_items, c->rows[PART_TRAIN], c->rows[PART_TEST],
		c->rows[PART_VALID], split_mode_names[cfg.mode], (unsigned long long)cfg.seed);
	if (c->short_users > 0)
		note("users with fewer than %d ratings, left in train: %u", cfg.valid ? 3 : 2,
			c->short_users);
	if (c->untrained_users > 0)
		note("users without a rating in train: %u", c->untrained_users);
}

static void make_header(
	struct rec_header *h, struct id_map *users, struct id_map *items, struct js *input_digest)
{
	struct js *entry = opt_provenance();

	js_put(entry, "input", input_digest);
	split_id_put(entry, NULL);
	rec_header_init(h, REC_RATING, NULL, entry);
	h->num_users = users->num;
	h->num_items = items->num;
	id_map_family(users, &h->user_ids);
	id_map_family(items, &h->item_ids);
}

/* Split the cleaned ratings and write everything. */
static void write_all(struct ratings *r, struct id_map *users, struct id_map *items,
	struct js *input_digest, struct part_file *files, unsigned num)
{
	bool random = cfg.mode == SPLIT_RANDOM;
	uint64_t *user_hash = random ? hash_raw_ids(users) : NULL,
		 *item_hash = random ? hash_raw_ids(items) : NULL;
	struct split_config config = { (enum split_mode)cfg.mode, cfg.valid != NULL, cfg.test_ratio,
		cfg.seed, user_hash, item_hash };
	struct split *split = split_new(r, &config);
	struct rec_header header;

	make_header(&header, users, items, input_digest);
	write_part_files(files, num, &header, split, r);
	write_train(&header, split, r);
	report(r, split, users, items);
	rec_header_release(&header);
	split_free(split);
	free(user_hash);
	free(item_hash);
}

int main(int argc, char **argv)
{
	struct ratings ratings = { 0 };
	struct id_map users, items;
	struct part_file files[] = { { .part = PART_TEST }, { .part = PART_VALID },
		{ .ids = &users }, { .ids = &items } };
	const unsigned num_files = sizeof(files) / sizeof(*files);
	struct js *input_digest;
	char **operands;

	program.tables[1] = id_options();
	operands = opt_parse(argc, argv, &program);
	check_usage();
	files[0].path = cfg.test;
	files[1].path = cfg.valid;
	files[2].path = id_options_user_ids();
	files[3].path = id_options_item_ids();
	id_options_open(&users, &items);
	open_part_files(files, num_files);
	input_digest = read_ratings(operands[0], &ratings, &users, &items);
	clean_ratings(&ratings);
	number_ratings(&ratings, &users, &items);
	write_all(&ratings, &users, &items, input_digest, files, num_files);
	ratings_release(&ratings);
	id_map_release(&users);
	id_map_release(&items);
	free(seen.columns);
	return 0;
}
