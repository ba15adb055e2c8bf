/* side_rows: the rows of a side input of an evaluation, as a matrix. */
#ifndef SIDE_ROWS_H
#define SIDE_ROWS_H

#include "data/user_items.h"

#include <stdint.h>

struct rec_reader;

/*
 * Read the rows of `path`, of a kind in the mask `kinds`, into `m`, which gets the bounds of the main
 * input `in` and is finished; returns how many rows stood twice. Dies where its bounds exceed those,
 * its ids or its split are others, or where it and `in` are shards with other users; `whole` (NULL:
 * they may be shards, of the same users) says why `path` must be none.
 */
uint64_t side_rows_read(struct user_items *m, const struct rec_reader *in, const char *path,
	unsigned kinds, const char *whole);

#endif
