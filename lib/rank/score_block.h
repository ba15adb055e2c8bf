/*
 * score_block: the scores of some users and all items of a score_job, and what becomes of them. One
 * thread may write a block while another fills the next.
 */
#ifndef SCORE_BLOCK_H
#define SCORE_BLOCK_H

#include "rank/ranking.h"
#include "rank/score_job.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What all blocks of a job have in common; it does not change. */
struct score_table {
	struct score_job *job;
	struct user_items positives; /* of the input */
	uint32_t width;		     /* items scored */
	uint32_t *barred;	     /* places of those that are no candidates of anybody */
	uint32_t num_barred;
	size_t max_users; /* of a block */
};

/* Half of a struct rank_lists: places that user k removes, or whose rank it wants. */
struct place_lists {
	uint32_t *start; /* num_users + 1 */
	uint32_t *place;
	size_t capacity;
};

/* Known of a user of the block before the scores are. */
struct user_counts {
	uint32_t candidates, seen_positives, outside;
};

struct score_block {
	const struct score_table *table;
	size_t num_users;
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

/* An empty block with room for table->max_users. */
void score_block_init(struct score_block *b, const struct score_table *table);
void score_block_release(struct score_block *b);

/* Score the users in b->user, and rank. */
void score_block_score(struct score_block *b);

/* Write the rows of all users, in order, and count in the job's reports; the block is empty then. Dies
   on a score that is not finite. */
void score_block_write(struct score_block *b);

#endif
