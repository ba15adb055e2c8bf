/*
 * sampling: interactions that were read, and a sampler of negatives over them: what the epochs and
 * the candidate lists of negsample.1 are made of.
 *
 * Memory: for epochs 10 bytes an interaction, 4 an excluded one, 16 a user, with popularity 16 an
 * item.
 */
#ifndef SAMPLING_H
#define SAMPLING_H

#include "data/positive_index.h"
#include "data/sampler.h"
#include "data/user_items.h"
#include "stream/record.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>

struct sampling_config {
	bool popularity; /* an item weighs count^alpha, an item without a row nothing; else all the
			    same */
	double alpha;
	uint64_t seed;
};

struct sampling {
	uint64_t interactions;	    /* rows of the input */
	struct user_items excluded; /* for each user, each once */
	struct user_items seen;	    /* sampling_candidates: the items of the input, each once */
	struct positive_index positives; /* sampling_epochs: but for those of exhausted users */
	uint32_t exhausted;		 /* sampling_epochs: so many users */
	struct sampler *sampler;
};

/* What is said of `exhausted`, if there are any. */
#define SAMPLING_SKIPPED "users skipped, since no item can be drawn for them: %" PRIu32

/* The streams that it is made of: the input, and those of --exclude. */
struct sampling_inputs {
	struct rec_reader *in, **exclude;
	unsigned num_exclude;
};

/* Read the streams to their verified ends and close them, by the threads of the pool. Dies on
   damage, and on a bound of an excluded stream that exceeds the input's. */
void sampling_epochs(struct sampling *s, const struct sampling_config *c,
	struct sampling_inputs *inputs, struct pool *pool);
void sampling_candidates(struct sampling *s, const struct sampling_config *c,
	struct sampling_inputs *inputs, struct pool *pool);
void sampling_release(struct sampling *s);

#endif
