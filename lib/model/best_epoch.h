/*
 * best_epoch: choose among the epochs of a training by a number that a command of the user's gives.
 *
 * After each epoch the command gets the epoch's model and prints one number; greater is better, and
 * of equal values the first is kept. Models wait on the disk (base/scratch.h): with `keep` 4 bytes a
 * parameter, and while the command runs 4 more, unless the model is a file anyway. Memory: 1 MiB.
 */
#ifndef BEST_EPOCH_H
#define BEST_EPOCH_H

#include "base/scratch.h"
#include "model/model_file.h"
#include "model/trainer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct best_epoch {
	/* Of the caller; the rest begins as zeros. */
	struct neumf_layout layout; /* of the model */
	const char *command;
	uint32_t patience; /* epochs without a better value before the training is over; 0: any */
	bool keep;	   /* the parameters of the best epoch */

	uint64_t epoch;	      /* the best so far, from 1; 0: none yet */
	double value, last;   /* of the best, and of the one that was added last */
	struct scratch *file; /* with `keep` */
};

/* The model as it is after an epoch, for model_file_save. */
struct best_epoch_model {
	const struct neumf_shape *shape;
	const struct model_info *info;
	model_values *values;
	void *arg;
};

/*
 * Run the command (base/command.h) after epoch `epoch`, with COFILTER_EPOCH and COFILTER_MODEL in
 * its environment: the file `path` of the model, or, where that is NULL, a file without a name that
 * goes away with this call. Its number is *value. False, and the reason in `why`, if there is none.
 */
bool best_epoch_measure(const struct best_epoch *b, const struct best_epoch_model *m,
	const char *path, uint64_t epoch, double *value, char *why, size_t size);

/* With `keep`: take room for the model that is kept. Dies where there is none. */
void best_epoch_reserve(struct best_epoch *b);

/* The value of epoch `epoch` is known: is it the best so far? Then the epoch is kept. */
bool best_epoch_add(
	struct best_epoch *b, const struct best_epoch_model *m, uint64_t epoch, double value);

/* After epoch `epoch`, which has been added: has patience run out? */
bool best_epoch_over(const struct best_epoch *b, uint64_t epoch);

/* The file of the parameters kept, in neumf_layout order; NULL: there are none. */
struct scratch *best_epoch_kept(const struct best_epoch *b);

/* Gives the parameters kept, for model_file_save; arg: the struct best_epoch. */
void best_epoch_values(void *arg, struct neumf_rows rows, float *out);

/* For the provenance, after epoch `last`: {"command", "keep": "best" or "last", "epoch", "metric"}
   of the epoch that is chosen. */
struct js *best_epoch_chosen(const struct best_epoch *b, uint64_t last);

/*
 * For a checkpoint. `pending`: an epoch that ended, but has no value yet; NULL: there is none.
 * best_epoch_restore goes on from there, takes `kept` over (NULL: the checkpoint has none), and
 * returns whether there is a pending epoch, with all but its number in *pending. It dies where the
 * checkpoint `file` is of a training that keeps other epochs, and warns of another command: two may
 * measure different things.
 */
struct js *best_epoch_json(const struct best_epoch *b, const struct trainer_epoch *pending);
bool best_epoch_restore(struct best_epoch *b, const struct js *v, struct scratch *kept,
	struct trainer_epoch *pending, const char *file);

void best_epoch_release(struct best_epoch *b);

#endif
