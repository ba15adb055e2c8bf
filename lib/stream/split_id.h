/*
 * split_id: which run of ml-split the rows of a stream, or the training rows of a model, come from.
 *
 * A program that divides rows puts an id into its entry of `provenance`, the same for all parts: a
 * hash of all that decided which row went where. It stays there on the way through other stages.
 * Where two streams meet of which one is to be tested against the other, all the splits of one must
 * be among those of the other: then neither is a part of a split that the other does not know, as
 * the train rows of one run and the test rows of another are.
 */
#ifndef SPLIT_ID_H
#define SPLIT_ID_H

#include "base/js.h"
#include "stream/record.h"

#include <stdbool.h>

/* --splits-unchecked: split_id_check lets everything pass. */
extern bool splits_unchecked;

/* Put "split" into a stage's entry, which is complete: XXH3-64, in 16 hexadecimal digits, of the
   provenance of its input (NULL: none) and the entry, as JSON on one line each. */
void split_id_put(struct js *entry, const struct js *input_provenance);

/* Are the splits of one provenance (NULL: none) all among those of the other? */
bool split_id_fits(const struct js *a, const struct js *b);

/* Die unless they fit: "'a' and 'b' are parts of different splits: rows of test may be in train
   (--splits-unchecked to go on)". */
void split_id_check(const char *name_a, const struct rec_header *a, const char *name_b,
	const struct rec_header *b);

#endif
