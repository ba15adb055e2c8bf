#include "data/split.h"

#include "base/mem.h"
#include "base/rng.h"

#include <stdlib.h>

const char *const split_mode_names[] = { "leave-one-out", "random", "global-time", NULL };

#define NO_ROW UINT32_MAX

/* The rows later than `time`, and those at `time` with a number below `end`. */
struct cut {
	int64_t time;
	uint32_t end;
};

/* The latest and second latest row of a user, or NO_ROW. */
struct held_out {
	uint32_t row[2];
	int64_t time[2];
};

struct split {
	const struct ratings *ratings;
	struct split_config config;
	unsigned char *part; /* of each row */
	struct split_counts counts;
};

static void find_latest(
	const struct ratings *r, const uint32_t *rows, uint32_t least, struct held_out *held_out)
{
	for (uint32_t k = 0; k < r->num; k++) {
		struct held_out *held = &held_out[r->user[k]];

		if (rows[r->user[k]] < least)
			continue;
		if (held->row[0] == NO_ROW || r->time[k] > held->time[0]) {
			held->row[1] = held->row[0];
			held->time[1] = held->time[0];
			held->row[0] = k;
			held->time[0] = r->time[k];
		} else if (held->row[1] == NO_ROW || r->time[k] > held->time[1]) {
			held->row[1] = k;
			held->time[1] = r->time[k];
		}
	}
}

static void leave_one_out(struct split *s)
{
	const struct ratings *r = s->ratings;
	uint32_t *rows = ratings_count_users(r), least = s->config.valid ? 3 : 2;
	struct held_out *held_out = xmalloc(r->num_users, sizeof(*held_out));

	for (uint32_t u = 0; u < r->num_users; u++)
		held_out[u] = (struct held_out){ .row = { NO_ROW, NO_ROW } };
	find_latest(r, rows, least, held_out);
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

/* The cut before the latest n rows: finds the n-th greatest time, 16 bits in each of 4 passes. */
static struct cut cut_latest(const struct ratings *r, uint32_t n)
{
	enum { DIGITS = 1 << 16 };
	const uint64_t sign = UINT64_C(1) << 63; /* makes the unsigned order that of the times */
	uint32_t *rows, left = n, end = 0;
	uint64_t found = 0;

	if (n == 0)
		return (struct cut){ INT64_MAX, 0 };
	rows = xmalloc(DIGITS, sizeof(*rows));
	for (int shift = 48; shift >= 0; shift -= 16) {
		uint32_t digit = DIGITS - 1;

		for (uint32_t d = 0; d < DIGITS; d++)
			rows[d] = 0;
		for (uint32_t k = 0; k < r->num; k++) {
			uint64_t key = (uint64_t)r->time[k] ^ sign;

			if (shift == 48 || key >> (shift + 16) == found)
				rows[key >> shift & (DIGITS - 1)]++;
		}
		for (; rows[digit] < left; digit--)
			left -= rows[digit];
		found = found << 16 | digit;
	}
	free(rows);
	for (; left > 0; end++)
		left -= r->time[end] == (int64_t)(found ^ sign);
	return (struct cut){ (int64_t)(found ^ sign), end };
}

static bool is_after(const struct ratings *r, const struct cut *cut, uint32_t row)
{
	return r->time[row] > cut->time || (row < cut->end && r->time[row] == cut->time);
}

static void global_time(struct split *s)
{
	const struct ratings *r = s->ratings;
	uint32_t part = (uint32_t)(s->config.ratio * r->num + 0.5);
	uint32_t both = r->num - part < part ? r->num : 2 * part;
	struct cut test = cut_latest(r, part);
	struct cut valid = s->config.valid ? cut_latest(r, both) : test;

	for (uint32_t k = 0; k < r->num; k++)
		s->part[k] = is_after(r, &test, k)    ? PART_TEST
			     : is_after(r, &valid, k) ? PART_VALID
						      : PART_TRAIN;
}

/* One number in [0, 1) per pair of raw ids: a row's part does not depend on other rows. */
static void at_random(struct split *s)
{
	const struct ratings *r = s->ratings;
	double test = s->config.ratio, valid = s->config.valid ? 2 * test : test;

	for (uint32_t k = 0; k < r->num; k++) {
		uint64_t user = s->config.user_hash[r->user[k]],
			 item = s->config.item_hash[r->item[k]];
		struct rng rng;
		double v;

		rng_start(&rng, s->config.seed, RNG_SPLIT, 0,
			user * UINT64_C(0x9e3779b97f4a7c15) + item);
		v = rng_real(&rng);
		s->part[k] = v < test ? PART_TEST : v < valid ? PART_VALID : PART_TRAIN;
	}
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
