#include "rank/top_lists.h"

#include "base/bitset.h"
#include "base/die.h"
#include "base/mem.h"
#include "data/grouped.h"
#include "data/user_items.h"
#include "rank/metrics.h"

#include <stdlib.h>
#include <string.h>

struct reading {
	struct rec_reader *in;
	const struct user_items *truth;
	const struct top_lists_use *use;
	struct top_lists_report *report;
	struct top *row; /* of the user being read */
	size_t num, row_capacity;
	uint32_t *item; /* of the same list, best first */
	size_t item_capacity;
	uint32_t *merged; /* room for as many, while the tied are sorted */
	size_t merged_capacity;
	uint32_t *place; /* by item: its place in the list, from 1; 0: none */
	struct rank *rank;
	size_t rank_capacity;
	unsigned char *done; /* users whose list was read */
};

static int by_rank(const void *a, const void *b)
{
	const struct top *x = a, *y = b;

	return (x->rank > y->rank) - (x->rank < y->rank);
}

/* Merge from[low .. middle - 1] and from[middle .. high - 1], each in this order, into `to`. */
static void merge(const struct tie_order *order, const uint32_t *from, uint32_t *to, size_t low,
	size_t middle, size_t high)
{
	size_t left = low, right = middle;

	for (size_t k = low; k < high; k++)
		to[k] = left == middle || (right < high && order->before(order->arg, from[right],
								   from[left]))
				? from[right++]
				: from[left++];
}

/* Sort the items of equal score by another order (qsort has no argument for it). */
static void sort_tied(struct reading *r, size_t low, size_t high)
{
	for (size_t width = 1; width < high - low; width *= 2) {
		for (size_t at = low; at < high; at += 2 * width) {
			size_t middle = at + width < high ? at + width : high,
			       end = middle + width < high ? middle + width : high;

			merge(r->use->order, r->item, r->merged, at, middle, end);
		}
		memcpy(r->item + low, r->merged + low, (high - low) * sizeof(*r->item));
	}
}

/* Sort rows of equal score by another order; places are those in the new one. */
static void reorder(struct reading *r)
{
	size_t high;

	r->merged = xgrow(r->merged, &r->merged_capacity, r->num, sizeof(*r->merged));
	for (size_t low = 0; low < r->num; low = high) {
		for (high = low + 1; high < r->num && r->row[high].score == r->row[low].score;)
			high++;
		sort_tied(r, low, high);
	}
	for (size_t k = 0; k < r->num; k++)
		r->place[r->item[k]] = (uint32_t)k + 1;
}

/* The rows of one user, the last of which was handed out `last_row` rows ago, become a list. */
static void make_list(struct reading *r, uint64_t last_row, uint32_t user)
{
	const struct top *row = r->row;

	qsort(r->row, r->num, sizeof(*r->row), by_rank);
	r->item = xgrow(r->item, &r->item_capacity, r->num, sizeof(*r->item));
	for (size_t k = 0; k < r->num; k++) {
		if (k > 0 && row[k].rank == row[k - 1].rank)
			rec_die(r->in, last_row, "user %u, whose rows end here, has rank %u twice",
				user, row[k].rank);
		if (row[k].rank != k + 1)
			rec_die(r->in, last_row, "user %u, whose rows end here, has no rank %zu",
				user, k + 1);
		if (r->place[row[k].item])
			rec_die(r->in, last_row, "user %u, whose rows end here, has item %u twice",
				user, row[k].item);
		if (k > 0 && row[k].score > row[k - 1].score)
			rec_die(r->in, last_row,
				"user %u, whose rows end here: rank %zu has a greater score than "
				"rank %zu: which of them is the order?",
				user, k + 1, k);
		r->item[k] = row[k].item;
		r->place[row[k].item] = (uint32_t)k + 1;
	}
}

/* Hand the rank rows of a user by the list of r->num items to `each`; false: the truth has none. */
static bool rank_positives(struct reading *r, uint32_t user, user_ranks_each *each)
{
	uint32_t positives;
	const uint32_t *positive = user_items_get(r->truth, user, &positives);
	const uint32_t length = (uint32_t)r->num;
	size_t n = positives;

	if (positives == 0)
		return false;
	r->rank = xgrow(r->rank, &r->rank_capacity, n, sizeof(*r->rank));
	for (size_t k = 0; k < n; k++) {
		const uint32_t place = length ? r->place[positive[k]] : 0;

		r->rank[k] = (struct rank){ .user = user,
			.item = positive[k],
			.above = place ? place - 1 : length,
			.candidates = length };
	}
	if (metrics_prepare(r->rank, &n))
		BUG("ranks of a list contradict each other");
	each(r->use->arg, user, r->rank, n);
	return true;
}

static void end_user(struct reading *r, uint64_t last_row, uint32_t user)
{
	struct top_lists_report *report = r->report;

	make_list(r, last_row, user);
	bitset_add(r->done, user);
	report->lists++;
	report->items += r->num;
	if (r->num > report->longest)
		report->longest = (uint32_t)r->num;
	r->use->each_list(r->use->arg, user, r->item, (uint32_t)r->num);
	report->without_positive += !rank_positives(r, user, r->use->each_user);
	if (r->use->order) {
		reorder(r);
		rank_positives(r, user, r->use->each_reordered);
	}
	for (size_t k = 0; k < r->num; k++)
		r->place[r->item[k]] = 0;
	r->num = 0;
}

static void end_listless(struct reading *r, uint32_t user)
{
	r->report->without_list += rank_positives(r, user, r->use->each_user);
	if (r->use->order)
		rank_positives(r, user, r->use->each_reordered);
}

static void read_lists(struct reading *r)
{
	const struct top *rows;
	struct grouped users;
	size_t n;

	grouped_init(&users, r->in);
	while (grouped_next_user(&users)) {
		while ((rows = grouped_rows(&users, &n)) != NULL) {
			r->row = xgrow(r->row, &r->row_capacity, r->num + n, sizeof(*r->row));
			memcpy(r->row + r->num, rows, n * sizeof(*rows));
			r->num += n;
		}
		end_user(r, grouped_last_row(&users), users.user);
	}
	grouped_release(&users);
}

void top_lists_read(struct rec_reader *in, const struct user_items *truth,
	const struct top_lists_use *use, struct top_lists_report *report)
{
	const uint32_t num_users = rec_header(in)->num_users;
	struct reading r = { .in = in,
		.truth = truth,
		.use = use,
		.report = report,
		.place = xcalloc(rec_header(in)->num_items, sizeof(*r.place)),
		.done = bitset_new(num_users) };

	*report = (struct top_lists_report){ 0 };
	read_lists(&r);
	for (uint32_t u = 0; u < num_users; u++)
		if (!bitset_has(r.done, u))
			end_listless(&r, u);
	free(r.row);
	free(r.item);
	free(r.merged);
	free(r.place);
	free(r.rank);
	free(r.done);
}
