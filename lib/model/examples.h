/*
 * examples: what a model is trained on, one by one, from a stream of triples, samples or groups.
 *
 * A group of N negatives is N triples, its positive with each of them, or 1 + N samples: its
 * positive with label 1, then its negatives with label 0. Reading stops and goes on within a group.
 * Memory: 64 KiB.
 */
#ifndef EXAMPLES_H
#define EXAMPLES_H

#include "stream/record.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Of each example: user and item, and where pairwise the negative, else the label. */
struct example_columns {
	uint32_t *user, *item, *negative;
	float *label;
};

struct examples;

/* Pairwise from triples or groups, else from samples or groups. `in` is borrowed. */
struct examples *examples_new(struct rec_reader *in, bool pairwise);
void examples_free(struct examples *e);

/* Examples in a row of the stream. */
uint32_t examples_per_row(const struct examples *e);

/*
 * Put the next `max` examples into the columns, fewer only at the verified end; returns how many.
 * Dies on a label outside 0..1, and on the first row beyond those that the header says, when it is
 * read, which is with its block.
 */
size_t examples_read(struct examples *e, const struct example_columns *to, size_t max);

#endif
