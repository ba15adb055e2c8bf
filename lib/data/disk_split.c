#include "data/disk_split.h"

#include "base/mem.h"
#include "base/progress.h"
#include "base/sorted_runs.h"
#include "data/split_rules.h"

#include <stdlib.h>

struct disk_split {
	struct disk_ratings *ratings;
	struct split_config config;
	struct sorted_runs *rows[3]; /* of each part */
	struct split_counts counts;

	struct held_out *held_out; /* leave-one-out: of each user */
	struct cut test, valid;	   /* global-time */
};

/* A row to be sorted; `order` is its time, or what takes its place. */
struct sorted_row {
	struct disk_row row;
	int64_t order;
};

static int by_number(const void *left, const void *right)
{
	const struct sorted_row *a = left, *b = right;

	return (a->row.number > b->row.number) - (a->row.number < b->row.number);
}

static int by_user_and_time(const void *left, const void *right)
{
	const struct sorted_row *a = left, *b = right;

	if (a->row.user != b->row.user)
		return a->row.user < b->row.user ? -1 : 1;
	if (a->order != b->order)
		return a->order < b->order ? -1 : 1;
	return by_number(a, b);
}

static void find_held_out(struct disk_split *s)
{
	struct disk_ratings *d = s->ratings;
	uint32_t num = disk_ratings_users(d), least = split_least_rows(&s->config);
	uint32_t *rows = xcalloc(num, sizeof(*rows));
	struct disk_row row;

	s->held_out = xmalloc(num, sizeof(*s->held_out));
	for (uint32_t u = 0; u < num; u++)
		s->held_out[u] = HELD_OUT_NONE;
	for (disk_ratings_rewind(d); disk_ratings_next(d, &row); rows[row.user]++)
		held_out_take(&s->held_out[row.user], row.number, disk_ratings_order(d, &row));
	for (uint32_t u = 0; u < num; u++)
		if (rows[u] < least) {
			s->counts.short_users += rows[u] > 0;
			s->held_out[u] = HELD_OUT_NONE;
		}
	free(rows);
}

/* The n-th greatest order of all rows, or, of the rows of one order, the n-th smallest number. `left`
   becomes the number of those equal to it that are among the n. */
static int64_t select_nth(struct disk_ratings *d, uint32_t n, const int64_t *order, uint32_t *left)
{
	struct selection s = { .shift = 48, .left = n };
	struct disk_row row;

	s.rows = xcalloc(SELECT_DIGITS, sizeof(*s.rows));
	for (int pass = 0; pass < SELECT_PASSES; pass++) {
		for (disk_ratings_rewind(d); disk_ratings_next(d, &row);) {
			int64_t of_row = disk_ratings_order(d, &row);

			if (!order)
				select_count(&s, of_row);
			else if (of_row == *order)
				select_count(&s, -(int64_t)row.number);
		}
		select_step(&s);
	}
	free(s.rows);
	*left = s.left;
	return select_value(&s);
}

/* The cut before the latest n rows. */
static struct cut cut_latest(struct disk_ratings *d, uint32_t n)
{
	struct cut cut = { INT64_MAX, 0 };
	uint32_t left, one;

	if (n == 0)
		return cut;
	cut.time = select_nth(d, n, NULL, &left);
	cut.end = (uint32_t)-select_nth(d, left, &cut.time, &one) + 1;
	return cut;
}

static enum split_part part_of(const struct disk_split *s, const struct disk_row *row)
{
	const uint32_t *held;

	switch (s->config.mode) {
	case SPLIT_LEAVE_ONE_OUT:
		held = s->held_out[row->user].row;
		return row->number == held[0]			   ? PART_TEST
		       : row->number == held[1] && s->config.valid ? PART_VALID
								   : PART_TRAIN;
	case SPLIT_RANDOM:
		return split_random_part(&s->config, row->user, row->item);
	case SPLIT_GLOBAL_TIME:
		break;
	}
	return split_cut_part(
		&s->test, &s->valid, row->number, disk_ratings_order(s->ratings, row));
}

/* Hand every row to its part, and count. */
static void distribute(struct disk_split *s)
{
	struct disk_ratings *d = s->ratings;
	enum { HELD_OUT = 1, TRAINED = 2 };
	unsigned char *rows = xcalloc(disk_ratings_users(d), 1); /* of each user: which there are */
	struct sorted_row r;
	uint32_t read = 0;

	progress_start("ratings split", disk_ratings_num(d));
	for (disk_ratings_rewind(d); disk_ratings_next(d, &r.row);) {
		enum split_part part = part_of(s, &r.row);

		r.order = disk_ratings_order(d, &r.row);
		sorted_runs_add(s->rows[part], &r);
		s->counts.rows[part]++;
		rows[r.row.user] |= part == PART_TRAIN ? TRAINED : HELD_OUT;
		progress_at(++read);
	}
	progress_end();
	for (uint32_t u = 0; u < disk_ratings_users(d); u++)
		s->counts.untrained_users += rows[u] == HELD_OUT;
	free(rows);
}

struct disk_split *disk_split_new(struct disk_ratings *d, const struct split_config *config)
{
	struct disk_split *s = xcalloc(1, sizeof(*s));
	size_t memory = disk_ratings_memory(d), size = sizeof(struct sorted_row);
	uint32_t num = disk_ratings_num(d);

	s->ratings = d;
	s->config = *config;
	s->rows[PART_TRAIN] = sorted_runs_new(size, by_number, memory / 2);
	s->rows[PART_TEST] = sorted_runs_new(size, by_user_and_time, memory / 4);
	s->rows[PART_VALID] = sorted_runs_new(size, by_user_and_time, memory / 4);
	if (config->mode == SPLIT_LEAVE_ONE_OUT)
		find_held_out(s);
	if (config->mode == SPLIT_GLOBAL_TIME) {
		s->test = cut_latest(d, split_test_rows(config, num));
		s->valid = cut_latest(d, split_held_out_rows(config, num));
	}
	distribute(s);
	return s;
}

void disk_split_free(struct disk_split *s)
{
	if (!s)
		return;
	for (int part = 0; part < 3; part++)
		sorted_runs_free(s->rows[part]);
	free(s->held_out);
	free(s);
}

const struct split_counts *disk_split_counts(const struct disk_split *s)
{
	return &s->counts;
}

bool disk_split_next(struct disk_split *s, enum split_part part, struct rating *row)
{
	const struct sorted_row *next = sorted_runs_next(s->rows[part]);

	if (!next)
		return false;
	*row = (struct rating){ next->row.user, next->row.item, next->row.rating, next->row.time };
	return true;
}
