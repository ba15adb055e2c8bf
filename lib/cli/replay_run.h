/* replay_run: the commands that made a stream or model, printed, or run and compared with it. */
#ifndef REPLAY_RUN_H
#define REPLAY_RUN_H

#include "cli/opt.h"

/* Print the commands on standard output. */
void replay_print(const char *path);

/*
 * Run them on the texts of `inputs`, which are known by their digests, in a folder of their own under
 * $TMPDIR, and say on standard output that what they make is `path`, to the byte. Dies where it is
 * not, or where a text is missing.
 */
void replay_compare(const char *path, const struct opt_paths *inputs);

#endif
