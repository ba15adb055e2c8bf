/*
 * checkpoint: a training that has not ended, in one safetensors file. It is the model file of the
 * weights of then, with more in it:
 *
 *   moment1.NAME, moment2.NAME  the moments of tensor NAME, unless the optimizer is sgd
 *   best.NAME                   the best model so far, where one is kept
 *   "checkpoint" in the metadata, one JSON object as text:
 *     version            CHECKPOINT_VERSION
 *     step               steps the optimizer has taken
 *     rows               examples trained, counted from the first epoch
 *     epoch              epochs that have ended
 *     epoch_batches, epoch_rows, epoch_loss
 *                        of the epoch in training; the loss is a sum (as are all here, "%a")
 *     unchecked_batches, unchecked_rows, unchecked_loss
 *                        of these, what the backend has not handed out yet
 *     rows_digest        [of the epochs of rows that have ended, of the rows since], row_digest.h
 *     stream             the header of the stream trained on (record.5), without first_row
 *     program            version of this program
 *     options            the options that change the result
 *     chooser            state of what chooses among epochs, where there is one: its own matter
 *
 * The checksums of a model file (safetensors.h) hold for it too.
 */
#ifndef CHECKPOINT_H
#define CHECKPOINT_H

#include "base/scratch.h"
#include "model/backend.h"
#include "model/model_file.h"
#include "model/trainer.h"

enum { CHECKPOINT_VERSION = 1 };

/* The run that a checkpoint is of; all borrowed. */
struct checkpoint_run {
	const struct neumf_shape *shape;
	const struct model_info *info; /* its last entry of provenance is this program's */
	enum neumf_optimizer_kind optimizer;
	const struct backend_ops *ops;
	struct backend *backend;
	const char *input; /* its name, for messages */
	const struct rec_header *stream;
};

/* What is saved beside the backend's state. */
struct checkpoint {
	struct trainer_position position;
	struct js *chooser;   /* NULL: none */
	struct scratch *best; /* parameters in the order of neumf_layout; NULL: none */
};

/* Write to `out` (stream_create(path, true)) and commit, with fsync. Dies when a value is not
   finite. Memory: 1 MiB. */
void checkpoint_save(
	struct stream_out *out, const struct checkpoint_run *run, const struct checkpoint *c);

/*
 * Read `path` and put its state into the backend of `run`, which is new. Dies with one line that
 * names the difference when it is of another stream (kind, bounds, id maps, epochs, provenance), of
 * other options, another release or another device; and for damage as model_file_load does.
 * Memory: 1 MiB; the best model waits on the disk.
 */
void checkpoint_load(struct checkpoint *c, const struct checkpoint_run *run, const char *path);
void checkpoint_release(struct checkpoint *c);

#endif
