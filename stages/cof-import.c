/*
 * cof-import: make rating records of a text, whatever format people keep their ratings in. Reads
 * text, writes rating records, or sample records from lists with given negatives; the id files are
 * complete before the first record. Holds 24 bytes per rating and the id tables.
 *   cof-import --user-ids users.tsv --item-ids items.tsv ratings.csv >ratings.cof
 */
#include "base/die.h"
#include "cli/id_options.h"
#include "cli/opt.h"
#include "cli/part_files.h"
#include "cli/rating_input.h"
#include "stream/record.h"
#include "stream/stream.h"

/* Rows to the writer at a time. */
enum { ROWS = 1024 };

static struct opt_program program = {
	.name = "cof-import",
	.operands = "[INPUT]",
	.max_operands = 1,
	.summary = "Make rating records of a text.",
	.reads = "text, a rating per line: CSV, TSV, JSON lines and others; may be gzip",
	.writes = "rating records; sample records of lists with given negatives",
	.examples = { "cof-import --user-ids users.tsv --item-ids items.tsv ratings.csv >ratings.cof",
		"cof-import --columns user=customer,item=product,rating=stars,time=when \\\n"
		"    orders.csv >orders.cof",
		"# more ratings, the ids of before\n"
		"cof-import --known-users users.tsv --known-items items.tsv today.csv \\\n"
		"    >today.cof" },
};

enum { FILE_USER_IDS, FILE_ITEM_IDS, NUM_FILES };

static void write_ids(const struct part_file *file, void *arg)
{
	struct rating_input *in = arg;

	id_map_write(file->what == FILE_USER_IDS ? &in->users : &in->items, file->out);
}

/* A rating is a sample once its time is left out. */
static void write_samples(const struct rating_input *in, struct rec_writer *out)
{
	static struct sample rows[ROWS];
	size_t n = 0;

	for (uint32_t k = 0; k < in->ratings.num; k++) {
		struct rating row = ratings_row(&in->ratings, k);

		rows[n++] = (struct sample){ row.user, row.item, row.rating };
		if (n == ROWS) {
			rec_write_rows(out, rows, n);
			n = 0;
		}
	}
	rec_write_rows(out, rows, n);
}

static void write_ratings(const struct rating_input *in, struct rec_writer *out)
{
	static struct rating rows[ROWS];
	size_t n = 0;

	for (uint32_t k = 0; k < in->ratings.num; k++) {
		rows[n++] = rating_input_row(in, k);
		if (n == ROWS) {
			rec_write_rows(out, rows, n);
			n = 0;
		}
	}
	rec_write_rows(out, rows, n);
}

static void write_records(struct rating_input *in)
{
	struct rec_header header;
	struct rec_writer *out;

	rating_input_header(in, &header, rating_input_entry(in));
	out = rec_create("-", &header);
	if (in->kind == REC_SAMPLE)
		write_samples(in, out);
	else
		write_ratings(in, out);
	rec_finish(out);
	rec_header_release(&header);
}

int main(int argc, char **argv)
{
	struct part_file files[NUM_FILES];
	struct rating_input in;
	char **operands;

	program.tables[0] = rating_options();
	program.tables[1] = id_options();
	operands = opt_parse(argc, argv, &program);
	stream_check_stdout();
	files[FILE_USER_IDS] =
		(struct part_file){ id_options_user_ids(), FILE_USER_IDS, false, NULL };
	files[FILE_ITEM_IDS] =
		(struct part_file){ id_options_item_ids(), FILE_ITEM_IDS, false, NULL };
	part_files_open(files, NUM_FILES);
	rating_input_read(&in, operands[0], TAKES_LISTS, 0);
	if (in.from_stream)
		die("'%s' holds records already: cof-cat prints them, ml-split splits them",
			in.name);
	rating_input_merge(&in);
	rating_input_number(&in);
	part_files_write(files, NUM_FILES, write_ids, &in);
	write_records(&in);
	rating_input_report(&in);
	note("%u users, %u items, %u %s records", in.ratings.num_users, in.ratings.num_items,
		in.ratings.num, rec_info[in.kind].name);
	rating_input_release(&in);
	return 0;
}
