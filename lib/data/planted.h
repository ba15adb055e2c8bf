/*
 * planted: a world of users and items with known preferences, and draws from it.
 *
 * User u has a direction p_u, item i a direction q_i, both uniform on the unit sphere of F
 * dimensions, and item i a popularity b_i = -skew x log(10 + its rank). With cos = p_u . q_i,
 *   preference(u, i) = exp(b_i + strength x cos)
 * A user's items are drawn one after the other, without replacement, by preference (Plackett 1975,
 * Luce 1959), and listed in random order. A rating is 3 + 1.5 x cos + noise N(0, 0.7), rounded,
 * within 1..5.
 *
 * An item that no user draws would shift the dense ids that ml-split gives, so item i goes to user
 * i mod users first, whatever he prefers.
 *
 * Memory: 4F + 24 bytes an item, 4F + 8 a user.
 */
#ifndef PLANTED_H
#define PLANTED_H

#include "base/alias.h"

#include <stdint.h>

struct planted_config {
	uint32_t num_users, num_items; /* items: at least 8 */
	uint64_t num_ratings;	       /* within planted_fewest .. planted_most */
	uint32_t factors;
	double skew, strength;
	uint64_t seed;
};

/* Rows of floats are (factors). */
struct planted {
	struct planted_config config;
	float *user, *item;    /* directions */
	double *popularity;    /* b_i */
	struct alias proposal; /* draws item i with weight exp(b_i) */
	uint64_t *first;       /* num_users + 1: sums of the users' numbers of ratings */
};

/* What can be shared out: 2 ratings a user and one an item,
   and a quarter of the items for every user. */
uint64_t planted_fewest(const struct planted_config *c);
uint64_t planted_most(const struct planted_config *c);

void planted_init(struct planted *w, const struct planted_config *c);
void planted_release(struct planted *w);

float planted_cosine(const struct planted *w, uint32_t user, uint32_t item);

/* What a thread needs; `taken` has a bit an item and is zero between calls. */
struct planted_scratch {
	unsigned char *taken;
	uint32_t *item; /* num_items */
};
void planted_scratch_init(struct planted_scratch *s, const struct planted *w);
void planted_scratch_release(struct planted_scratch *s);

/* The user's items in the order of their times, in s->item;
   returns how many: first[u + 1] - first[u]. */
uint32_t planted_draw_items(const struct planted *w, uint32_t user, struct planted_scratch *s);

/* A rating of the item by the user. */
unsigned planted_draw_rating(const struct planted *w, uint32_t user, uint32_t item, struct rng *r);

#endif
