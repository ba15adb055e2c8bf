/* train_view: what a person sees of a training: a line on a terminal while it runs, and what came of
   it at its end, unless -q. */
#ifndef TRAIN_VIEW_H
#define TRAIN_VIEW_H

#include "model/best_epoch.h"
#include "model/trainer.h"

struct train_view {
	const struct trainer *trainer;
	const struct best_epoch *best; /* NULL: epochs are not measured */
	double started;
};

/* "epoch 3/10, loss 0.1234, metric 0.5678" stands in the progress line until the trainer is freed:
   the mean loss of the rows of this epoch, the metric of the epoch before. */
void train_view_start(
	struct train_view *v, const struct trainer *trainer, const struct best_epoch *best);

/* Epoch `last` was the last one; `stopped` is the option that ended the training, NULL: its stream
   did. The model is in `output`. */
void train_view_end(const struct train_view *v, const struct trainer_epoch *last,
	const char *stopped, const char *output);

#endif
