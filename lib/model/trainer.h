/*
 * trainer: from a stream of triples, samples or groups to batches, steps and epochs, in one pass.
 * Memory: one batch, beside the backend. Rows are triples or samples, into which groups are taken
 * apart, or groups (examples.h).
 *
 * Row r belongs to epoch r / rows_per_epoch (all rows to one epoch where the header has none), a
 * batch to the epoch of its last row: batches run across the ends of epochs. An epoch in which no
 * batch ends is an epoch of 0 batches.
 */
#ifndef TRAINER_H
#define TRAINER_H

#include "model/backend.h"
#include "model/row_digest.h"
#include "stream/record.h"

#include <stdbool.h>
#include <stdint.h>

struct trainer_config {
	struct rec_reader *in;
	enum example_form form;
	const struct backend_ops *ops;
	struct backend *backend; /* borrowed, as `in` is */
	uint32_t batch_size;
	bool drop_last; /* leave out the last batch where it is short; else it is the mean over its
			   own rows */
	bool digest;	/* keep what trainer_get and trainer_set need */
};

struct trainer_epoch {
	uint64_t epoch; /* from 1 */
	uint64_t batches, rows;
	double loss;	  /* mean over the rows, NaN for an epoch of no batch */
	double seconds;	  /* waiting for input included, but not what was done about the last one */
	uint64_t trained; /* rows, from the first epoch to its end */
};

struct trainer;

struct trainer *trainer_new(const struct trainer_config *config);
void trainer_free(struct trainer *t);

enum trainer_event {
	TRAINER_BATCH, /* a batch was trained */
	TRAINER_EPOCH, /* an epoch has ended; the backend holds its weights */
	TRAINER_END    /* the end of the stream is verified, and every epoch has ended */
};

/*
 * Go on to the next event. Every epoch ends once, in order, as soon as no later batch can belong to
 * it; the epoch of the stream's last batch, and later ones, when the trailer is verified. `epoch`
 * is filled in for TRAINER_EPOCH. Who has enough stops calling.
 *
 * Dies on damage in the stream, on a label outside 0..1, on a loss that is not finite (with epoch
 * and batch), on a stream without a batch, on one with fewer rows than its header says, and at the
 * first row beyond them.
 */
enum trainer_event trainer_next(struct trainer *t, struct trainer_epoch *epoch);

/* After TRAINER_BATCH, for who stops asking in the middle of an epoch: end it with the batches that
   it has. */
enum trainer_event trainer_stop(struct trainer *t, struct trainer_epoch *epoch);

/* For who looks on: the epoch in training, from 1, and how many there are (0: not said), and the
   mean loss of its rows, or of the epoch before while none of them is known; NaN: of neither. */
struct trainer_view {
	uint64_t epoch, epochs;
	double loss;
};
struct trainer_view trainer_view(const struct trainer *t);

/* Where training stands between two events: what, with the backend's state, decides the rest. */
struct trainer_position {
	uint64_t rows;			     /* trained, counted from the first epoch */
	uint64_t epoch, batches, epoch_rows; /* epochs ended; batches and rows of the next one */
	double sum;			     /* of the losses of these rows, but for those */
	struct backend_loss unchecked;	     /* that the backend has not handed out */
	struct row_digest_text digest;	     /* of the rows trained */
};

/* Dies when a loss is not finite. Training goes on as if nothing had been asked. */
void trainer_get(struct trainer *t, struct trainer_position *p);

/*
 * Before the first event: pass over the rows trained before `p`, with all checks, and go on there.
 * The stream begins with the first row of any epoch up to there. `file` is where `p` comes from.
 * Dies when the stream begins elsewhere, ends before, or has other rows.
 */
void trainer_set(struct trainer *t, const struct trainer_position *p, const char *file);

/* The epoch, from 1, whose first row a stream must begin with, or an earlier one, to go on from
   here; 0: there is none but the stream from its start. */
uint64_t trainer_from_epoch(const struct trainer *t);

#endif
