/*
 * epoch_rows: the rows that a model is trained on, as negsample.1 has them: triples, samples or
 * groups, epoch after epoch, each in its own order with its own negatives. A row is made from its
 * number, so that any part can be made by any thread.
 */
#ifndef EPOCH_ROWS_H
#define EPOCH_ROWS_H

#include "data/sampling.h"
#include "stream/record.h"

#include <stddef.h>
#include <stdint.h>

struct epoch_rows {
	const struct sampling *from; /* borrowed */
	enum rec_kind kind;	     /* REC_TRIPLE, REC_SAMPLE or REC_GROUP */
	uint32_t negatives;	     /* for each positive */
	uint64_t seed;
	uint64_t rows_per_epoch;
	size_t row_size; /* bytes of a struct */
};

/* Rows over what sampling_epochs has read. */
void epoch_rows_init(struct epoch_rows *e, const struct sampling *from, enum rec_kind kind,
	uint32_t negatives, uint64_t seed);

/* Triples and samples: what they are drawn from one by one, as long as `e` and what it is from
   lasts. */
struct row_draws epoch_rows_draws(const struct epoch_rows *e);

/* rows (n structs of their kind): rows first .. first + n - 1 of the run, whose epochs are counted
   through; at most epoch_rows_slice(). */
void epoch_rows_make(const struct epoch_rows *e, uint64_t first, size_t n, void *rows);

/* Rows that are about as many draws for every kind: a job of a thread. */
size_t epoch_rows_slice(enum rec_kind kind, uint32_t negatives);

#endif
