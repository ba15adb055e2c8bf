#include "rank/score_block.h"

#include "base/mem.h"
#include "base/pool.h"
#include "rank/score_rows.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Some of a user's items, ascending. */
struct item_span {
	const uint32_t *item;
	uint32_t num;
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

/*
 * List what user k has no candidates in: what nobody has, and the seen items (but positives, except
 * in top lists).
 */
static void list_removed(struct score_block *b, size_t k, struct item_span positives)
{
	const struct score_job *job = b->table->job;
	struct item_span seen = slice(items_of(&job->seen, b->user[k]), job->first, job->end);
	uint32_t removed = b->removed.start[k] + b->table->num_barred, p = 0;
	struct user_counts *counts = &b->counts[k];

	b->removed.place = xgrow(b->removed.place, &b->removed.capacity, removed + seen.num,
		sizeof(*b->removed.place));
	if (b->table->num_barred > 0)
		memcpy(b->removed.place + b->removed.start[k], b->table->barred,
			b->table->num_barred * sizeof(*b->table->barred));
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
static void list_user(struct score_block *b, size_t k)
{
	const struct score_job *job = b->table->job;
	struct item_span positives = items_of(&b->table->positives, b->user[k]);
	uint32_t wanted = b->wanted.start[k];

	b->counts[k] = (struct user_counts){ .candidates = b->table->width - b->table->num_barred };
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
	struct score_block *b = arg;
	const struct score_job *job = b->table->job;
	float *row = b->score + k * b->table->width;
	uint32_t *top = b->top + k * job->top;

	(void)thread;
	b->bad[k] = (uint32_t)rank_bad_score(row, b->table->width);
	if (b->bad[k] < b->table->width)
		return;
	for (uint32_t p = b->removed.start[k]; p < b->removed.start[k + 1]; p++)
		row[b->removed.place[p]] = -INFINITY;
	for (uint32_t p = b->wanted.start[k]; p < b->wanted.start[k + 1]; p++)
		b->rank[p] = rank_place(row, b->table->width, b->wanted.place[p]);
	if (job->kind != REC_TOP)
		return;
	b->num_top[k] = (uint32_t)rank_top(row, b->table->width, job->top, top);
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
static void write_scores(const struct score_block *b, size_t k)
{
	const struct score_job *job = b->table->job;
	const float *row = b->score + k * b->table->width;
	const uint32_t user = b->user[k];
	const struct item_span positives = items_of(&b->table->positives, user);
	uint32_t p = 0, next;

	for (; p < positives.num && positives.item[p] < job->first; p++)
		rec_write(job->out, &(struct score){ user, positives.item[p], 1, -INFINITY });
	for (uint32_t i = 0; i <= b->table->width; i = next + 1) {
		const bool inside = p < positives.num && positives.item[p] < job->end;

		next = inside ? positives.item[p] - job->first : b->table->width;
		write_negatives(job, user, i, row + i, next - i);
		if (inside)
			rec_write(job->out,
				&(struct score){ user, positives.item[p++], 1, row[next] });
	}
	for (; p < positives.num; p++)
		rec_write(job->out, &(struct score){ user, positives.item[p], 1, -INFINITY });
}

static void write_ranks(const struct score_block *b, size_t k)
{
	const struct score_job *job = b->table->job;
	const struct rank_place *place = b->rank + b->wanted.start[k];
	struct item_span positives = items_of(&b->table->positives, b->user[k]);
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

static void write_top(const struct score_block *b, size_t k)
{
	const struct score_job *job = b->table->job;
	const uint32_t *top = b->top + k * job->top;
	const float *best = b->best + k * job->top;

	for (uint32_t j = 0; j < b->num_top[k]; j++)
		rec_write(
			job->out, &(struct top){ b->user[k], job->first + top[j], j + 1, best[j] });
}

void score_block_write(struct score_block *b)
{
	struct score_job *job = b->table->job;

	for (size_t k = 0; k < b->num_users; k++) {
		const struct user_counts *counts = &b->counts[k];

		if (b->bad[k] < b->table->width)
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
	b->num_users = 0;
}

/* Does the scorer rank its blocks itself? */
static bool scorer_ranks(const struct score_job *job)
{
	if (job->user_items)
		return false;
	return (job->kind == REC_RANK && job->scorer->rank_block) ||
	       (job->kind == REC_TOP && job->scorer->top_block);
}

void score_block_score(struct score_block *b)
{
	const struct score_job *job = b->table->job;
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
}

void score_block_init(struct score_block *b, const struct score_table *table)
{
	const size_t most = table->max_users, top = table->job->top;

	*b = (struct score_block){ .table = table };
	b->user = xmalloc(most, sizeof(*b->user));
	b->score = xmalloc(scorer_ranks(table->job) ? 0 : most * table->width, sizeof(*b->score));
	b->counts = xmalloc(most, sizeof(*b->counts));
	b->removed.start = xcalloc(most + 1, sizeof(*b->removed.start));
	b->wanted.start = xcalloc(most + 1, sizeof(*b->wanted.start));
	b->bad = xmalloc(most, sizeof(*b->bad));
	b->top = xmalloc(most, top * sizeof(*b->top));
	b->best = xmalloc(most, top * sizeof(*b->best));
	b->num_top = xmalloc(most, sizeof(*b->num_top));
}

void score_block_release(struct score_block *b)
{
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
