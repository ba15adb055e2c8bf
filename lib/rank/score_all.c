#include "rank/score_job.h"

#include "base/bitset.h"
#include "base/mem.h"
#include "base/pool.h"
#include "base/progress.h"
#include "rank/ranking.h"
#include "rank/score_rows.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK = 4096 }; /* rows read or written at a time */

/* Some of a user's items, ascending. */
struct item_span {
	const uint32_t *item;
	uint32_t num;
};

/* Known of a user of the block before the scores are. */
struct user_counts {
	uint32_t candidates, seen_positives, outside;
};

/* Half of a struct rank_lists: places that row k removes, or whose rank it wants. */
struct place_lists {
	uint32_t *start; /* num_users + 1 */
	uint32_t *place;
	size_t capacity;
};

struct block {
	struct score_job *job;
	struct user_items positives;
	unsigned char *listed; /* bitset of the users in the input */
	uint32_t width;	       /* items scored */
	uint32_t *barred;      /* places of those that are no candidates of anybody */
	uint32_t num_barred;
	size_t max_users, num_users;
	uint32_t *user;
	float *score;		    /* num_users x width, unless the scorer ranks */
	struct user_counts *counts; /* one per user */
	struct place_lists removed, wanted;

	/* what ranking gives, here or in the scorer */
	uint32_t *bad; /* per user: place of the first score that is not finite, or the width */
	struct rank_place *rank; /* of wanted.place */
	size_t rank_capacity;
	uint32_t *top, *num_top; /* num_users x job->top places, and how many of them per user */
	float *best;		 /* their scores */
};

static struct item_span items_of(const struct user_items *h, uint32_t user)
{
	struct item_span s;

	s.item = user_items_get(h, user, &s.num);
	return s;
}

/* Those of the items with low <= item < high. */
static struct item_span slice(struct item_span s, uint32_t low, uint32_t high)
{
	while (s.num > 0 && s.item[0] < low) {
		s.item++;
		s.num--;
	}
	while (s.num > 0 && s.item[s.num - 1] >= high)
		s.num--;
	return s;
}

/* Read the input to its end: who is listed, and the positives. */
static void read_input(struct block *b)
{
	static union {
		struct interaction interaction[CHUNK];
		struct rating rating[CHUNK];
		struct sample sample[CHUNK];
	} rows; /* of any kind that a scorer reads */
	static struct score scores[CHUNK];
	struct score_job *job = b->job;

	b->listed = bitset_new(job->num_users);
	user_items_init(&b->positives, job->num_users, job->scorer->num_items);
	for (size_t n; (n = rec_read_rows(job->in, &rows, CHUNK)) > 0;) {
		score_job_decode(job, &rows, n, scores);
		for (size_t k = 0; k < n; k++) {
			bitset_add(b->listed, scores[k].user);
			if (scores[k].label > 0)
				user_items_add(&b->positives, scores[k].user, scores[k].item);
		}
	}
	job->repeats += user_items_finish(&b->positives);
}

/*
 * List what user k has no candidates in: what nobody has, and the seen items (but positives, except
 * in top lists).
 */
static void list_removed(struct block *b, size_t k, struct item_span positives)
{
	const struct score_job *job = b->job;
	struct item_span seen = slice(items_of(&job->seen, b->user[k]), job->first, job->end);
	uint32_t removed = b->removed.start[k] + b->num_barred, p = 0;
	struct user_counts *counts = &b->counts[k];

	b->removed.place = xgrow(b->removed.place, &b->removed.capacity, removed + seen.num,
		sizeof(*b->removed.place));
	if (b->num_barred > 0)
		memcpy(b->removed.place + b->removed.start[k], b->barred,
			b->num_barred * sizeof(*b->barred));
	for (uint32_t j = 0; j < seen.num; j++) {
		if (!score_job_ranks(job, seen.item[j]))
			continue;
		while (p < positives.num && positives.item[p] < seen.item[j])
			p++;
		if (job->kind != REC_TOP && p < positives.num &&
			positives.item[p] == seen.item[j]) {
			counts->seen_positives++;
			continue;
		}
		b->removed.place[removed++] = seen.item[j] - job->first;
		counts->candidates--;
	}
	b->removed.start[k + 1] = removed;
}

/* List what is no candidate of user k, and the positives whose rank is wanted. */
static void list_user(struct block *b, size_t k)
{
	const struct score_job *job = b->job;
	struct item_span positives = items_of(&b->positives, b->user[k]);
	uint32_t wanted = b->wanted.start[k];

	b->counts[k] = (struct user_counts){ .candidates = b->width - b->num_barred };
	list_removed(b, k, positives);
	b->wanted.place = xgrow(b->wanted.place, &b->wanted.capacity, wanted + positives.num,
		sizeof(*b->wanted.place));
	for (uint32_t j = 0; j < positives.num; j++) {
		if (!score_job_ranks(job, positives.item[j]))
			b->counts[k].outside++;
		else if (job->kind == REC_RANK)
			b->wanted.place[wanted++] = positives.item[j] - job->first;
	}
	b->wanted.start[k + 1] = wanted;
}

/* Check user k's row of scores, mask what is not a candidate, and rank. */
static void rank_user(void *arg, size_t k, unsigned thread)
{
	struct block *b = arg;
	const struct score_job *job = b->job;
	float *row = b->score + k * b->width;
	uint32_t *top = b->top + k * job->top;

	(void)thread;
	b->bad[k] = (uint32_t)rank_bad_score(row, b->width);
	if (b->bad[k] < b->width)
		return;
	for (uint32_t p = b->removed.start[k]; p < b->removed.start[k + 1]; p++)
		row[b->removed.place[p]] = -INFINITY;
	for (uint32_t p = b->wanted.start[k]; p < b->wanted.start[k + 1]; p++)
		b->rank[p] = rank_place(row, b->width, b->wanted.place[p]);
	if (job->kind != REC_TOP)
		return;
	b->num_top[k] = (uint32_t)rank_top(row, b->width, job->top, top);
	for (uint32_t j = 0; j < b->num_top[k]; j++)
		b->best[k * job->top + j] = row[top[j]];
}

/* Rows of n places from `place` on that are candidates, and no positives. */
static void write_negatives(
	const struct score_job *job, uint32_t user, uint32_t place, const float *score, uint32_t n)
{
	while (n > 0) {
		size_t some = n;
		struct score *rows = rec_room(job->out, &some);

		rec_put_rows(
			job->out, score_rows_make(user, job->first + place, score, some, rows));
		place += (uint32_t)some;
		score += some;
		n -= (uint32_t)some;
	}
}

/* The candidates of user k, with the positives that are none, items ascending. */
static void write_scores(const struct block *b, size_t k)
{
	const struct score_job *job = b->job;
	const float *row = b->score + k * b->width;
	const uint32_t user = b->user[k];
	const struct item_span positives = items_of(&b->positives, user);
	uint32_t p = 0, next;

	for (; p < positives.num && positives.item[p] < job->first; p++)
		rec_write(job->out, &(struct score){ user, positives.item[p], 1, -INFINITY });
	for (uint32_t i = 0; i <= b->width; i = next + 1) {
		const bool inside = p < positives.num && positives.item[p] < job->end;

		next = inside ? positives.item[p] - job->first : b->width;
		write_negatives(job, user, i, row + i, next - i);
		if (inside)
			rec_write(job->out,
				&(struct score){ user, positives.item[p++], 1, row[next] });
	}
	for (; p < positives.num; p++)
		rec_write(job->out, &(struct score){ user, positives.item[p], 1, -INFINITY });
}

static void write_ranks(const struct block *b, size_t k)
{
	const struct score_job *job = b->job;
	const struct rank_place *place = b->rank + b->wanted.start[k];
	struct item_span positives = items_of(&b->positives, b->user[k]);
	uint32_t candidates = b->counts[k].candidates;

	for (uint32_t p = 0; p < positives.num; p++) {
		uint32_t item = positives.item[p];
		struct rank row = { b->user[k], item, candidates, 0, 0, candidates };

		if (score_job_ranks(job, item)) {
			row.above = place->above;
			row.ties = place->ties;
			row.ties_before = place->ties_before;
			place++;
		}
		rec_write(job->out, &row);
	}
}

static void write_top(const struct block *b, size_t k)
{
	const struct score_job *job = b->job;
	const uint32_t *top = b->top + k * job->top;
	const float *best = b->best + k * job->top;

	for (uint32_t j = 0; j < b->num_top[k]; j++)
		rec_write(
			job->out, &(struct top){ b->user[k], job->first + top[j], j + 1, best[j] });
}

/* Write the results in the order of users. */
static void write_block(struct block *b)
{
	struct score_job *job = b->job;

	for (size_t k = 0; k < b->num_users; k++) {
		const struct user_counts *counts = &b->counts[k];

		if (b->bad[k] < b->width)
			score_job_bad_score(b->user[k], job->first + b->bad[k]);
		job->seen_positives += counts->seen_positives;
		job->outside += counts->outside;
		job->without_candidates += counts->candidates == 0;
		if (job->kind == REC_SCORE)
			write_scores(b, k);
		else if (job->kind == REC_TOP)
			write_top(b, k);
		else
			write_ranks(b, k);
	}
}

/* Does the scorer rank its blocks itself? */
static bool scorer_ranks(const struct score_job *job)
{
	if (job->user_items)
		return false;
	return (job->kind == REC_RANK && job->scorer->rank_block) ||
	       (job->kind == REC_TOP && job->scorer->top_block);
}

static void score_users(struct block *b)
{
	const struct score_job *job = b->job;
	const struct scorer *s = job->scorer;
	size_t n = b->num_users;

	for (size_t k = 0; k < n; k++)
		list_user(b, k);
	b->rank = xgrow(b->rank, &b->rank_capacity, b->wanted.start[n], sizeof(*b->rank));
	struct rank_lists lists = { b->removed.start, b->removed.place, b->wanted.start,
		b->wanted.place };
	if (!scorer_ranks(job)) {
		score_job_block(job, n, b->user, job->first, job->end, b->score);
		pool_run(job->pool, n, rank_user, b);
	} else if (job->kind == REC_RANK) {
		s->rank_block(s->arg, n, b->user, job->first, job->end, &lists, b->bad, b->rank);
	} else {
		s->top_block(s->arg, n, b->user, job->first, job->end, &lists, b->bad, job->top,
			b->top, b->best, b->num_top);
	}
	write_block(b);
	b->num_users = 0;
}

/* The places that --candidates leaves out. */
static void list_barred(struct block *b)
{
	const struct score_job *job = b->job;

	b->barred = xmalloc(job->candidates ? b->width : 0, sizeof(*b->barred));
	for (uint32_t p = 0; job->candidates && p < b->width; p++)
		if (!score_job_ranks(job, job->first + p))
			b->barred[b->num_barred++] = p;
}

static void block_alloc(struct block *b)
{
	list_barred(b);
	b->max_users = score_job_block_users(b->width);
	b->user = xmalloc(b->max_users, sizeof(*b->user));
	b->score = xmalloc(scorer_ranks(b->job) ? 0 : b->max_users * b->width, sizeof(*b->score));
	b->counts = xmalloc(b->max_users, sizeof(*b->counts));
	b->removed.start = xcalloc(b->max_users + 1, sizeof(*b->removed.start));
	b->wanted.start = xcalloc(b->max_users + 1, sizeof(*b->wanted.start));
	b->bad = xmalloc(b->max_users, sizeof(*b->bad));
	b->top = xmalloc(b->max_users, b->job->top * sizeof(*b->top));
	b->best = xmalloc(b->max_users, b->job->top * sizeof(*b->best));
	b->num_top = xmalloc(b->max_users, sizeof(*b->num_top));
}

static void block_release(struct block *b)
{
	user_items_release(&b->positives);
	free(b->listed);
	free(b->barred);
	free(b->user);
	free(b->score);
	free(b->counts);
	free(b->removed.start);
	free(b->removed.place);
	free(b->wanted.start);
	free(b->wanted.place);
	free(b->bad);
	free(b->rank);
	free(b->top);
	free(b->best);
	free(b->num_top);
}

void score_all(struct score_job *job)
{
	struct block b = { .job = job, .width = job->end - job->first };
	uint32_t users = job->num_users;

	if (job->top > b.width)
		job->top = b.width; /* no list is longer; room for more might not be had */
	read_input(&b);
	block_alloc(&b);
	progress_start("users", users);
	for (uint32_t u = 0; u < users; u++) {
		bool listed = bitset_has(b.listed, u);
		bool positive = items_of(&b.positives, u).num > 0;

		job->without_positive += listed && !positive;
		if (listed && (positive || job->kind != REC_RANK)) {
			score_job_count_user(job, u);
			b.user[b.num_users++] = u;
		}
		if (b.num_users == b.max_users) {
			score_users(&b);
			progress_at(u);
		}
	}
	if (b.num_users > 0)
		score_users(&b);
	progress_end();
	block_release(&b);
}
