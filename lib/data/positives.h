/*
 * positives: the interactions of an epoch, numbered from 0: users ascending, their items ascending.
 * Item and user are looked up with one cache miss, without storing a user for each.
 *
 * Memory: 4.6 bytes an interaction, 4 a user.
 */
#ifndef POSITIVES_H
#define POSITIVES_H

#include "data/history.h"

#include <stddef.h>
#include <stdint.h>

/* One cache line: some positives' items, and what gives the users away. */
enum { POSITIVES_PER_LINE = 14 };
struct positives_line {
	uint32_t before; /* users that begin before this line */
	uint32_t begins; /* bit k: item[k] is the first of its user */
	uint32_t item[POSITIVES_PER_LINE];
};

struct positives {
	uint64_t num;
	uint32_t num_users;
	uint32_t *user; /* of the users with a positive, ascending */
	struct positives_line *line;
};

/* All items of a finished history; one given twice is two positives. */
void positives_init(struct positives *p, const struct history *h);
void positives_release(struct positives *p);

/* Drop those of the users whose bit, u % 8 of skip[u / 8], is set, and number the rest anew. */
void positives_drop(struct positives *p, const unsigned char *skip);

/* Users and items (count) of the positives with these numbers. */
void positives_get(const struct positives *p, const uint64_t *number, size_t count, uint32_t *user,
	uint32_t *item);

#endif
