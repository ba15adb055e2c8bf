#include "data/lint.h"

#include "base/bitset.h"
#include "base/die.h"
#include "base/real.h"

#include <stdlib.h>

const char *const lint_verdict_names[] = { "ok", "note", "warning", "error" };

/* A bound is far too wide with more than this many ids for nothing, and more than are used. */
enum { SPARE_IDS = 100 };

void lint_add(struct lint *l, struct lint_check check)
{
	if (l->num == LINT_MAX_CHECKS)
		BUG("more than %d checks", LINT_MAX_CHECKS);
	if (check.count == 0)
		check.verdict = LINT_OK;
	l->check[l->num++] = check;
}

/* Of the items of `a`, how many does the user have in `b` too? */
static uint64_t count_common(const struct user_items *a, const struct lint_part *b)
{
	uint64_t common = 0;
	uint32_t n;

	for (uint32_t u = 0; u < a->num_users; u++) {
		const uint32_t *item = user_items_get(a, u, &n);

		for (uint32_t k = 0; k < n; k++)
			common += lint_part_has(b, u, item[k]);
	}
	return common;
}

static void check_overlap(struct lint *l, const char *id, const struct lint_part *a,
	const struct lint_part *b, const char *what)
{
	if (a && b)
		lint_add(l,
			(struct lint_check){ id, LINT_ERROR, count_common(&a->items, b),
				user_items_size(&a->items), what,
				"make all parts with one run of ml-split, and drop duplicates before" });
}

static void check_duplicates(struct lint *l, const struct lint_input *in)
{
	const struct lint_part *const parts[] = { in->train, in->valid, in->test };
	uint64_t duplicates = 0, rows = 0;

	for (unsigned k = 0; k < 3; k++) {
		duplicates += parts[k] ? parts[k]->duplicates : 0;
		rows += parts[k] ? parts[k]->rows : 0;
	}
	lint_add(l, (struct lint_check){ "duplicates", LINT_WARNING, duplicates, rows,
			    "rows repeat a user and item of their part",
			    "ml-split and cof-import keep one: --duplicates latest" });
}

/* Ids below `num` in a part. */
static void mark(const struct user_items *m, unsigned char *users, unsigned char *items)
{
	for (uint32_t u = 0; u < m->num_users; u++)
		if (m->start[u] < m->start[u + 1])
			bitset_add(users, u);
	for (uint64_t k = 0; k < user_items_size(m); k++)
		bitset_add(items, m->item[k]);
}

static uint32_t count_marks(const unsigned char *set, uint32_t num)
{
	uint32_t n = 0;

	for (uint32_t k = 0; k < num; k++)
		n += bitset_has(set, k);
	return n;
}

static void check_width(struct lint *l, const char *id, uint32_t used, uint32_t bound, bool users)
{
	const uint32_t spare = bound - used;
	const bool wide = spare > SPARE_IDS && spare > used;

	lint_add(l,
		(struct lint_check){ id, wide ? LINT_WARNING : LINT_OK, spare, bound,
			users ? "user ids below the bound have no row"
			      : "item ids below the bound have no row",
			"let ml-split or cof-import number them; tables are as long as the bound" });
}

/* Ids in no stream at all. */
static void check_widths(struct lint *l, const struct lint_input *in)
{
	const struct lint_part *const parts[] = { in->train, in->valid, in->test };
	uint32_t num_users = in->train->header.num_users, num_items = in->train->header.num_items;
	unsigned char *users, *items;

	for (unsigned k = 1; k < 3; k++)
		if (parts[k]) {
			const struct rec_header *h = &parts[k]->header;

			num_users = h->num_users > num_users ? h->num_users : num_users;
			num_items = h->num_items > num_items ? h->num_items : num_items;
		}
	if (in->candidates) {
		const struct rec_header *h = &in->candidates->header;

		num_users = h->num_users > num_users ? h->num_users : num_users;
		num_items = h->num_items > num_items ? h->num_items : num_items;
	}
	users = bitset_new(num_users);
	items = bitset_new(num_items);
	for (unsigned k = 0; k < 3; k++)
		if (parts[k])
			mark(&parts[k]->items, users, items);
	if (in->candidates) {
		mark(&in->candidates->positives, users, items);
		mark(&in->candidates->negatives, users, items);
	}
	check_width(l, "wide-users", count_marks(users, num_users), num_users, true);
	check_width(l, "wide-items", count_marks(items, num_items), num_items, false);
	free(users);
	free(items);
}

/* Users and items of test that train does not have. */
static void check_cold(struct lint *l, const struct lint_part *train, const struct lint_part *test)
{
	const uint32_t num_users = test->header.num_users, num_items = test->header.num_items;
	const uint32_t most =
		num_items > train->header.num_items ? num_items : train->header.num_items;
	unsigned char *users = bitset_new(num_users), *items = bitset_new(most);
	unsigned char *trained = bitset_new(most);
	uint64_t cold_users = 0, cold_items = 0;

	mark(&test->items, users, items);
	for (uint64_t k = 0; k < user_items_size(&train->items); k++)
		bitset_add(trained, train->items.item[k]);
	for (uint32_t u = 0; u < num_users; u++)
		cold_users += bitset_has(users, u) && lint_part_num(train, u) == 0;
	for (uint32_t i = 0; i < most; i++)
		cold_items += bitset_has(items, i) && !bitset_has(trained, i);
	lint_add(l, (struct lint_check){ "cold-users", LINT_WARNING, cold_users,
			    count_marks(users, num_users), "users of test have no row in train",
			    "nothing is known of them: drop them, or say how many they are" });
	lint_add(l, (struct lint_check){ "cold-items", LINT_NOTE, cold_items,
			    count_marks(items, most), "items of test have no row in train",
			    "no model can rank them but by chance; --min-item drops rare items" });
	free(users);
	free(items);
	free(trained);
}

/* Was a held-out row of the user taken from among rows of the same time? */
static bool is_tied(const struct lint_input *in, uint32_t u)
{
	const struct lint_part *valid = in->valid;
	const bool has_valid = valid && lint_part_num(valid, u) > 0;
	const bool in_train = lint_part_num(in->train, u) > 0;
	const int64_t first = in->test->first[u];

	if (lint_part_num(in->test, u) == 0)
		return false;
	return (in_train && first == in->train->last[u]) ||
	       (has_valid && first == valid->last[u]) ||
	       (has_valid && in_train && valid->first[u] == in->train->last[u]);
}

static void check_times(struct lint *l, const struct lint_input *in)
{
	const struct lint_part *train = in->train, *test = in->test;
	uint64_t tied = 0, users = 0;

	if (!train->has_times || !test->has_times)
		return;
	for (uint32_t u = 0; u < test->header.num_users; u++) {
		tied += is_tied(in, u);
		users += lint_part_num(test, u) > 0;
	}
	if (test->before_itself == 0) /* else times did not decide */
		lint_add(l, (struct lint_check){ "tied-latest", LINT_NOTE, tied, users,
				    "users have a held-out row of the time of one that stayed",
				    "the order of the input decided: keep it, or say so" });
	lint_add(l, (struct lint_check){ "time-leak", LINT_NOTE, test->before_train, test->rows,
			    "test rows are older than the newest row of train",
			    "a model knows what others did later; ml-split --mode global-time" });
	lint_add(l,
		(struct lint_check){ "own-future", LINT_NOTE, test->before_itself, test->rows,
			"test rows are older than a train row of their user",
			"a model knows their later taste; --mode leave-one-out or global-time" });
}

static void check_data(struct lint *l, const struct lint_part *train)
{
	const uint64_t pairs = user_items_size(&train->items);
	uint32_t most = 0;

	for (uint32_t u = 0; u < train->header.num_users; u++) {
		const uint32_t n = lint_part_num(train, u);

		most = n > most ? n : most;
	}
	lint_add(l, (struct lint_check){ "one-user",
			    2 * (uint64_t)most > pairs ? LINT_WARNING : LINT_OK, most, pairs,
			    "rows of train are of one user",
			    "a robot, or a default id: drop it, or look at the ids" });
	if (train->header.kind == REC_RATING)
		lint_add(l, (struct lint_check){ "one-rating", LINT_NOTE,
				    train->least == train->greatest ? train->rows : 0, train->rows,
				    "ratings of train are all the same number",
				    "binarize --min-rating cannot tell what was liked" });
}

/* Items of train that no list has as a negative. Uniform draws leave out n (1 - 1/n)^draws of n. */
static void check_drawn(
	struct lint *l, const struct lint_part *train, const struct lint_lists *lists)
{
	const uint32_t num = train->header.num_items > lists->header.num_items
				     ? train->header.num_items
				     : lists->header.num_items;
	unsigned char *trained = bitset_new(num), *drawn = bitset_new(num);
	uint64_t items = 0, never = 0;
	double expected;

	for (uint64_t k = 0; k < user_items_size(&train->items); k++)
		bitset_add(trained, train->items.item[k]);
	for (uint64_t k = 0; k < user_items_size(&lists->negatives); k++)
		bitset_add(drawn, lists->negatives.item[k]);
	for (uint32_t i = 0; i < num; i++) {
		items += bitset_has(trained, i);
		never += bitset_has(trained, i) && !bitset_has(drawn, i);
	}
	expected = items ? (double)items * real_exp(-(double)user_items_size(&lists->negatives) /
						    (double)items)
			 : 0;
	lint_add(
		l, (struct lint_check){ "never-drawn",
			   (double)never > 2 * expected + 5 ? LINT_WARNING : LINT_NOTE, never,
			   items, "items of train are nobody's negative",
			   "more than uniform draws leave out: a choice; say which, or rank all" });
	free(trained);
	free(drawn);
}

static void check_candidates(struct lint *l, const struct lint_input *in)
{
	const struct lint_lists *lists = in->candidates;
	const uint64_t negatives = user_items_size(&lists->negatives);
	uint64_t positives = 0;
	uint32_t n;

	for (uint32_t u = 0; u < lists->header.num_users; u++) {
		const uint32_t *item = user_items_get(&lists->negatives, u, &n);

		for (uint32_t k = 0; k < n; k++)
			positives += user_items_has(&lists->positives, u, item[k]) ||
				     (in->test && lint_part_has(in->test, u, item[k]));
	}
	lint_add(l,
		(struct lint_check){ "candidates-in-train", LINT_ERROR,
			count_common(&lists->positives, in->train),
			user_items_size(&lists->positives), "positives of the lists are in train",
			"lists and train are of different splits: make them anew" });
	lint_add(l, (struct lint_check){ "positive-negatives", LINT_WARNING, positives, negatives,
			    "negatives are positives of their user",
			    "they count once, as positives; negsample --candidates draws none" });
	lint_add(l,
		(struct lint_check){ "train-negatives", LINT_WARNING,
			count_common(&lists->negatives, in->train), negatives,
			"negatives are in their user's train",
			"a good model ranks them high; negsample --candidates --exclude train" });
	lint_add(l, (struct lint_check){ "listed-twice", LINT_WARNING, lists->repeats, lists->rows,
			    "candidates are in their user's list again",
			    "each counts once, so that lists are shorter than they look" });
	check_drawn(l, in->train, lists);
}

void lint_run(struct lint *l, const struct lint_input *in)
{
	l->num = 0;
	lint_headers(l, in);
	check_overlap(l, "test-in-train", in->test, in->train, "pairs of test are in train");
	check_overlap(l, "valid-in-train", in->valid, in->train, "pairs of valid are in train");
	check_overlap(l, "test-in-valid", in->test, in->valid, "pairs of test are in valid");
	check_duplicates(l, in);
	if (in->candidates)
		check_candidates(l, in);
	if (in->test) {
		check_cold(l, in->train, in->test);
		check_times(l, in);
	}
	check_data(l, in->train);
	check_widths(l, in);
}
