#include "rank/score_job.h"

#include "base/die.h"
#include "base/mem.h"
#include "base/progress.h"
#include "data/grouped.h"
#include "rank/candidates.h"
#include "rank/ranking.h"

#include <math.h>
#include <stdlib.h>

enum { BATCH_ROWS = 1 << 16 }; /* scored together, at least */

/* The lists of some users, finished, one after another in the arrays. None is empty. */
struct list_batch {
	struct score_job *job;
	size_t num, capacity; /* rows */
	uint32_t *user, *item, *place;
	float *label, *score;
	size_t num_lists, lists_capacity;
	size_t *end; /* of each list */

	/* scratch */
	uint32_t *order, *top;
	struct rank *ranks;
	size_t order_capacity, top_capacity, ranks_capacity;
};

/* Is a listed item handed on: as a candidate, or as a positive that is missed? */
static bool is_kept(const struct score_job *job, uint32_t item, bool positive, bool seen)
{
	if (!score_job_ranks(job, item))
		return positive;
	return !seen || (positive && job->kind != REC_TOP);
}

static void batch_grow(struct list_batch *b, size_t need)
{
	size_t capacity = b->capacity;

	if (need <= capacity)
		return;
	capacity = need > 2 * capacity ? need : 2 * capacity;
	b->user = xrealloc(b->user, capacity, sizeof(*b->user));
	b->item = xrealloc(b->item, capacity, sizeof(*b->item));
	b->place = xrealloc(b->place, capacity, sizeof(*b->place));
	b->label = xrealloc(b->label, capacity, sizeof(*b->label));
	b->score = xrealloc(b->score, capacity, sizeof(*b->score));
	b->capacity = capacity;
}

/* Append row k of a finished list. */
static void batch_add_row(
	struct list_batch *b, uint32_t user, const struct candidates *list, size_t k)
{
	b->user[b->num] = user;
	b->item[b->num] = list->item[k];
	b->place[b->num] = (uint32_t)candidates_place(list, k);
	b->label[b->num] = list->label[k];
	b->num++;
}

/* Append a list as it was read. */
static void batch_add(struct list_batch *b, uint32_t user, struct candidates *list)
{
	struct score_job *job = b->job;
	struct candidates_report found = { 0, 0 };
	uint32_t item;
	size_t candidates = 0, positives = 0, begin = b->num;

	if (!candidates_finish(list, &found, &item))
		BUG("rows without scores have two");
	job->repeats += found.repeats;
	job->mixed += found.mixed;
	batch_grow(b, b->num + list->num);
	for (size_t k = 0; k < list->num; k++) {
		bool positive = list->label[k] > 0, inside = score_job_ranks(job, list->item[k]);
		bool seen = user_items_has(&job->seen, user, list->item[k]);

		job->outside += positive && !inside;
		if (!is_kept(job, list->item[k], positive, seen))
			continue;
		job->seen_positives += seen && inside;
		candidates += inside;
		positives += positive;
		batch_add_row(b, user, list, k);
	}
	score_job_count_user(job, user);
	job->without_candidates += candidates == 0;
	job->without_positive += positives == 0;
	if (b->num == begin)
		return;
	b->end = xgrow(b->end, &b->lists_capacity, b->num_lists + 1, sizeof(*b->end));
	b->end[b->num_lists++] = b->num;
}

/* Write rows begin..end-1 in the order of the input: their places are distinct. */
static void write_scores(struct list_batch *b, size_t begin, size_t end)
{
	uint32_t most = 0;

	for (size_t k = begin; k < end; k++)
		most = b->place[k] > most ? b->place[k] : most;
	b->order = xgrow(b->order, &b->order_capacity, (size_t)most + 1, sizeof(*b->order));
	for (size_t p = 0; p <= most; p++)
		b->order[p] = UINT32_MAX;
	for (size_t k = begin; k < end; k++)
		b->order[b->place[k]] = (uint32_t)(k - begin);
	for (size_t p = 0; p <= most; p++) {
		size_t k = begin + b->order[p];

		if (b->order[p] != UINT32_MAX)
			rec_write(b->job->out, &(struct score){ b->user[k], b->item[k], b->label[k],
						       b->score[k] });
	}
}

static void write_top(struct list_batch *b, size_t begin, size_t end)
{
	uint32_t k = b->job->top < end - begin ? b->job->top : (uint32_t)(end - begin);
	size_t num;

	b->top = xgrow(b->top, &b->top_capacity, k, sizeof(*b->top));
	num = rank_top(b->score + begin, end - begin, k, b->top);
	for (size_t j = 0; j < num; j++) {
		size_t at = begin + b->top[j];

		rec_write(b->job->out,
			&(struct top){ b->user[at], b->item[at], (uint32_t)j + 1, b->score[at] });
	}
}

static void write_ranks(struct list_batch *b, size_t begin, size_t end)
{
	size_t num;

	b->ranks = xgrow(b->ranks, &b->ranks_capacity, end - begin, sizeof(*b->ranks));
	num = candidates_ranks(b->user[begin], b->item + begin, b->label + begin, b->score + begin,
		end - begin, b->ranks);
	rec_write_rows(b->job->out, b->ranks, num);
}

/* The scores of users given by their items: a block of all items, and the listed ones picked. */
static void score_from_blocks(struct list_batch *b)
{
	const uint32_t width = b->job->scorer->num_items;
	const size_t most = score_job_block_users(width);
	uint32_t *user = xmalloc(most, sizeof(*user));
	float *block = xmalloc(most * width, sizeof(*block));
	size_t row = 0;

	for (size_t list = 0, n; list < b->num_lists; list += n) {
		n = b->num_lists - list < most ? b->num_lists - list : most;
		for (size_t k = 0; k < n; k++)
			user[k] = b->user[b->end[list + k] - 1];
		score_job_block(b->job, n, user, 0, width, block);
		for (size_t k = 0; k < n; k++)
			for (; row < b->end[list + k]; row++)
				b->score[row] = block[k * width + b->item[row]];
	}
	free(user);
	free(block);
}

/* Score what is in the batch, write it and empty the batch. */
static void batch_flush(struct list_batch *b)
{
	const struct score_job *job = b->job;
	size_t begin = 0, bad;

	if (job->user_items)
		score_from_blocks(b);
	else if (b->num > 0)
		job->scorer->score_pairs(job->scorer->arg, b->num, b->user, b->item, b->score);
	bad = rank_bad_score(b->score, b->num);
	if (bad < b->num)
		score_job_bad_score(b->user[bad], b->item[bad]);
	for (size_t k = 0; k < b->num; k++)
		if (!score_job_ranks(job, b->item[k]))
			b->score[k] = -INFINITY;
	for (size_t l = 0; l < b->num_lists; begin = b->end[l++]) {
		if (job->kind == REC_SCORE)
			write_scores(b, begin, b->end[l]);
		else if (job->kind == REC_TOP)
			write_top(b, begin, b->end[l]);
		else
			write_ranks(b, begin, b->end[l]);
	}
	b->num = b->num_lists = 0;
}

static void batch_release(struct list_batch *b)
{
	free(b->user);
	free(b->item);
	free(b->place);
	free(b->label);
	free(b->score);
	free(b->end);
	free(b->order);
	free(b->top);
	free(b->ranks);
}

void score_lists(struct score_job *job)
{
	static struct score scores[GROUPED_MAX_ROWS];
	struct list_batch b = { .job = job };
	struct candidates list;
	struct grouped users;
	const void *rows;
	size_t n;

	candidates_init(&list);
	grouped_init(&users, job->in);
	progress_start("rows", 0);
	while (grouped_next_user(&users)) {
		while ((rows = grouped_rows(&users, &n)) != NULL) {
			score_job_decode(job, rows, n, scores);
			candidates_add(&list, scores, n);
		}
		batch_add(&b, users.user, &list);
		candidates_clear(&list);
		if (b.num >= BATCH_ROWS)
			batch_flush(&b);
	}
	batch_flush(&b);
	progress_end();
	grouped_release(&users);
	candidates_release(&list);
	batch_release(&b);
}
