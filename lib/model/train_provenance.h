/* train_provenance: what only a training that has ended can say of how its model came about. */
#ifndef TRAIN_PROVENANCE_H
#define TRAIN_PROVENANCE_H

#include "base/js.h"
#include "model/trainer.h"

/*
 * A copy of `provenance`, in whose last entry, the trainer's, stands of which epoch the model is
 * (`chosen`, handed over; NULL: of the last) and what ended the training at `last` (`stopped`, an
 * option; NULL: its stream).
 */
struct js *train_provenance(const struct js *provenance, struct js *chosen, const char *stopped,
	const struct trainer_epoch *last);

#endif
