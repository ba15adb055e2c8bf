/*
 * train_log: a line of JSON per epoch, for whoever watches a training.
 *   {"epoch": 1, "batches": 96, "rows": 98304, "loss": 0.550290, "seconds": 0.15}
 */
#ifndef TRAIN_LOG_H
#define TRAIN_LOG_H

#include "model/trainer.h"
#include "stream/stream_log.h"

/* The line is with the system when this returns, or lost (stream_log.h). `metric` NULL: the epoch
   has none. */
void train_log_epoch(
	struct stream_log *log, const struct trainer_epoch *epoch, const double *metric);

/*
 * A training goes on, `done` epochs of which have ended, with the log that was begun, by
 * its start or a resumption: bytes of it that stay, the lines of these epochs; 0 where it has none,
 * is new, a descriptor, or no regular file. Dies when it has other lines there.
 */
uint64_t train_log_kept(const char *path, uint64_t done);

#endif
