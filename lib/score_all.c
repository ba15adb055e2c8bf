#include "scoring_job.h"

#include "mem.h"
#include "pool.h"
#include "progress.h"
#include "ranking.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/*
 * Scores of a block, in floats: small enough to stay in the last caches between scoring and ranking,
 * large enough to keep threads and matrix products busy.
 */
enum { BLOCK_SCORES = 1 << 20, MAX_BLOCK_USERS = 4096, CHUNK = 4096 };

/* Ids in ascending order. */
struct ids {
	const uint32_t *id;
	uint32_t num;
};

/* What a job found about its user. */
struct found {
	size_t bad; /* index of a score that is not finite, or the width */
	uint32_t candidates, seen_positives, outside;
	size_t num_top;
};

struct block {
	struct scoring_job *job;
	struct history positives;
	unsigned char *listed; /* bit a user: in the input */
	uint32_t width;	       /* items ranked */
	size_t max_users, num_users;
	uint32_t *user;
	float *score;	     /* num_users x width */
	struct found *found; /* one a user */
	struct rank *ranks;  /* those of user k begin at first_rank[k] */
	size_t *first_rank, ranks_room;
	uint32_t *top; /* num_users x job->top, indices into the row */
};

static struct ids items_of(const struct history *h, uint32_t user)
{
	struct ids ids;

	ids.id = history_items(h, user, &ids.num);
	return ids;
}

/* Those of `ids` from `low` up to, not including, `high`. */
static struct ids slice(struct ids ids, uint32_t low, uint32_t high)
{
	while (ids.num > 0 && ids.id[0] < low) {
		ids.id++;
		ids.num--;
	}
	while (ids.num > 0 && ids.id[ids.num - 1] >= high)
		ids.num--;
	return ids;
}

/* Read the input to its end: who is listed, and the positives. */
static void read_input(struct block *b)
{
	struct scoring_job *job = b->job;
	bool labelled = rec_header(job->in)->kind == REC_SAMPLE;
	union {
		struct interaction interaction;
		struct sample sample;
	} row;

	history_init(&b->positives, job->scorer->num_users, job->scorer->num_items);
	b->listed = xcalloc((size_t)job->scorer->num_users / 8 + 1, 1);
	while (rec_read(job->in, &row)) {
		uint32_t user = labelled ? row.sample.user : row.interaction.user;

		b->listed[user / 8] |= (unsigned char)(1u << user % 8);
		if (!labelled || row.sample.label > 0)
			history_add(&b->positives, user,
				labelled ? row.sample.item : row.interaction.item);
	}
	job->repeats += history_finish(&b->positives);
}

/* Take the seen items out of a row of scores; positives stay unless top lists are made. */
static void mask_seen(
	const struct block *b, struct ids positives, uint32_t user, float *row, struct found *f)
{
	const struct scoring_job *job = b->job;
	struct ids seen = slice(items_of(&job->seen, user), job->first, job->end);
	uint32_t p = 0;

	f->candidates = b->width;
	for (uint32_t k = 0; k < seen.num; k++) {
		while (p < positives.num && positives.id[p] < seen.id[k])
			p++;
		if (job->kind != REC_TOP && p < positives.num && positives.id[p] == seen.id[k]) {
			f->seen_positives++;
			continue;
		}
		row[seen.id[k] - job->first] = -INFINITY;
		f->candidates--;
	}
}

static void rank_positives(const struct block *b, struct ids positives, uint32_t user,
	const float *row, const struct found *f, struct rank *out)
{
	for (uint32_t p = 0; p < positives.num; p++) {
		uint32_t item = positives.id[p];

		out[p] = (struct rank){ user, item, f->candidates, 0, 0, f->candidates };
		if (item >= b->job->first && item < b->job->end) {
			struct rank_place place = rank_place(row, b->width, item - b->job->first);

			out[p].above = place.above;
			out[p].ties = place.ties;
			out[p].ties_before = place.ties_before;
		}
	}
}

/* User k of the block: check, mask and rank the row of scores. */
static void rank_user(void *arg, size_t k, unsigned thread)
{
	struct block *b = arg;
	const struct scoring_job *job = b->job;
	float *row = b->score + k * b->width;
	struct ids positives = items_of(&b->positives, b->user[k]);
	struct found *f = &b->found[k];

	(void)thread;
	*f = (struct found){ .bad = rank_bad_score(row, b->width) };
	if (f->bad < b->width)
		return;
	f->outside = positives.num - slice(positives, job->first, job->end).num;
	mask_seen(b, positives, b->user[k], row, f);
	if (job->kind == REC_RANK)
		rank_positives(b, positives, b->user[k], row, f, b->ranks + b->first_rank[k]);
	else if (job->kind == REC_TOP)
		f->num_top = rank_top(row, b->width, job->top, b->top + k * job->top);
}

/* The candidates of user k, and before and after them the positives outside, items ascending. */
static void write_scores(const struct block *b, size_t k)
{
	const struct scoring_job *job = b->job;
	const float *row = b->score + k * b->width;
	const uint32_t user = b->user[k];
	const struct ids positives = items_of(&b->positives, user);
	struct score rows[CHUNK];
	uint32_t p = 0, next;

	for (; p < positives.num && positives.id[p] < job->first; p++)
		rec_write(job->out, &(struct score){ user, positives.id[p], 1, -INFINITY });
	next = p < positives.num ? positives.id[p] : UINT32_MAX; /* which is no item */
	for (uint32_t i = 0, end; i < b->width; i = end) {
		size_t n = 0;

		end = b->width - i < CHUNK ? b->width : i + CHUNK;
		for (uint32_t j = i; j < end; j++) {
			rows[n] = (struct score){ user, job->first + j, 0, row[j] };
			if (job->first + j == next) {
				rows[n].label = 1;
				next = ++p < positives.num ? positives.id[p] : UINT32_MAX;
			}
			n += row[j] > -INFINITY; /* else the next one takes the place */
		}
		rec_write_rows(job->out, rows, n);
	}
	for (; p < positives.num; p++)
		rec_write(job->out, &(struct score){ user, positives.id[p], 1, -INFINITY });
}

static void write_top(const struct block *b, size_t k)
{
	const struct scoring_job *job = b->job;
	const uint32_t *top = b->top + k * job->top;

	for (size_t j = 0; j < b->found[k].num_top; j++)
		rec_write(job->out, &(struct top){ b->user[k], job->first + top[j], (uint32_t)j + 1,
					    b->score[k * b->width + top[j]] });
}

/* Hand on what the jobs made, in the order of users. */
static void write_block(struct block *b)
{
	struct scoring_job *job = b->job;

	for (size_t k = 0; k < b->num_users; k++) {
		const struct found *f = &b->found[k];

		if (f->bad < b->width)
			scoring_bad_score(b->user[k], job->first + (uint32_t)f->bad);
		job->seen_positives += f->seen_positives;
		job->outside += f->outside;
		job->without_candidates += f->candidates == 0;
		if (job->kind == REC_SCORE)
			write_scores(b, k);
		else if (job->kind == REC_TOP)
			write_top(b, k);
	}
	if (job->kind == REC_RANK)
		rec_write_rows(job->out, b->ranks, b->first_rank[b->num_users]);
}

static void score_users(struct block *b)
{
	const struct scorer *s = b->job->scorer;

	b->first_rank[0] = 0;
	for (size_t k = 0; k < b->num_users; k++)
		b->first_rank[k + 1] = b->first_rank[k] + items_of(&b->positives, b->user[k]).num;
	b->ranks = xgrow(b->ranks, &b->ranks_room, b->first_rank[b->num_users], sizeof(*b->ranks));
	s->score_block(s->arg, b->num_users, b->user, b->job->first, b->job->end, b->score);
	pool_run(b->job->pool, b->num_users, rank_user, b);
	write_block(b);
	b->num_users = 0;
}

static void block_alloc(struct block *b)
{
	size_t most = BLOCK_SCORES / b->width;

	b->max_users = most < 1 ? 1 : most > MAX_BLOCK_USERS ? MAX_BLOCK_USERS : most;
	b->user = xmalloc(b->max_users, sizeof(*b->user));
	b->score = xmalloc(b->max_users * b->width, sizeof(*b->score));
	b->found = xmalloc(b->max_users, sizeof(*b->found));
	b->first_rank = xmalloc(b->max_users + 1, sizeof(*b->first_rank));
	b->top = xmalloc(b->max_users, b->job->top * sizeof(*b->top));
}

static void block_release(struct block *b)
{
	history_release(&b->positives);
	free(b->listed);
	free(b->user);
	free(b->score);
	free(b->found);
	free(b->ranks);
	free(b->first_rank);
	free(b->top);
}

void score_all(struct scoring_job *job)
{
	struct block b = { .job = job, .width = job->end - job->first };
	uint32_t users = job->scorer->num_users;

	read_input(&b);
	block_alloc(&b);
	progress_start("users", users);
	for (uint32_t u = 0; u < users; u++) {
		bool listed = b.listed[u / 8] >> u % 8 & 1;
		bool positive = items_of(&b.positives, u).num > 0;

		job->without_positive += listed && !positive;
		if (listed && (positive || job->kind != REC_RANK))
			b.user[b.num_users++] = u;
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
