/*
 * epoch_source: the epochs that negsample writes, as records to be read: made from interactions when
 * they are asked for. Memory: that of sampling.h, and 64 slices of rows.
 */
#ifndef EPOCH_SOURCE_H
#define EPOCH_SOURCE_H

#include "data/sampling.h"
#include "stream/record.h"

#include <stdint.h>

struct epoch_source_config {
	struct sampling_inputs inputs; /* their headers are read; handed over */
	const char *name;	       /* of the first, copied */
	struct rec_header *header; /* of the rows, with kind, negatives and epochs; handed over */
	uint32_t negatives;	   /* for each positive */
	struct sampling_config sampling;
	const char *seed_name; /* in a note of it */
};

/* rec_prepare() reads the inputs, with the errors of sampling.h, and says how many interactions
   there are and how many users were skipped, if any. */
struct rec_reader *epoch_source_open(const struct epoch_source_config *config);

#endif
