/* scoring_job: what the parts of scoring.c share: one run of a scorer. */
#ifndef SCORING_JOB_H
#define SCORING_JOB_H

#include "cli/scoring.h"
#include "data/history.h"
#include "stream/record.h"

#include <stdbool.h>
#include <stdint.h>

struct scoring_job {
	const struct scorer *scorer;
	struct pool *pool;
	struct rec_reader *in;
	struct rec_writer *out;
	enum rec_kind kind;  /* of `out`: REC_SCORE, REC_RANK or REC_TOP */
	uint32_t first, end; /* items ranked: first <= item < end */
	uint32_t top;	     /* K of REC_TOP */
	struct history seen;

	/* for the reports */
	uint64_t repeats, mixed, seen_positives, outside, without_candidates, without_positive;
};

/* All items for each user of the input, users ascending. Memory: the input's positives, one block of users. */
void score_all(struct scoring_job *job);

/* The items that the input lists, in input order. Memory: some lists. */
void score_lists(struct scoring_job *job);

/* Die because the scorer gave a number that is not finite. */
_Noreturn void scoring_bad_score(uint32_t user, uint32_t item);

#endif
