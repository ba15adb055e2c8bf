/*
 * best_epoch: choose among the epochs of a training by a number that a command of the user's gives.
 *
 * After each epoch the command gets the epoch's model, and prints one number; greater is better, and
 * of equal values the first is kept. Memory: with `keep` 4 bytes a parameter.
 */
#ifndef BEST_EPOCH_H
#define BEST_EPOCH_H

#include "base/js.h"
#include "model/model_file.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct best_epoch {
	/* Of the caller; the rest begins as zeros. */
	const char *command;
	uint32_t patience; /* epochs without a better value before the training is over; 0: any */
	bool keep;	   /* the parameters of the best epoch */

	uint64_t epoch; /* the best so far, from 1; 0: none yet */
	double value;
	float *params; /* with `keep`: its parameters in neumf_layout order */
};

/*
 * Run the command (base/command.h) for epoch `epoch`, whose model is the file `path`: COFILTER_MODEL
 * and COFILTER_EPOCH tell it. Returns its number in *value. False, and the reason in `why`, where
 * there is none.
 */
bool best_epoch_measure(const struct best_epoch *b, const char *path, uint64_t epoch, double *value,
	char *why, size_t size);

/* The value of epoch `epoch` is known, and `values` gives its parameters: is it the best so far? */
bool best_epoch_add(struct best_epoch *b, uint64_t epoch, double value,
	const struct neumf_shape *shape, safetensors_values *values, void *arg);

/* Is the training over after epoch `epoch`, which has been added: has patience run out? */
bool best_epoch_over(const struct best_epoch *b, uint64_t epoch);

/* Gives the parameters kept, as model_file_save wants them. arg: the struct best_epoch's `copy`. */
struct best_epoch_copy {
	const struct best_epoch *best;
	const struct neumf_layout *layout;
};
void best_epoch_values(void *arg, unsigned tensor, float *out);

void best_epoch_release(struct best_epoch *b);

#endif
