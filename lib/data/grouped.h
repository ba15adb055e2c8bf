/*
 * turns: rows of a user stand together; a user who returns after another is an error.
 * Memory: one bit a user.
 */
#ifndef GROUPED_H
#define GROUPED_H

#include <stdint.h>

struct rec_reader;

struct grouped {
	uint32_t user; /* whose turn it is; UINT32_MAX, which is no id, at the start */
	unsigned char *done;
};

void grouped_init(struct grouped *t, uint32_t num_users);
void grouped_release(struct grouped *t);

/* Give the turn to `user`, whose row was handed out `back` rows ago (see rec_die); dies when the user had one. */
void grouped_next(struct grouped *t, const struct rec_reader *r, uint64_t back, uint32_t user);

#endif
