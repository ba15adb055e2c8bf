/*
 * user_ranks: the rank rows of each user, from a stream of ranks or of scores.
 */
#ifndef USER_RANKS_H
#define USER_RANKS_H

#include "rank/candidates.h"
#include "stream/record.h"

#include <stddef.h>
#include <stdint.h>

enum { USER_RANKS_KINDS = 1u << REC_SCORE | 1u << REC_RANK };

/* What was found odd on the way, summed over users. */
struct user_ranks_report {
	struct candidates_report lists;
	uint64_t without_positive; /* users, who are not handed out */
	uint64_t repeated;	   /* rank rows given twice, which count once */
};

/* n >= 1 rows of `user` as metrics_prepare leaves them; they are gone after the call. */
typedef void user_ranks_each(void *arg, uint32_t user, const struct rank *rows, size_t n);

/* The n >= 1 best items of `user`, item[0] the best; they are gone after the call. */
typedef void user_list_each(void *arg, uint32_t user, const uint32_t *item, uint32_t n);

/* What to call, with `arg`. */
struct user_ranks_use {
	user_ranks_each *each; /* for every user with a positive */
	void *arg;

	/* how tied candidates are ordered; NULL: the smaller id first */
	const struct tie_order *order;

	/* NULL, or: before that, of scores, for every user with a candidate: up to `most` items, of
	   equal score the smaller id first */
	user_list_each *each_list;
	uint32_t most;
};

/*
 * Read `in`, users in the stream's order; adds to `report`. Dies naming the row for a user who returns
 * after another, an item with two scores, ranks that contradict each other, and ranks with ties where
 * these are to be ordered by something else than ids. Memory: one user's rows and one bit per user.
 */
void user_ranks_read(
	struct rec_reader *in, const struct user_ranks_use *use, struct user_ranks_report *report);

#endif
