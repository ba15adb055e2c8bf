/*
 * replay_chain: the entries of a provenance as steps on the way to a file. The first n of them are the
 * way to what the n-th wrote; equal entries, equal files.
 */
#ifndef REPLAY_CHAIN_H
#define REPLAY_CHAIN_H

#include "base/js.h"

#include <stdbool.h>
#include <stddef.h>

/* A copy of the first n entries. */
struct js *replay_first_entries(const struct js *chain, size_t n);

/* What says which file it is that they end with, in a new string. */
char *replay_key_of(const struct js *chain, size_t n);

/* The same of a part (NULL: train) of the run of ml-split that the last of them is. */
char *replay_key_of_part(const struct js *chain, size_t n, const char *part);

/* Is it a run of ml-split? */
bool replay_is_run(const struct js *entry);

/* Did a scorer save what it learned, in place of scoring? */
bool replay_is_saved(const struct js *entry);

/* Does the entry say what it was made from, whatever stands before it? */
bool replay_is_start(const struct js *entry);

#endif
