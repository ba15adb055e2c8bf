/*
 * train_log: a line of JSON per epoch, for whoever watches a training. A regular file is written in
 * place and line by line, and keeps its lines when training fails: a log is there to be watched.
 *   {"epoch": 1, "batches": 96, "rows": 98304, "loss": 0.550290, "seconds": 0.15}
 */
#ifndef TRAIN_LOG_H
#define TRAIN_LOG_H

#include "model/trainer.h"

struct train_log;

/* "-" is standard output. Dies when the file cannot be opened. */
struct train_log *train_log_open(const char *path);

/* The line is with the system when this returns; dies when it cannot be written. */
void train_log_epoch(struct train_log *log, const struct trainer_epoch *epoch);

/* Dies on a late error. */
void train_log_close(struct train_log *log);

#endif
