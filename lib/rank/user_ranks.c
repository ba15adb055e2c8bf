#include "rank/user_ranks.h"

#include "base/mem.h"
#include "data/grouped.h"
#include "rank/metrics.h"
#include "rank/ranking.h"

#include <stdlib.h>
#include <string.h>

struct reading {
	struct rec_reader *in;
	const struct user_ranks_use *use;
	struct user_ranks_report *report;
	struct rank *rows; /* of the user being read */
	size_t num, capacity;
	uint32_t *best; /* candidates */
	size_t best_capacity;
};

/* The rows of one user are complete; the reader handed out the last one `last_row` rows ago. `list`
   is what they were made from; NULL: nothing. */
static void end_user(
	struct reading *r, uint64_t last_row, uint32_t user, const struct candidates *list)
{
	size_t given = r->num;
	const char *fault;

	if (given == 0) {
		r->report->without_positive++;
		return;
	}
	fault = metrics_prepare(r->rows, &r->num);
	if (fault)
		rec_die(r->in, last_row, "user %u, whose rows end here: %s", user, fault);
	r->report->repeated += given - r->num;
	if (list && r->use->order)
		candidates_reorder(list, r->use->order, r->rows, r->num);
	r->use->each(r->use->arg, user, r->rows, r->num);
	r->num = 0;
}

/* Add rows of the user being read, the last of them handed out `last_row` rows ago. */
static void add_ranks(struct reading *r, uint64_t last_row, const struct rank *rows, size_t n)
{
	const uint32_t num_items = rec_header(r->in)->num_items;

	for (size_t k = 0; k < n; k++) {
		if (rows[k].candidates > num_items)
			rec_die(r->in, last_row + n - 1 - k, "%u candidates of %u items",
				rows[k].candidates, num_items);
		if (r->use->order && rows[k].ties)
			rec_die(r->in, last_row + n - 1 - k,
				"item %u ties with others, and ranks do not have their order by "
				"name: scores do",
				rows[k].item);
	}
	r->rows = xgrow(r->rows, &r->capacity, r->num + n, sizeof(*r->rows));
	memcpy(r->rows + r->num, rows, n * sizeof(*rows));
	r->num += n;
}

static void read_ranks(struct reading *r)
{
	const struct rank *rows;
	struct grouped users;
	size_t n;

	grouped_init(&users, r->in);
	while (grouped_next_user(&users)) {
		while ((rows = grouped_rows(&users, &n)) != NULL)
			add_ranks(r, grouped_last_row(&users), rows, n);
		end_user(r, grouped_last_row(&users), users.user, NULL);
	}
	grouped_release(&users);
}

/* Hand out the best of a list. */
static void give_best(struct reading *r, uint32_t user, const struct candidates *list)
{
	const size_t most = r->use->most < list->num ? r->use->most : list->num;
	uint32_t n;

	r->best = xgrow(r->best, &r->best_capacity, most, sizeof(*r->best));
	n = (uint32_t)rank_top(list->score, list->num, most, r->best);
	for (uint32_t k = 0; k < n; k++)
		r->best[k] = list->item[r->best[k]];
	if (n > 0)
		r->use->each_list(r->use->arg, user, r->best, n);
}

/* The list of one user is complete: turn it into rank rows. `last_row` as above. */
static void end_list(struct reading *r, uint64_t last_row, uint32_t user, struct candidates *list)
{
	uint32_t item;

	if (!candidates_finish(list, &r->report->lists, &item))
		rec_die(r->in, last_row,
			"user %u, whose rows end here, has item %u with two scores", user, item);
	if (r->use->each_list)
		give_best(r, user, list);
	r->rows = xgrow(r->rows, &r->capacity, list->num, sizeof(*r->rows));
	r->num = candidates_ranks(user, list->item, list->label, list->score, list->num, r->rows);
	end_user(r, last_row, user, list);
	candidates_clear(list);
}

static void read_scores(struct reading *r)
{
	const struct score *rows;
	struct candidates list;
	struct grouped users;
	size_t n;

	candidates_init(&list);
	grouped_init(&users, r->in);
	while (grouped_next_user(&users)) {
		while ((rows = grouped_rows(&users, &n)) != NULL)
			candidates_add(&list, rows, n);
		end_list(r, grouped_last_row(&users), users.user, &list);
	}
	grouped_release(&users);
	candidates_release(&list);
}

void user_ranks_read(
	struct rec_reader *in, const struct user_ranks_use *use, struct user_ranks_report *report)
{
	struct reading r = { .in = in, .use = use, .report = report };

	if (rec_header(in)->kind == REC_RANK)
		read_ranks(&r);
	else
		read_scores(&r);
	free(r.rows);
	free(r.best);
}
