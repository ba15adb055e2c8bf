/* shard: the rows of the I-th of N ranges of users, of --shard I/N. */
#ifndef SHARD_H
#define SHARD_H

#include "stream/user_ranges.h"

#include <stddef.h>
#include <stdint.h>

struct shard {
	uint64_t part, of;   /* of 0: all users */
	uint32_t first, end; /* its users */
};

/* Parse "I/N", 1 <= I <= N; wrong usage otherwise. NULL gives all users. */
void shard_parse(struct shard *s, const char *text);

/* Now that the number of users is known. */
void shard_set_users(struct shard *s, uint32_t num_users);

/* Let `users`, of a header, be those of them that the shard has. */
void shard_set_ranges(const struct shard *s, struct user_ranges *users, uint32_t num_users);

/* Keep the rows of the shard's users, of n in an array of a kind's struct: user comes first in all of
   them. Returns how many. */
size_t shard_select(const struct shard *s, void *rows, size_t n, size_t row_size);

#endif
