#include "data/split.h"

#include "base/mem.h"
#include "data/split_rules.h"

#include <stdlib.h>

const char *const split_mode_names[] = { "leave-one-out", "random", "global-time", NULL };

struct split {
	const struct ratings *ratings;
	struct split_config config;
	unsigned char *part; /* of each row */
	struct split_counts counts;
};

static void leave_one_out(struct split *s)
{
	const struct ratings *r = s->ratings;
	uint32_t *rows = ratings_count_users(r), least = split_least_rows(&s->config);
	struct held_out *held_out = xmalloc(r->num_users, sizeof(*held_out));

	for (uint32_t u = 0; u < r->num_users; u++)
		held_out[u] = HELD_OUT_NONE;
	for (uint32_t k = 0; k < r->num; k++)
		if (rows[r->user[k]] >= least)
			held_out_take(&held_out[r->user[k]], k, r->time[k]);
	for (uint32_t u = 0; u < r->num_users; u++) {
		const uint32_t *row = held_out[u].row;

		s->counts.short_users += rows[u] > 0 && rows[u] < least;
		if (row[0] != NO_ROW)
			s->part[row[0]] = PART_TEST;
		if (row[1] != NO_ROW && s->config.valid)
			s->part[row[1]] = PART_VALID;
	}
	free(rows);
	free(held_out);
}

/* The cut before the latest n rows. */
static struct cut cut_latest(const struct ratings *r, uint32_t n)
{
	struct selection s = { .shift = 48, .left = n };
	struct cut cut = { .end = 0 };

	if (n == 0)
		return (struct cut){ INT64_MAX, 0 };
	s.rows = xcalloc(SELECT_DIGITS, sizeof(*s.rows));
	for (int pass = 0; pass < SELECT_PASSES; pass++) {
		for (uint32_t k = 0; k < r->num; k++)
			select_count(&s, r->time[k]);
		select_step(&s);
	}
	free(s.rows);
	cut.time = select_value(&s);
	for (; s.left > 0; cut.end++)
		s.left -= r->time[cut.end] == cut.time;
	return cut;
}

static void global_time(struct split *s)
{
	const struct ratings *r = s->ratings;
	struct cut test = cut_latest(r, split_test_rows(&s->config, r->num));
	struct cut valid = cut_latest(r, split_held_out_rows(&s->config, r->num));

	for (uint32_t k = 0; k < r->num; k++)
		s->part[k] = split_cut_part(&test, &valid, k, r->time[k]);
}

static void at_random(struct split *s)
{
	const struct ratings *r = s->ratings;

	for (uint32_t k = 0; k < r->num; k++)
		s->part[k] = split_random_part(&s->config, r->user[k], r->item[k]);
}

static void count_parts(struct split *s)
{
	const struct ratings *r = s->ratings;
	enum { HELD_OUT = 1, TRAINED = 2 };
	unsigned char *rows = xcalloc(r->num_users, 1); /* of each user: which there are */

	for (uint32_t k = 0; k < r->num; k++) {
		s->counts.rows[s->part[k]]++;
		rows[r->user[k]] |= s->part[k] == PART_TRAIN ? TRAINED : HELD_OUT;
	}
	for (uint32_t u = 0; u < r->num_users; u++)
		s->counts.untrained_users += rows[u] == HELD_OUT;
	free(rows);
}

struct split *split_new(const struct ratings *ratings, const struct split_config *config)
{
	static void (*const fill[])(struct split *) = { leave_one_out, at_random, global_time };
	struct split *s = xcalloc(1, sizeof(*s));

	s->ratings = ratings;
	s->config = *config;
	s->part = xcalloc(ratings->num, sizeof(*s->part)); /* PART_TRAIN */
	fill[config->mode](s);
	count_parts(s);
	return s;
}

void split_free(struct split *s)
{
	if (!s)
		return;
	free(s->part);
	free(s);
}

enum split_part split_part(const struct split *s, uint32_t row)
{
	return (enum split_part)s->part[row];
}

/* Does row a come after row b of the same user? */
static bool comes_after(const struct ratings *r, uint32_t a, uint32_t b)
{
	return r->time[a] != r->time[b] ? r->time[a] > r->time[b] : a > b;
}

/* Let row[k] sink in a heap of n rows whose top comes last. */
static void sink(const struct ratings *r, uint32_t *row, uint32_t n, uint32_t k)
{
	uint32_t sinking = row[k];

	for (uint32_t child; (child = 2 * k + 1) < n; k = child) {
		if (child + 1 < n && comes_after(r, row[child + 1], row[child]))
			child++;
		if (!comes_after(r, row[child], sinking))
			break;
		row[k] = row[child];
	}
	row[k] = sinking;
}

/* Sort the rows of one user by (time, input order), in place (heapsort: no memory, no worst case).
   */
static void sort_rows(const struct ratings *r, uint32_t *row, uint32_t n)
{
	uint32_t sorted = 1;

	while (sorted < n && comes_after(r, row[sorted], row[sorted - 1]))
		sorted++;
	if (sorted >= n)
		return;
	for (uint32_t k = n / 2; k-- > 0;)
		sink(r, row, n, k);
	while (--n > 0) {
		uint32_t last = row[0];

		row[0] = row[n];
		row[n] = last;
		sink(r, row, n, 0);
	}
}

uint32_t *split_select(const struct split *s, enum split_part part)
{
	const struct ratings *r = s->ratings;
	uint32_t *order = xmalloc(s->counts.rows[part], sizeof(*order));
	uint32_t *next = xcalloc(r->num_users, sizeof(*next)), start = 0;

	for (uint32_t k = 0; k < r->num; k++)
		if (s->part[k] == part)
			next[r->user[k]]++;
	for (uint32_t u = 0; u < r->num_users; u++) {
		uint32_t rows = next[u];

		next[u] = start;
		start += rows;
	}
	for (uint32_t k = 0; k < r->num; k++)
		if (s->part[k] == part)
			order[next[r->user[k]]++] = k;
	start = 0;
	for (uint32_t u = 0; u < r->num_users; start = next[u++])
		sort_rows(r, order + start, next[u] - start);
	free(next);
	return order;
}

const struct split_counts *split_counts(const struct split *s)
{
	return &s->counts;
}
