/*
 * examples: what a model is trained on, one by one, from a stream of triples, samples or groups.
 *
 * A group of N negatives is N triples, its positive with each of them, or 1 + N samples: its
 * positive with label 1, then its negatives with label 0. Reading stops and goes on within a group.
 * Or it is an example as it is. Rows are copied once, from where the reader holds them to the columns.
 */
#ifndef EXAMPLES_H
#define EXAMPLES_H

#include "stream/record.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What an example is: what a loss is computed from. */
enum example_form { EXAMPLE_TRIPLE, EXAMPLE_SAMPLE, EXAMPLE_GROUP };

/* Of each example: user and item, and its negative, its label, or its negatives side by side. */
struct example_columns {
	uint32_t *user, *item, *negative;
	float *label;
	uint32_t negatives; /* of an example: 0 of a sample, 1 of a triple */
};

struct examples;

/* Triples from triples or groups, samples from samples or groups, groups from groups. `in` is
   borrowed. */
struct examples *examples_new(struct rec_reader *in, enum example_form form);
void examples_free(struct examples *e);

/* Examples in a row of the stream, and negatives in an example. */
uint32_t examples_per_row(const struct examples *e);
uint32_t examples_negatives(const struct examples *e);

/*
 * Put the next `max` examples into the columns, fewer only at the verified end; returns how many.
 * Dies on a label outside 0..1, and on the first row beyond those that the header says, when it is
 * read, which is with its block.
 */
size_t examples_read(struct examples *e, const struct example_columns *to, size_t max);

#endif
