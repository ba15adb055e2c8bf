#include "data/lint_part.h"

#include "base/mem.h"
#include "base/progress.h"

#include <float.h>
#include <stdlib.h>

enum { ROWS = 1024 }; /* at a time */

static bool is_beyond(const struct lint_part *train, uint32_t user, uint32_t item)
{
	return train && (user >= train->header.num_users || item >= train->header.num_items);
}

/* A copy that outlives the reader. */
static void keep_header(struct rec_header *to, const struct rec_header *h)
{
	rec_header_init(to, h->kind, h, NULL);
}

static void add_row(struct lint_part *p, const struct rating *row, const struct lint_part *train)
{
	user_items_add(&p->items, row->user, row->item);
	p->has_times |= row->time != 0;
	p->newest = row->time > p->newest ? row->time : p->newest;
	if (row->time < p->first[row->user])
		p->first[row->user] = row->time;
	if (row->time > p->last[row->user])
		p->last[row->user] = row->time;
	p->least = row->rating < p->least ? row->rating : p->least;
	p->greatest = row->rating > p->greatest ? row->rating : p->greatest;
	if (is_beyond(train, row->user, row->item)) {
		p->beyond++;
		return;
	}
	if (train) {
		p->before_train += row->time < train->newest;
		p->before_itself += row->time < train->last[row->user];
	}
}

/* Rows of either kind as ratings; interactions have no number, which then stays out of `least`. */
static size_t read_rows(struct rec_reader *in, struct rating *rows)
{
	static struct interaction interactions[ROWS];
	size_t n;

	if (rec_header(in)->kind == REC_RATING)
		return rec_read_rows(in, rows, ROWS);
	n = rec_read_rows(in, interactions, ROWS);
	for (size_t k = 0; k < n; k++)
		rows[k] = (struct rating){ interactions[k].user, interactions[k].item, 0,
			interactions[k].time };
	return n;
}

/* A train that lacks users would hide whatever is wrong with theirs. */
static void check_shard(const struct rec_reader *in, const struct lint_part *train)
{
	rec_warn_shard(rec_name(in), rec_header(in));
	if (train)
		rec_check_covers(train->name, &train->header, rec_name(in), rec_header(in));
}

void lint_part_read(struct lint_part *p, const char *path, const struct lint_part *train)
{
	static struct rating rows[ROWS];
	struct rec_reader *in = rec_open(path, 1u << REC_RATING | 1u << REC_INTERACTION);
	const uint32_t num_users = rec_header(in)->num_users;
	size_t n;

	check_shard(in, train);
	*p = (struct lint_part){ .name = xstrdup(rec_name(in)),
		.newest = INT64_MIN,
		.least = FLT_MAX,
		.greatest = -FLT_MAX };
	keep_header(&p->header, rec_header(in));
	user_items_init(&p->items, num_users, p->header.num_items);
	p->first = xmalloc(num_users, sizeof(*p->first));
	p->last = xmalloc(num_users, sizeof(*p->last));
	for (uint32_t u = 0; u < num_users; u++) {
		p->first[u] = INT64_MAX;
		p->last[u] = INT64_MIN;
	}
	progress_start("rows", 0);
	while ((n = read_rows(in, rows)) > 0) {
		for (size_t k = 0; k < n; k++)
			add_row(p, &rows[k], train);
		progress_at(rec_rows(in));
	}
	progress_end();
	p->rows = rec_rows(in);
	rec_close(in, true);
	p->duplicates = user_items_finish(&p->items);
}

void lint_part_release(struct lint_part *p)
{
	if (!p->name)
		return;
	free(p->name);
	rec_header_release(&p->header);
	user_items_release(&p->items);
	free(p->first);
	free(p->last);
}

bool lint_part_has(const struct lint_part *p, uint32_t user, uint32_t item)
{
	return user < p->header.num_users && user_items_has(&p->items, user, item);
}

uint32_t lint_part_num(const struct lint_part *p, uint32_t user)
{
	uint32_t n = 0;

	if (user < p->header.num_users)
		user_items_get(&p->items, user, &n);
	return n;
}

void lint_lists_read(struct lint_lists *l, const char *path, const struct lint_part *train)
{
	static struct sample rows[ROWS];
	struct rec_reader *in = rec_open(path, 1u << REC_SAMPLE);
	size_t n;

	check_shard(in, train);
	*l = (struct lint_lists){ .name = xstrdup(rec_name(in)) };
	keep_header(&l->header, rec_header(in));
	user_items_init(&l->positives, l->header.num_users, l->header.num_items);
	user_items_init(&l->negatives, l->header.num_users, l->header.num_items);
	while ((n = rec_read_rows(in, rows, ROWS)) > 0)
		for (size_t k = 0; k < n; k++) {
			user_items_add(rows[k].label > 0 ? &l->positives : &l->negatives,
				rows[k].user, rows[k].item);
			l->beyond += is_beyond(train, rows[k].user, rows[k].item);
		}
	l->rows = rec_rows(in);
	rec_close(in, true);
	l->repeats = user_items_finish(&l->positives) + user_items_finish(&l->negatives);
}

void lint_lists_release(struct lint_lists *l)
{
	if (!l->name)
		return;
	free(l->name);
	rec_header_release(&l->header);
	user_items_release(&l->positives);
	user_items_release(&l->negatives);
}
