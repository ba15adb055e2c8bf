/*
 * ml-split: clean ratings, number their users and items, and split them into train, test, valid.
 * Reads text or rating records, writes rating records: train to standard output, the rest to files
 * completed before. Holds 24 bytes a rating and the id tables; with --memory the ratings are sorted
 * on the disk.
 *   ml-split --test test.cof u.data | binarize >train.cof
 */
#include "base/die.h"
#include "base/number.h"
#include "base/progress.h"
#include "cli/id_options.h"
#include "cli/opt.h"
#include "cli/part_files.h"
#include "cli/rating_input.h"
#include "data/disk_split.h"
#include "data/ratings.h"
#include "data/split.h"
#include "stream/record.h"
#include "stream/split_id.h"
#include "stream/stream.h"

#include <stdlib.h>

/* Rows to a writer at a time. */
enum { ROWS = 1024 };

static struct {
	const char *test, *valid;
	unsigned mode;
	double test_ratio;
	uint32_t min_user, min_item;
	uint64_t seed;
	const char *memory;
} cfg = { .test_ratio = 0.1, .seed = 1 };

/* clang-format off */
static const struct opt options[] = {
	OPT_OUTPUT(0, "test", &cfg.test, "FILE", "write the test ratings here (required)"),
	OPT_OUTPUT(0, "valid", &cfg.valid, "FILE", "hold out as many again and write them here"),
	OPT_CHOICE(0, "mode", &cfg.mode, split_mode_names, "what to hold out"),
	OPT_REAL(0, "test-ratio", &cfg.test_ratio, 0, 1, "R", "share of random and global-time, below 1, with --valid below 0.5"),
	OPT_UINT(0, "min-user", &cfg.min_user, 0, UINT32_MAX, "N", "drop users with fewer ratings, repeated with --min-item"),
	OPT_UINT(0, "min-item", &cfg.min_item, 0, UINT32_MAX, "N", "drop items with fewer ratings, repeated with --min-user"),
	OPT_UINT64('s', "seed", &cfg.seed, 0, OPT_UINT64_MAX, "S", "of --mode random"),
	OPT_LOCAL_STRING(0, "memory", &cfg.memory, "SIZE", "sort ratings on the disk ($TMPDIR) and hold at most 64M, 1G, ... of them"),
	OPT_END,
};
/* clang-format on */

static struct opt_program program = {
	.name = "ml-split",
	.operands = "[INPUT]",
	.max_operands = 1,
	.summary = "Split ratings into train and test.",
	.reads = RATING_INPUT_READS,
	.writes = "rating records: train to standard output, test and valid to files",
	.examples = { "ml-split --test test.cof --item-ids items.tsv u.data | binarize >train.cof",
		"# the last tenth is for the test, the tenth before it for choices\n"
		"ml-split --mode global-time --test-ratio 0.1 --test test.cof \\\n"
		"    --valid valid.cof ratings.csv >train-ratings.cof",
		"ml-split --min-user 5 --min-item 5 --test test.cof ratings.cof | binarize |\n"
		"    cof-cat --count" },
	.tables = { options },
};

/* The part files, in the order in which pipes are written. */
enum { FILE_TEST, FILE_VALID, FILE_USER_IDS, FILE_ITEM_IDS, NUM_FILES };

/* What is written: a split in memory, or on the disk. */
struct job {
	struct rating_input *in;
	struct rec_header header[NUM_PARTS];
	struct split *split;
	struct disk_split *disk;
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

/* --memory in bytes, 0: everything in memory. The rows' share is three quarters: ids, buffers and
   the tables of a split need some, too. */
static uint64_t memory_of_rows(void)
{
	uint64_t bytes = 0;

	if (cfg.memory && !number_parse_size(cfg.memory, &bytes))
		die_usage("option --memory: '%s' is no size such as 64M or 1G", cfg.memory);
	return bytes - bytes / 4;
}

/* Returns how many rows were dropped. */
static uint32_t take_core(struct rating_input *in)
{
	uint32_t dropped = 0;

	if (cfg.min_user > 1 || cfg.min_item > 1)
		dropped = in->disk ? disk_ratings_core(in->disk, cfg.min_user, cfg.min_item)
				   : ratings_core(&in->ratings, cfg.min_user, cfg.min_item);
	if (rating_input_num(in) == 0)
		die("no rating is left after --min-user %u --min-item %u", cfg.min_user,
			cfg.min_item);
	return dropped;
}

static const struct split_counts *counts(const struct job *job)
{
	return job->disk ? disk_split_counts(job->disk) : split_counts(job->split);
}

/* Rows of a split on the disk. */
static void write_from_disk(struct rec_writer *records, enum split_part part, const struct job *job)
{
	static struct rating rows[ROWS];
	uint64_t written = 0;
	size_t n = 0;

	progress_start("ratings written", counts(job)->rows[part]);
	while (disk_split_next(job->disk, part, &rows[n]))
		if (++n == ROWS) {
			rec_write_rows(records, rows, n);
			progress_at(written += n);
			n = 0;
		}
	rec_write_rows(records, rows, n);
	progress_end();
	rec_finish(records);
}

static void write_part(struct stream_out *out, enum split_part part, const struct job *job)
{
	struct rec_writer *records = rec_create_on(out, &job->header[part]);
	uint32_t *order, n = counts(job)->rows[part];

	if (job->disk) {
		write_from_disk(records, part, job);
		return;
	}
	order = split_select(job->split, part);
	for (uint32_t k = 0; k < n; k++) {
		struct rating row = rating_input_row(job->in, order[k]);

		rec_write(records, &row);
	}
	rec_finish(records);
	free(order);
}

static void write_part_file(const struct part_file *file, void *arg)
{
	struct job *job = arg;

	switch (file->what) {
	case FILE_TEST:
		write_part(file->out, PART_TEST, job);
		break;
	case FILE_VALID:
		write_part(file->out, PART_VALID, job);
		break;
	case FILE_USER_IDS:
		id_map_write(&job->in->users, file->out);
		break;
	case FILE_ITEM_IDS:
		id_map_write(&job->in->items, file->out);
		break;
	}
}

static void write_train(const struct job *job)
{
	static struct rating rows[ROWS];
	struct rec_writer *train = rec_create("-", &job->header[PART_TRAIN]);
	size_t n = 0;

	if (job->disk) {
		write_from_disk(train, PART_TRAIN, job);
		return;
	}
	for (uint32_t k = 0; k < job->in->ratings.num; k++) {
		if (split_part(job->split, k) != PART_TRAIN)
			continue;
		rows[n++] = rating_input_row(job->in, k);
		if (n == ROWS) {
			rec_write_rows(train, rows, n);
			n = 0;
		}
	}
	rec_write_rows(train, rows, n);
	rec_finish(train);
}

static void report(const struct job *job, uint32_t below_core)
{
	const struct split_counts *c = counts(job);
	const struct ratings *r = &job->in->ratings;

	rating_input_report(job->in);
	if (below_core > 0)
		note("ratings dropped by --min-user %u --min-item %u: %u", cfg.min_user,
			cfg.min_item, below_core);
	if (!job->in->has_times && cfg.mode != SPLIT_RANDOM)
		note("'%s' has no times: later in it counts as later", job->in->name);
	note("%u users, %u items; ratings: train %u, test %u, valid %u (%s, seed %llu)",
		r->num_users, r->num_items, c->rows[PART_TRAIN], c->rows[PART_TEST],
		c->rows[PART_VALID], split_mode_names[cfg.mode], (unsigned long long)cfg.seed);
	if (c->short_users > 0)
		note("users with fewer than %d ratings, left in train: %u", cfg.valid ? 3 : 2,
			c->short_users);
	if (c->untrained_users > 0)
		note("users without a rating in train: %u", c->untrained_users);
}

/*
 * What a part says of its making: "valid" where there is such a part, since train is less then, and
 * "part" of those that are not train.
 */
static void make_headers(struct job *job)
{
	static const char *const part_names[NUM_PARTS] = {
		[PART_TEST] = "test", [PART_VALID] = "valid"
	};
	struct rating_input *in = job->in;
	struct js *entry = rating_input_entry(in);

	if (cfg.valid)
		js_put(entry, "valid", js_bool(true));
	split_id_put(entry, in->from_stream ? in->source.provenance : NULL);
	for (unsigned part = 0; part < NUM_PARTS; part++) {
		struct js *own = js_copy(entry);

		if (part_names[part])
			js_put(own, "part", js_string(part_names[part]));
		rating_input_header(in, &job->header[part], own);
	}
	js_free(entry);
}

/* Split the cleaned ratings and write everything. */
static void write_all(struct rating_input *in, struct part_file *files, uint32_t below_core)
{
	struct ratings *r = &in->ratings;
	bool random = cfg.mode == SPLIT_RANDOM;
	uint64_t *user_hash = random ? rating_input_hashes(in, &in->users, r->num_users) : NULL,
		 *item_hash = random ? rating_input_hashes(in, &in->items, r->num_items) : NULL;
	struct split_config config = { (enum split_mode)cfg.mode, cfg.valid != NULL, cfg.test_ratio,
		cfg.seed, user_hash, item_hash };
	struct job job = { .in = in };

	if (in->disk)
		job.disk = disk_split_new(in->disk, &config);
	else
		job.split = split_new(r, &config);
	make_headers(&job);
	part_files_write(files, NUM_FILES, write_part_file, &job);
	write_train(&job);
	report(&job, below_core);
	for (unsigned part = 0; part < NUM_PARTS; part++)
		rec_header_release(&job.header[part]);
	split_free(job.split);
	disk_split_free(job.disk);
	free(user_hash);
	free(item_hash);
}

int main(int argc, char **argv)
{
	struct part_file files[NUM_FILES];
	struct rating_input in;
	uint64_t memory;
	uint32_t below_core;
	char **operands;

	program.tables[1] = rating_options();
	program.tables[2] = id_options();
	operands = opt_parse(argc, argv, &program);
	check_usage();
	memory = memory_of_rows();
	files[FILE_TEST] = (struct part_file){ cfg.test, FILE_TEST, true, NULL };
	files[FILE_VALID] = (struct part_file){ cfg.valid, FILE_VALID, true, NULL };
	files[FILE_USER_IDS] =
		(struct part_file){ id_options_user_ids(), FILE_USER_IDS, false, NULL };
	files[FILE_ITEM_IDS] =
		(struct part_file){ id_options_item_ids(), FILE_ITEM_IDS, false, NULL };
	part_files_open(files, NUM_FILES);
	rating_input_read(&in, operands[0], TAKES_RECORDS, memory);
	rating_input_merge(&in);
	below_core = take_core(&in);
	rating_input_number(&in);
	write_all(&in, files, below_core);
	rating_input_release(&in);
	return 0;
}
