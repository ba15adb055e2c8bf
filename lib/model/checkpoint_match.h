/* checkpoint_match: does a run go on with the training that a checkpoint is of? If not, in words: in
   what they differ first. */
#ifndef CHECKPOINT_MATCH_H
#define CHECKPOINT_MATCH_H

#include "base/js.h"

/*
 * `saved`, of the checkpoint `file`, and `ours`, of the stream `input`: headers as rec_header_json
 * has them. Dies unless they are equal.
 */
void checkpoint_match_streams(
	const char *file, const struct js *saved, const char *input, const struct js *ours);

/* Objects of option names and values, as opt_provenance makes them. Dies unless they are equal. */
void checkpoint_match_options(const char *file, const struct js *saved, const struct js *ours);

#endif
