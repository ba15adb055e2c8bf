/* Cleaning and splitting of random tables against plain quadratic definitions. */
#include "base/mem.h"
#include "base/rng.h"
#include "check.h"
#include "data/disk_split.h"
#include "data/ratings.h"
#include "data/split.h"

#include <stdbool.h>
#include <stdlib.h>

enum { TABLES = 200, MAX_ROWS = 60 };

struct table {
	uint32_t num;
	struct rating row[MAX_ROWS];
};

/* Few users, items and times, so that repeats and ties are common. */
static void fill(struct table *t, uint64_t seed)
{
	struct rng rng;

	rng_start(&rng, seed, RNG_TEST, 1, 0);
	t->num = 1 + rng_below(&rng, MAX_ROWS);
	for (uint32_t k = 0; k < t->num; k++)
		t->row[k] = (struct rating){ rng_below(&rng, 8), rng_below(&rng, 9), (float)k,
			(int64_t)rng_below(&rng, 12) * (seed % 2 ? -1 : INT64_C(1) << 40) };
}

static void load(struct ratings *r, const struct table *t)
{
	*r = (struct ratings){ .num_users = 8, .num_items = 9 };
	for (uint32_t k = 0; k < t->num; k++)
		ratings_add(r, &t->row[k]);
}

static bool equal(const struct ratings *r, const struct table *t)
{
	bool same = r->num == t->num;

	for (uint32_t k = 0; same && k < t->num; k++) {
		struct rating row = ratings_row(r, k);

		same = row.user == t->row[k].user && row.item == t->row[k].item &&
		       row.rating == t->row[k].rating && row.time == t->row[k].time;
	}
	return same;
}

/* Is row a later than row b? */
static bool later(const struct table *t, uint32_t a, uint32_t b)
{
	return t->row[a].time != t->row[b].time ? t->row[a].time > t->row[b].time : a < b;
}

static void take(struct table *t, const bool *keep)
{
	uint32_t n = 0;

	for (uint32_t k = 0; k < t->num; k++)
		if (keep[k])
			t->row[n++] = t->row[k];
	t->num = n;
}

static void plain_drop_repeats(struct table *t)
{
	bool keep[MAX_ROWS];

	for (uint32_t a = 0; a < t->num; a++) {
		keep[a] = true;
		for (uint32_t b = 0; b < t->num; b++)
			if (b != a && t->row[a].user == t->row[b].user &&
				t->row[a].item == t->row[b].item && later(t, b, a))
				keep[a] = false;
	}
	take(t, keep);
}

/* One round at a time, by the degrees at its start. */
static void plain_core(struct table *t, uint32_t min_user, uint32_t min_item)
{
	for (uint32_t before = 0; before != t->num;) {
		bool keep[MAX_ROWS];

		before = t->num;
		for (uint32_t a = 0; a < t->num; a++) {
			uint32_t users = 0, items = 0;

			for (uint32_t b = 0; b < t->num; b++) {
				users += t->row[a].user == t->row[b].user;
				items += t->row[a].item == t->row[b].item;
			}
			keep[a] = users >= min_user && items >= min_item;
		}
		take(t, keep);
	}
}

/* How many rows are later than row k, of its user or of all. */
static uint32_t rank(const struct table *t, uint32_t k, bool of_user, uint32_t *of)
{
	uint32_t n = 0;

	*of = 0;
	for (uint32_t b = 0; b < t->num; b++)
		if (!of_user || t->row[b].user == t->row[k].user) {
			*of += 1;
			n += b != k && later(t, b, k);
		}
	return n;
}

static enum split_part plain_part(const struct table *t, uint32_t k, const struct split_config *c)
{
	bool leave_one_out = c->mode == SPLIT_LEAVE_ONE_OUT;
	uint32_t of, place = rank(t, k, leave_one_out, &of);
	uint32_t share = leave_one_out ? of >= (c->valid ? 3 : 2) : (uint32_t)(c->ratio * of + 0.5);

	return place < share			    ? PART_TEST
	       : place < share * (c->valid ? 2 : 1) ? PART_VALID
						    : PART_TRAIN;
}

/* Is `order` the part's rows by (user, time, input order)? */
static bool sorted_part(const struct split *s, const struct table *t, enum split_part part)
{
	uint32_t *order = split_select(s, part), n = split_counts(s)->rows[part], rows = 0;
	bool right;

	for (uint32_t k = 0; k < t->num; k++)
		rows += split_part(s, k) == part;
	right = rows == n;
	for (uint32_t k = 0; k < n; k++) {
		const struct rating *b = &t->row[order[k]], *a = k ? &t->row[order[k - 1]] : NULL;

		right = right && split_part(s, order[k]) == part;
		if (a)
			right = right && (a->user != b->user	      ? a->user < b->user
						 : a->time != b->time ? a->time < b->time
								      : order[k - 1] < order[k]);
	}
	free(order);
	return right;
}

static bool check_split(
	const struct ratings *r, const struct table *t, const struct split_config *config)
{
	struct split *s = split_new(r, config);
	bool right = true;

	for (uint32_t k = 0; k < t->num; k++)
		right = right && split_part(s, k) == plain_part(t, k, config);
	for (int part = PART_TRAIN; part <= PART_VALID; part++)
		right = right && sorted_part(s, t, (enum split_part)part);
	split_free(s);
	return right;
}

/* Do the rows of a part come from the disk as they do from memory? */
static bool equal_part(struct disk_split *on_disk, const struct split *s, const struct ratings *r,
	enum split_part part)
{
	uint32_t *order = split_select(s, part), n = split_counts(s)->rows[part], at = 0;
	struct rating row;
	bool same = disk_split_counts(on_disk)->rows[part] == n;

	if (part == PART_TRAIN)
		for (uint32_t k = 0; k < r->num; k++)
			if (split_part(s, k) == part)
				order[at++] = k;
	for (uint32_t k = 0; disk_split_next(on_disk, part, &row); k++) {
		struct rating of_memory = k < n ? ratings_row(r, order[k]) : (struct rating){ 0 };

		same = same && k < n && row.user == of_memory.user && row.item == of_memory.item &&
		       row.rating == of_memory.rating && row.time == of_memory.time;
		at = k + 1;
	}
	free(order);
	return same && at == n;
}

/* A table merged, cleaned and split on the disk, against the same in memory. */
static bool check_disk(const struct table *t, enum duplicates how, struct split_config *config,
	uint32_t min_user, uint32_t min_item)
{
	const uint64_t hash[9] = { 5, 3, 8, 1, 9, 2, 7, 4, 6 };
	struct disk_ratings *d = disk_ratings_new(1);
	struct disk_split *on_disk;
	struct merged m, n;
	struct split *s;
	struct ratings r;
	bool same;

	load(&r, t);
	for (uint32_t k = 0; k < t->num; k++)
		disk_ratings_add(d, &t->row[k]);
	m = ratings_merge(&r, how);
	n = disk_ratings_merge(d, how, true, 8, 9);
	same = m.dropped == n.dropped && m.first == n.first && m.second == n.second &&
	       m.user == n.user && m.item == n.item;
	same = same &&
	       ratings_core(&r, min_user, min_item) == disk_ratings_core(d, min_user, min_item);
	config->user_hash = config->item_hash = hash;
	s = split_new(&r, config);
	on_disk = disk_split_new(d, config);
	for (int part = PART_TRAIN; part <= PART_VALID; part++)
		same = same && equal_part(on_disk, s, &r, (enum split_part)part);
	same = same && split_counts(s)->short_users == disk_split_counts(on_disk)->short_users &&
	       split_counts(s)->untrained_users == disk_split_counts(on_disk)->untrained_users;
	split_free(s);
	disk_split_free(on_disk);
	disk_ratings_free(d);
	ratings_release(&r);
	return same;
}

static void check_disks(void)
{
	unsigned right = 0, of = 0;

	for (uint64_t seed = 0; seed < TABLES; seed++)
		for (int how = DUPLICATES_LATEST; how <= DUPLICATES_ERROR; how++)
			for (int m = 0; m < 6; m++) {
				struct split_config config = { .mode = (enum split_mode)(m / 2),
					.valid = m % 2,
					.seed = seed,
					.ratio = 0.05 + 0.4 * (double)seed / TABLES };
				struct table t;

				fill(&t, seed);
				right += check_disk(&t, (enum duplicates)how, &config,
					(uint32_t)seed % 4, (uint32_t)seed % 3);
				of++;
			}
	CHECK(right == of, "%u of %u tables are split on the disk as in memory", right, of);
}

int main(void)
{
	unsigned repeats = 0, cores = 0, modes[4] = { 0 };

	for (uint64_t seed = 0; seed < TABLES; seed++) {
		struct ratings r;
		struct table t;
		uint32_t before;

		fill(&t, seed);
		load(&r, &t);
		before = t.num;
		plain_drop_repeats(&t);
		repeats += ratings_merge(&r, DUPLICATES_LATEST).dropped == before - t.num &&
			   equal(&r, &t);
		for (int m = 0; m < 4; m++) {
			struct split_config config = { .mode = m < 2 ? SPLIT_LEAVE_ONE_OUT
								     : SPLIT_GLOBAL_TIME,
				.valid = m % 2,
				.ratio = 0.05 + 0.4 * (double)seed / TABLES };

			modes[m] += check_split(&r, &t, &config);
		}
		before = t.num;
		plain_core(&t, 1 + seed % 5, 1 + seed % 4);
		cores += ratings_core(&r, 1 + seed % 5, 1 + seed % 4) == before - t.num &&
			 equal(&r, &t);
		ratings_release(&r);
	}
	CHECK(repeats == TABLES, "repeats of %u tables are as by comparing all pairs", repeats);
	CHECK(cores == TABLES, "cores of %u tables are as by rounds", cores);
	CHECK(modes[0] == TABLES, "leave-one-out of %u tables", modes[0]);
	CHECK(modes[1] == TABLES, "leave-one-out with valid of %u tables", modes[1]);
	CHECK(modes[2] == TABLES, "global-time of %u tables", modes[2]);
	CHECK(modes[3] == TABLES, "global-time with valid of %u tables", modes[3]);
	check_disks();
	return CHECK_EXIT;
}
