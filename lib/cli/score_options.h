/*
 * scoring: the main of every scorer. A stage says who it is and how to score pairs and blocks;
 * input, --seen, --items, ranks, top lists, order and reports are the same for all (scorer options:
 * see score_options.c).
 */
#ifndef SCORE_OPTIONS_H
#define SCORE_OPTIONS_H

#include "cli/opt.h"
#include "rank/scorer.h"
#include "stream/record.h"

#include <stddef.h>
#include <stdint.h>

struct pool;

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
