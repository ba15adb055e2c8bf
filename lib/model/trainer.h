/*
 * trainer: from a stream of triples, samples or groups to batches, steps and epochs, in one pass. Memory: one
 * batch, beside the backend. Rows are triples or samples, into which groups are taken apart (examples.h).
 *
 * Row r belongs to epoch r / rows_per_epoch (all rows to one epoch where the header has none), a batch
 * to the epoch of its last row: batches run across the ends of epochs. An epoch in which no batch ends is an
 * epoch of 0 batches.
 */
#ifndef TRAINER_H
#define TRAINER_H

#include "model/backend.h"
#include "stream/record.h"

#include <stdbool.h>
#include <stdint.h>

struct trainer_epoch {
	uint64_t epoch; /* from 1 */
	uint64_t batches, rows;
	double loss;	/* mean over the rows, NaN for an epoch of no batch */
	double seconds; /* since the last epoch ended, waiting for input included */
};

struct trainer {
	struct rec_reader *in; /* triples or groups for bpr and hinge, samples or groups for bce */
	bool pairwise;	       /* bpr or hinge */
	const struct backend_ops *ops;
	struct backend *backend;
	uint32_t batch_size;
	bool drop_last; /* leave out the last batch where it is short; else it is the mean over its own rows */

	/* Called once for every epoch, in order, as soon as no later batch can belong to it; for the epoch of the
	   stream's last batch and later ones once the trailer is verified. The backend holds the weights of then. */
	void (*epoch_ended)(void *arg, const struct trainer_epoch *epoch);
	void *arg;
};

/*
 * Train on all rows. Dies on damage in the stream, on a label outside 0..1, on a loss that is not finite (with
 * epoch and batch), on a stream without a batch, and on one with other rows than its header says.
 */
void trainer_run(struct trainer *t);

#endif
