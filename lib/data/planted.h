/*
 * planted: a world of users and items with known preferences, and draws from it.
 *
 * User u has a direction p_u, item i a direction q_i, both uniform on the unit sphere in F
 * dimensions, and item i a popularity b_i = -skew x log(10 + its rank). With cos = p_u . q_i,
 *   preference(u, i) = exp(b_i + strength x cos)
 * The items of a user are drawn one after another, without replacement, by preference (Plackett
 * 1975, Luce 1959), and listed in random order. A rating is 3 + 1.5 x cos + noise N(0, 0.7),
 * rounded and limited to 1..5.
 *
 * An item that no user draws would shift the dense ids that ml-split assigns; therefore item i is
 * given to user i mod users first, whatever the preference.
 *
 * Memory: 4F + 24 bytes per item, 4F + 8 per user.
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
	uint64_t *first;       /* num_users + 1: the ratings of users 0..u-1 together */
};

/* The bounds of num_ratings: 2 per user and one per item, and a quarter of the items per user. */
uint64_t planted_fewest(const struct planted_config *c);
uint64_t planted_most(const struct planted_config *c);

void planted_init(struct planted *w, const struct planted_config *c);
void planted_release(struct planted *w);

float planted_cosine(const struct planted *w, uint32_t user, uint32_t item);

/* What a thread needs; `taken` is a set of items, empty between calls. */
struct planted_scratch {
	unsigned char *taken;
	uint32_t *item; /* num_items */
};
void planted_scratch_init(struct planted_scratch *s, const struct planted *w);
void planted_scratch_release(struct planted_scratch *s);

/* Fill s->item with the items of the user by time; returns how many: first[u + 1] - first[u]. */
uint32_t planted_draw_items(const struct planted *w, uint32_t user, struct planted_scratch *s);

/* A rating of the item by the user. */
unsigned planted_draw_rating(const struct planted *w, uint32_t user, uint32_t item, struct rng *r);

#endif
