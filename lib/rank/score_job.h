/*
 * score_job: one run of a scorer over an input. score_all and score_lists are the two ways through
 * it; what both need is in score_job.c.
 */
#ifndef SCORE_JOB_H
#define SCORE_JOB_H

#include "data/user_items.h"
#include "rank/scorer.h"
#include "stream/record.h"

#include <stdbool.h>
#include <stdint.h>

/* The kinds a scorer reads: a mask for rec_open. */
#define SCORE_INPUT_KINDS (1u << REC_INTERACTION | 1u << REC_RATING | 1u << REC_SAMPLE)

struct score_job {
	const struct scorer *scorer;
	struct pool *pool;
	struct rec_reader *in;
	struct rec_writer *out;
	enum rec_kind kind;		 /* of `out`: REC_SCORE, REC_RANK or REC_TOP */
	uint32_t num_users;		 /* every user is below: of the scorer, or of user_items */
	uint32_t first, end;		 /* items ranked: first <= item < end, */
	const unsigned char *candidates; /* and in this bitset; NULL: all of these */
	uint32_t top;			 /* K of REC_TOP */
	struct user_items seen;
	const struct user_items *user_items; /* score users from these; NULL: by their ids */
	const struct user_items *given; /* users should have some of these; NULL: none needed */

	/* for the reports */
	uint64_t repeats, mixed, seen_positives, outside;
	uint64_t without_candidates, without_positive, without_items; /* users */
};

/* All items for each user of the input, users ascending. Memory: its positives, one block. */
void score_all(struct score_job *job);

/* The items that the input lists, in input order. Memory: the lists of some users. */
void score_lists(struct score_job *job);

/*
 * n rows of the input, in an array of its kind's struct, as score rows whose score is 0. An
 * interaction or a rating is a positive.
 */
void score_job_decode(const struct score_job *job, const void *rows, size_t n, struct score *out);

/* Is the item one of those that are ranked? */
bool score_job_ranks(const struct score_job *job, uint32_t item);

/* How many users to score at once, `width` items each: at least 1. */
size_t score_job_block_users(uint32_t width);

/* scorer.score_block, from the users' items where the job has them. */
void score_job_block(const struct score_job *job, size_t n, const uint32_t *user, uint32_t first,
	uint32_t end, float *score);

/* Count the user, who is scored, where none of `given` is theirs. */
void score_job_count_user(struct score_job *job, uint32_t user);

/* Die because the scorer gave a number that is not finite. */
_Noreturn void score_job_bad_score(uint32_t user, uint32_t item);

#endif
