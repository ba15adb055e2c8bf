/*
 * scoring: the main of every scorer. A stage says who it is and how to score pairs and blocks;
 * input, --seen, --items, ranks, top lists, order and reports are the same for all (scorer options:
 * see score_options.c).
 */
#ifndef SCORE_OPTIONS_H
#define SCORE_OPTIONS_H

#include "cli/opt.h"
#include "rank/ranking.h"
#include "stream/record.h"

#include <stddef.h>
#include <stdint.h>

struct pool;

struct scorer {
	uint32_t num_users, num_items; /* bounds of what it can score */
	void *arg;		       /* handed to the functions */

	/* score[k] of (user[k], item[k]), k < n. */
	void (*score_pairs)(
		void *arg, size_t n, const uint32_t *user, const uint32_t *item, float *score);

	/* score[k * (end - first) + i - first] of (user[k], item i), first <= i < end, k < n. */
	void (*score_block)(void *arg, size_t n, const uint32_t *user, uint32_t first, uint32_t end,
		float *score);

	/* Optional: a block that is ranked where its scores are; rank_block
	   and top_block of backend.h. NULL: here. */
	void (*rank_block)(void *arg, size_t n, const uint32_t *user, uint32_t first, uint32_t end,
		const struct rank_lists *lists, uint32_t *bad, struct rank_place *place);
	void (*top_block)(void *arg, size_t n, const uint32_t *user, uint32_t first, uint32_t end,
		const struct rank_lists *lists, uint32_t *bad, uint32_t k, uint32_t *top,
		float *score, uint32_t *num);

	void (*close)(void *arg);
};

struct scorer_stage {
	const char *name, *summary, *example;
	const struct opt *options; /* its own */

	/* The option that no run can do without, a file, and its
	   value; it sets the scorer's bounds. */
	const char *source_option;
	const char **source;

	/* Load what is needed; called once the header of standard input
	   is read. The pool stays the caller's. */
	void (*open)(struct scorer *s, struct pool *pool);
};

/* The whole program; returns its exit status. A score that is not finite is fatal. */
int scoring_main(int argc, char **argv, const struct scorer_stage *stage);

#endif
