#include "data/disk_ratings.h"

#include "base/mem.h"
#include "base/progress.h"
#include "base/scratch.h"
#include "base/sorted_runs.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { WINDOW = 4096 }; /* rows that are written or read at once */

/* Rows one after the other in a file. */
struct row_file {
	struct scratch *file;
	struct disk_row window[WINDOW];
	uint32_t in_window, at; /* rows there; the next one to be read */
	uint64_t offset;	/* of the rows that follow the window, when read */
};

struct disk_ratings {
	size_t memory;
	struct sorted_runs *added; /* by user, item, number; until they are merged */
	struct row_file *rows;	   /* then */
	uint32_t num;
	bool has_times;
	uint32_t num_users, num_items;
	uint32_t *users, *items; /* rows of each, by the ids in the file */
	uint32_t file_users, file_items;
	uint32_t *new_user, *new_item; /* NULL: as in the file */
};

static int by_pair(const void *left, const void *right)
{
	const struct disk_row *a = left, *b = right;

	if (a->user != b->user)
		return a->user < b->user ? -1 : 1;
	if (a->item != b->item)
		return a->item < b->item ? -1 : 1;
	return (a->number > b->number) - (a->number < b->number);
}

static struct row_file *row_file_new(void)
{
	struct row_file *f = xcalloc(1, sizeof(*f));

	f->file = scratch_new();
	return f;
}

static void row_file_free(struct row_file *f)
{
	if (f)
		scratch_free(f->file);
	free(f);
}

static void row_file_flush(struct row_file *f)
{
	scratch_append(f->file, f->window, f->in_window * sizeof(*f->window));
	f->in_window = 0;
}

static void row_file_add(struct row_file *f, const struct disk_row *row)
{
	if (f->in_window == WINDOW)
		row_file_flush(f);
	f->window[f->in_window++] = *row;
}

static void row_file_rewind(struct row_file *f)
{
	f->at = f->in_window = 0;
	f->offset = 0;
}

static const struct disk_row *row_file_next(struct row_file *f)
{
	if (f->at == f->in_window) {
		uint64_t left = (scratch_size(f->file) - f->offset) / sizeof(*f->window);

		f->in_window = left < WINDOW ? (uint32_t)left : WINDOW;
		f->at = 0;
		scratch_read(f->file, f->offset, f->window, f->in_window * sizeof(*f->window));
		f->offset += f->in_window * sizeof(*f->window);
	}
	return f->in_window > 0 ? &f->window[f->at++] : NULL;
}

struct disk_ratings *disk_ratings_new(size_t memory)
{
	struct disk_ratings *d = xcalloc(1, sizeof(*d));

	d->memory = memory;
	d->added = sorted_runs_new(sizeof(struct disk_row), by_pair, memory);
	return d;
}

void disk_ratings_free(struct disk_ratings *d)
{
	if (!d)
		return;
	sorted_runs_free(d->added);
	row_file_free(d->rows);
	free(d->users);
	free(d->items);
	free(d->new_user);
	free(d->new_item);
	free(d);
}

void disk_ratings_add(struct disk_ratings *d, const struct rating *row)
{
	struct disk_row r = { row->user, row->item, d->num++, row->rating, row->time };

	sorted_runs_add(d->added, &r);
}

uint32_t disk_ratings_num(const struct disk_ratings *d)
{
	return d->num;
}

uint32_t disk_ratings_users(const struct disk_ratings *d)
{
	return d->num_users;
}

size_t disk_ratings_memory(const struct disk_ratings *d)
{
	return d->memory;
}

int64_t disk_ratings_order(const struct disk_ratings *d, const struct disk_row *row)
{
	return d->has_times ? row->time : (int64_t)row->number;
}

/* The row that stays of a pair so far. */
struct kept {
	struct disk_row row;
	double sum;
};

/* A pair that cannot be merged. ratings_merge reports the one that it comes to first: of the first
   user, the first row in the input. */
static void refuse(struct merged *m, uint32_t before, const struct disk_row *row)
{
	if (m->first != m->second && (row->user != m->user || row->number > m->second))
		return;
	m->first = before;
	m->second = row->number;
	m->user = row->user;
	m->item = row->item;
}

/* Merge the next row of the pair into the one that stays so far. */
static void merge(struct disk_ratings *d, enum duplicates how, struct kept *kept,
	const struct disk_row *row, struct merged *m)
{
	bool later = how != DUPLICATES_FIRST &&
		     disk_ratings_order(d, row) > disk_ratings_order(d, &kept->row);
	float greater = row->rating > kept->row.rating ? row->rating : kept->row.rating;

	if (how == DUPLICATES_ERROR)
		refuse(m, kept->row.number, row);
	kept->sum += (double)row->rating;
	if (how == DUPLICATES_SUM && !isfinite((float)kept->sum))
		refuse(m, kept->row.number, row);
	if (later)
		kept->row = *row;
	if (how == DUPLICATES_MAX)
		kept->row.rating = greater;
	m->dropped++;
}

static void keep(struct disk_ratings *d, enum duplicates how, struct kept *kept)
{
	if (how == DUPLICATES_SUM)
		kept->row.rating = (float)kept->sum;
	d->users[kept->row.user]++;
	d->items[kept->row.item]++;
	row_file_add(d->rows, &kept->row);
}

struct merged disk_ratings_merge(struct disk_ratings *d, enum duplicates how, bool has_times,
	uint32_t num_users, uint32_t num_items)
{
	const struct disk_row *row;
	struct merged m = { 0 };
	struct kept kept;
	bool any = false;
	uint32_t read = 0;

	d->has_times = has_times;
	d->num_users = d->file_users = num_users;
	d->num_items = d->file_items = num_items;
	d->users = xcalloc(num_users, sizeof(*d->users));
	d->items = xcalloc(num_items, sizeof(*d->items));
	d->rows = row_file_new();
	progress_start("ratings merged", d->num);
	while ((row = sorted_runs_next(d->added))) {
		progress_at(++read);
		if (any && row->user == kept.row.user && row->item == kept.row.item) {
			merge(d, how, &kept, row, &m);
			continue;
		}
		if (any)
			keep(d, how, &kept);
		kept = (struct kept){ *row, (double)row->rating };
		any = true;
	}
	if (any)
		keep(d, how, &kept);
	progress_end();
	row_file_flush(d->rows);
	sorted_runs_free(d->added);
	d->added = NULL;
	d->num -= m.dropped;
	return m;
}

/* One round; returns how many rows were dropped. */
static uint32_t drop_below(struct disk_ratings *d, uint32_t min_user, uint32_t min_item)
{
	struct row_file *left = row_file_new();
	const struct disk_row *row;
	uint32_t dropped = 0;

	row_file_rewind(d->rows);
	while ((row = row_file_next(d->rows))) {
		if (d->users[row->user] >= min_user && d->items[row->item] >= min_item) {
			row_file_add(left, row);
			continue;
		}
		d->users[row->user]--;
		d->items[row->item]--;
		dropped++;
	}
	row_file_flush(left);
	row_file_free(d->rows);
	d->rows = left;
	d->num -= dropped;
	return dropped;
}

uint32_t disk_ratings_core(struct disk_ratings *d, uint32_t min_user, uint32_t min_item)
{
	uint32_t before = d->num;

	while (drop_below(d, min_user, min_item) > 0)
		;
	return before - d->num;
}

static uint32_t *copy(const uint32_t *of, uint32_t n)
{
	uint32_t *made = xmalloc(n, sizeof(*made));

	if (n > 0)
		memcpy(made, of, n * sizeof(*made));
	return made;
}

uint32_t *disk_ratings_count_users(const struct disk_ratings *d)
{
	return copy(d->users, d->file_users);
}

uint32_t *disk_ratings_count_items(const struct disk_ratings *d)
{
	return copy(d->items, d->file_items);
}

void disk_ratings_number_users(struct disk_ratings *d, const uint32_t *new_id, uint32_t num)
{
	d->new_user = copy(new_id, d->file_users);
	d->num_users = num;
}

void disk_ratings_number_items(struct disk_ratings *d, const uint32_t *new_id, uint32_t num)
{
	d->new_item = copy(new_id, d->file_items);
	d->num_items = num;
}

void disk_ratings_rewind(struct disk_ratings *d)
{
	row_file_rewind(d->rows);
}

bool disk_ratings_next(struct disk_ratings *d, struct disk_row *row)
{
	const struct disk_row *next = row_file_next(d->rows);

	if (!next)
		return false;
	*row = *next;
	if (d->new_user)
		row->user = d->new_user[row->user];
	if (d->new_item)
		row->item = d->new_item[row->item];
	return true;
}
