#include "rank/score_job.h"

#include "base/behind.h"
#include "base/bitset.h"
#include "base/mem.h"
#include "base/pool.h"
#include "base/progress.h"
#include "rank/score_block.h"

#include <stdlib.h>

enum { CHUNK = 4096 }; /* rows read at a time */

/* Read the input to its end: the positives, and a bitset of who is listed. */
static unsigned char *read_input(struct score_table *t)
{
	static union {
		struct interaction interaction[CHUNK];
		struct rating rating[CHUNK];
		struct sample sample[CHUNK];
	} rows; /* of any kind that a scorer reads */
	static struct score scores[CHUNK];
	struct score_job *job = t->job;
	unsigned char *listed = bitset_new(job->num_users);

	user_items_init(&t->positives, job->num_users, job->scorer->num_items);
	for (size_t n; (n = rec_read_rows(job->in, &rows, CHUNK)) > 0;) {
		score_job_decode(job, &rows, n, scores);
		for (size_t k = 0; k < n; k++) {
			bitset_add(listed, scores[k].user);
			if (scores[k].label > 0)
				user_items_add(&t->positives, scores[k].user, scores[k].item);
		}
	}
	job->repeats += user_items_finish(&t->positives);
	return listed;
}

/* The places that --candidates leaves out. */
static void list_barred(struct score_table *t)
{
	const struct score_job *job = t->job;

	t->barred = xmalloc(job->candidates ? t->width : 0, sizeof(*t->barred));
	for (uint32_t p = 0; job->candidates && p < t->width; p++)
		if (!score_job_ranks(job, job->first + p))
			t->barred[t->num_barred++] = p;
}

/*
 * Rows of all scores take as long to write as the scores to compute: with more than one thread
 * another writes a block while the next is scored.
 */
struct turns {
	struct score_block block[2], *next; /* `next` takes users */
	struct behind *writer;		    /* NULL: whoever scores writes too */
};

static void write_piece(void *arg, void *piece)
{
	(void)arg;
	score_block_write(piece);
}

static void turns_init(struct turns *t, const struct score_table *table)
{
	const struct score_job *job = table->job;

	*t = (struct turns){ .next = t->block };
	score_block_init(&t->block[0], table);
	if (job->kind != REC_SCORE || pool_threads(job->pool) == 1)
		return;
	score_block_init(&t->block[1], table);
	t->writer = behind_new(write_piece, NULL);
}

/* Score the users of the block, and have it written. */
static void turns_end_block(struct turns *t)
{
	score_block_score(t->next);
	if (t->writer) {
		behind_give(t->writer, t->next);
		t->next = t->next == t->block ? &t->block[1] : t->block;
	} else {
		score_block_write(t->next);
	}
}

/* All is written then. */
static void turns_release(struct turns *t)
{
	if (t->writer) {
		behind_free(t->writer);
		score_block_release(&t->block[1]);
	}
	score_block_release(&t->block[0]);
}

void score_all(struct score_job *job)
{
	struct score_table table = { .job = job, .width = job->end - job->first };
	unsigned char *listed = read_input(&table);
	uint32_t users = job->num_users;
	struct turns t;

	if (job->top > table.width)
		job->top = table.width; /* no list is longer; room for more might not be had */
	table.max_users = score_job_block_users(table.width);
	list_barred(&table);
	turns_init(&t, &table);
	progress_start("users", users);
	for (uint32_t u = 0; u < users; u++) {
		const bool is_listed = bitset_has(listed, u);
		uint32_t positives;

		user_items_get(&table.positives, u, &positives);
		job->without_positive += is_listed && positives == 0;
		if (is_listed && (positives > 0 || job->kind != REC_RANK)) {
			score_job_count_user(job, u);
			t.next->user[t.next->num_users++] = u;
		}
		if (t.next->num_users == table.max_users) {
			turns_end_block(&t);
			progress_at(u);
		}
	}
	if (t.next->num_users > 0)
		turns_end_block(&t);
	turns_release(&t);
	progress_end();
	user_items_release(&table.positives);
	free(listed);
	free(table.barred);
}
