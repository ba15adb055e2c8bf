/*
 * lint: what spoils an experiment, found in its streams: test rows in train, negatives that are
 * none, times that leak, a model that has seen the test. cof-lint.1 has the checks one by one.
 */
#ifndef LINT_H
#define LINT_H

#include "data/lint_part.h"

#include <stdbool.h>
#include <stdint.h>

enum lint_verdict { LINT_OK, LINT_NOTE, LINT_WARNING, LINT_ERROR };
extern const char *const lint_verdict_names[];

/* "COUNT of OF WHAT", and, unless it is ok, what to do. */
struct lint_check {
	const char *id; /* "test-in-train" */
	enum lint_verdict verdict;
	uint64_t count, of;
	const char *what, *mend;
};

enum { LINT_MAX_CHECKS = 32 };

struct lint {
	struct lint_check check[LINT_MAX_CHECKS];
	unsigned num;
};

/* What there is of an experiment; NULL: not given, but for train. */
struct lint_input {
	const struct lint_part *train, *valid, *test;
	const struct lint_lists *candidates;
	const struct rec_header *model; /* bounds, id maps and provenance (NULL: unknown) of one */
};

/* Make all checks for which there is something to look at. */
void lint_run(struct lint *l, const struct lint_input *in);

/* The parts of it: what headers and provenance say (lint_headers.c). */
void lint_headers(struct lint *l, const struct lint_input *in);

/* Append a check; where there is nothing to count, it is ok. */
void lint_add(struct lint *l, struct lint_check check);

#endif
