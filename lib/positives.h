/*
 * positives: the interactions of an epoch, numbered from 0: their item, and their user without storing
 * one for each.
 *
 * Memory: 4 bytes an interaction for the items and 1/4 byte for the users (one bit marks where the next
 * user's begin; his number is a count of those bits), 4 a user.
 */
#ifndef POSITIVES_H
#define POSITIVES_H

#include "history.h"

#include <stdint.h>

struct positives_word {
	uint32_t begins; /* bit k: positive 32 w + k is the first of its user */
	uint32_t users;	 /* users that began before this word */
};

struct positives {
	uint64_t num;
	uint32_t *item;
	uint32_t *user; /* of the users with a positive, ascending */
	struct positives_word *word;
};

/* Take the items of a finished history over (it is released), but for users whose `skip` bit is set:
   bit u % 8 of skip[u / 8]. Order: users ascending, their items ascending. */
void positives_init(struct positives *p, struct history *h, const unsigned char *skip);
void positives_release(struct positives *p);

/* Users and items (count) of the positives with these numbers. */
void positives_get(const struct positives *p, const uint64_t *number, size_t count, uint32_t *user,
	uint32_t *item);

#endif
