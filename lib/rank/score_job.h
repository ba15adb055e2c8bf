/* scoring_job: what the parts of score_options.c share: one run of a scorer. */
#ifndef SCORE_JOB_H
#define SCORE_JOB_H

#include "rank/scorer.h"
#include "data/user_items.h"
#include "stream/record.h"

#include <stdbool.h>
#include <stdint.h>

struct score_job {
	const struct scorer *scorer;
	struct pool *pool;
	struct rec_reader *in;
	struct rec_writer *out;
	enum rec_kind kind;  /* of `out`: REC_SCORE, REC_RANK or REC_TOP */
	uint32_t first, end; /* items ranked: first <= item < end */
	uint32_t top;	     /* K of REC_TOP */
	struct user_items seen;

	/* for the reports */
	uint64_t repeats, mixed, seen_positives, outside, without_candidates, without_positive;
};

/* All items for each user of the input, users ascending. Memory: the input's positives, one block of users. */
void score_all(struct score_job *job);

/* The items that the input lists, in input order. Memory: some lists. */
void score_lists(struct score_job *job);

/* Die because the scorer gave a number that is not finite. */
_Noreturn void score_job_bad_score(uint32_t user, uint32_t item);

#endif
