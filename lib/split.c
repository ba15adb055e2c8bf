#include "split.h"

#include "mem.h"
#include "rng.h"

#include <stdlib.h>

const char *const split_mode_names[] = { "leave-one-out", "random", "global-time", NULL };

#define NO_ROW UINT32_MAX

/* Rows later than `time`, and of those at `time` the ones before row number `end`. */
struct cut {
	int64_t time;
	uint32_t end;
};

/* A user's latest row and the second latest, or NO_ROW. */
struct held_out {
	uint32_t test, valid;
};

struct split {
	const struct ratings *ratings;
	struct split_config config;
	struct held_out *held_out; /* leave-one-out: of each user */
	struct split_counts counts;
	struct cut test, valid; /* global-time; valid includes test */
};

static void leave_one_out(struct split *s)
{
	const struct ratings *r = s->ratings;
	uint32_t *rows = ratings_count_users(r), least = s->config.valid ? 3 : 2;
	int64_t(*time)[2] = xcalloc(r->num_users, sizeof(*time));

	s->held_out = xmalloc(r->num_users, sizeof(*s->held_out));
	for (uint32_t u = 0; u < r->num_users; u++)
		s->held_out[u] = (struct held_out){ NO_ROW, NO_ROW };
	for (uint32_t k = 0; k < r->num; k++) {
		uint32_t u = r->user[k];
		struct held_out *held = &s->held_out[u];

		if (rows[u] < least)
			continue;
		if (held->test == NO_ROW || r->time[k] > time[u][0]) {
			held->valid = held->test;
			time[u][1] = time[u][0];
			held->test = k;
			time[u][0] = r->time[k];
		} else if (held->valid == NO_ROW || r->time[k] > time[u][1]) {
			held->valid = k;
			time[u][1] = r->time[k];
		}
	}
	for (uint32_t u = 0; u < r->num_users; u++) {
		if (!s->config.valid)
			s->held_out[u].valid = NO_ROW;
		s->counts.rows[PART_TEST] += s->held_out[u].test != NO_ROW;
		s->counts.rows[PART_VALID] += s->held_out[u].valid != NO_ROW;
		s->counts.short_users += rows[u] < least;
	}
	s->counts.rows[PART_TRAIN] =
		r->num - s->counts.rows[PART_TEST] - s->counts.rows[PART_VALID];
	free(rows);
	free(time);
}

/* The cut before the latest n rows: the n-th greatest time, 16 bits of it in each of 4 passes. */
static struct cut cut_latest(const struct ratings *r, uint32_t n)
{
	enum { DIGITS = 1 << 16 };
	const uint64_t sign = UINT64_C(1) << 63; /* so that unsigned order is the order of times */
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

static bool is_after(const struct split *s, const struct cut *cut, uint32_t row)
{
	int64_t time = s->ratings->time[row];

	return time > cut->time || (time == cut->time && row < cut->end);
}

static void count_parts(struct split *s)
{
	bool *trained = xcalloc(s->ratings->num_users, sizeof(*trained));

	for (uint32_t k = 0; k < s->ratings->num; k++) {
		enum split_part part = split_part(s, k);

		s->counts.rows[part]++;
		if (part == PART_TRAIN)
			trained[s->ratings->user[k]] = true;
	}
	for (uint32_t u = 0; u < s->ratings->num_users; u++)
		s->counts.untrained_users += !trained[u];
	free(trained);
}

struct split *split_new(const struct ratings *ratings, const struct split_config *config)
{
	struct split *s = xcalloc(1, sizeof(*s));
	uint32_t part = (uint32_t)(config->ratio * ratings->num + 0.5);
	uint32_t both = ratings->num - part < part ? ratings->num : 2 * part;

	s->ratings = ratings;
	s->config = *config;
	if (config->mode == SPLIT_LEAVE_ONE_OUT) {
		leave_one_out(s);
		return s;
	}
	if (config->mode == SPLIT_GLOBAL_TIME) {
		s->test = cut_latest(ratings, part);
		s->valid = config->valid ? cut_latest(ratings, both) : s->test;
	}
	count_parts(s);
	return s;
}

void split_free(struct split *s)
{
	if (!s)
		return;
	free(s->held_out);
	free(s);
}

/* A number in [0, 1) that belongs to the pair of labels: the split does not depend on other rows. */
static double draw(const struct split *s, uint32_t row)
{
	uint64_t user = s->config.user_hash[s->ratings->user[row]];
	uint64_t item = s->config.item_hash[s->ratings->item[row]];
	struct rng rng;

	rng_start(&rng, s->config.seed, RNG_SPLIT, 0, user * UINT64_C(0x9e3779b97f4a7c15) + item);
	return rng_real(&rng);
}

enum split_part split_part(const struct split *s, uint32_t row)
{
	const struct held_out *held;
	double v;

	switch (s->config.mode) {
	case SPLIT_LEAVE_ONE_OUT:
		held = &s->held_out[s->ratings->user[row]];
		return row == held->test ? PART_TEST : row == held->valid ? PART_VALID : PART_TRAIN;
	case SPLIT_RANDOM:
		v = draw(s, row);
		if (v < s->config.ratio)
			return PART_TEST;
		return s->config.valid && v < 2 * s->config.ratio ? PART_VALID : PART_TRAIN;
	case SPLIT_GLOBAL_TIME:
		break;
	}
	return is_after(s, &s->test, row)    ? PART_TEST
	       : is_after(s, &s->valid, row) ? PART_VALID
					     : PART_TRAIN;
}

/* Does row a come after row b of the same user? */
static bool comes_after(const struct ratings *r, uint32_t a, uint32_t b)
{
	return r->time[a] != r->time[b] ? r->time[a] > r->time[b] : a > b;
}

/* Let row[k] sink in a heap of n whose top is the last to come. */
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

/* Sort one user's rows by (time, input order), in place (heapsort: no memory, no bad case). */
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

/* The rows that leave_one_out has found, one a user: two passes over all rows are saved. */
static uint32_t select_held_out(const struct split *s, enum split_part part, uint32_t *order)
{
	uint32_t n = 0;

	for (uint32_t u = 0; u < s->ratings->num_users; u++) {
		uint32_t row = part == PART_TEST ? s->held_out[u].test : s->held_out[u].valid;

		if (row != NO_ROW)
			order[n++] = row;
	}
	return n;
}

uint32_t split_select(const struct split *s, enum split_part part, uint32_t *order)
{
	const struct ratings *r = s->ratings;
	uint32_t *next, n = 0;

	if (s->config.mode == SPLIT_LEAVE_ONE_OUT && part != PART_TRAIN)
		return select_held_out(s, part, order);
	next = xcalloc(r->num_users, sizeof(*next));
	for (uint32_t k = 0; k < r->num; k++)
		next[r->user[k]] += split_part(s, k) == part;
	for (uint32_t u = 0; u < r->num_users; u++) {
		uint32_t rows = next[u];

		next[u] = n;
		n += rows;
	}
	for (uint32_t k = 0; k < r->num; k++)
		if (split_part(s, k) == part)
			order[next[r->user[k]]++] = k;
	for (uint32_t u = 0, start = 0; u < r->num_users; start = next[u++])
		sort_rows(r, order + start, next[u] - start);
	free(next);
	return n;
}

const struct split_counts *split_counts(const struct split *s)
{
	return &s->counts;
}
