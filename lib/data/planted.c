#include "data/planted.h"

#include "base/bitset.h"
#include "base/mem.h"
#include "base/permute.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

/* Proposals made at a time; each block of four random numbers makes two. */
enum { PROPOSALS = 64 };

/* What the random numbers of one purpose are for, by their epoch. */
enum { DIRECTIONS, COUNTS, RANKS = 1, PROPOSED = 0, SHUFFLED = 1 };

/* `n` directions, uniform on the unit sphere. */
static float *make_directions(const struct planted_config *c, uint32_t n, enum rng_purpose purpose)
{
	const uint32_t factors = c->factors;
	float *direction = xmalloc((size_t)n * factors, sizeof(*direction));

	for (uint32_t k = 0; k < n; k++) {
		float *x = direction + (size_t)k * factors;
		double square = 0;
		struct rng r;

		rng_start(&r, c->seed, purpose, DIRECTIONS, k);
		for (uint32_t f = 0; f < factors; f++) {
			x[f] = (float)rng_normal(&r);
			square += (double)x[f] * x[f];
		}
		for (uint32_t f = 0; f < factors; f++)
			x[f] = (float)(x[f] / sqrt(square));
	}
	return direction;
}

static double *make_popularity(const struct planted_config *c)
{
	double *b = xmalloc(c->num_items, sizeof(*b));
	struct permute rank;
	struct rng keys;

	rng_start(&keys, c->seed, RNG_PLANTED_ITEM, RANKS, 0);
	permute_init(&rank, c->num_items, &keys);
	for (uint32_t i = 0; i < c->num_items; i++)
		b[i] = -c->skew * log(10 + (double)permute_at(&rank, i));
	return b;
}

/* A user has at least 2 ratings and one for each of the items u, u + num_users, ... */
static uint64_t fewest_of(const struct planted_config *c, uint32_t u)
{
	const uint64_t assigned = c->num_items / c->num_users + (u < c->num_items % c->num_users);

	return assigned > 2 ? assigned : 2;
}

/* A quarter of the items: drawing more without replacement would take long. */
static uint64_t most_of(const struct planted_config *c, uint32_t u)
{
	const uint64_t fewest = fewest_of(c, u);

	return c->num_items / 4 > fewest ? c->num_items / 4 : fewest;
}

uint64_t planted_fewest(const struct planted_config *c)
{
	uint64_t sum = 0;

	for (uint32_t u = 0; u < c->num_users; u++)
		sum += fewest_of(c, u);
	return sum;
}

uint64_t planted_most(const struct planted_config *c)
{
	uint64_t sum = 0;

	for (uint32_t u = 0; u < c->num_users; u++)
		sum += most_of(c, u);
	return sum;
}

/* Share the ratings out log-normally (sigma 1, as in MovieLens) between fewest_of and most_of. */
static uint64_t *make_counts(const struct planted_config *c)
{
	const uint64_t extra = c->num_ratings - planted_fewest(c);
	uint64_t *first = xcalloc((size_t)c->num_users + 1, sizeof(*first)), left = extra;
	double *weight = xmalloc(c->num_users, sizeof(*weight)), sum = 0;

	for (uint32_t u = 0; u < c->num_users; u++) {
		struct rng r;

		rng_start(&r, c->seed, RNG_PLANTED_USER, COUNTS, u);
		sum += weight[u] = exp(rng_normal(&r));
	}
	for (int pass = 0; left > 0; pass++) // in proportion; then evenly what did not fit
		for (uint32_t u = 0; u < c->num_users && left > 0; u++) {
			const uint64_t space = most_of(c, u) - fewest_of(c, u) - first[u + 1];
			uint64_t add = (uint64_t)((double)extra * (weight[u] / sum));

			add = pass ? left / c->num_users + 1 : add;
			add = add < space ? add : space;
			add = add < left ? add : left;
			first[u + 1] += add;
			left -= add;
		}
	for (uint32_t u = 0; u < c->num_users; u++)
		first[u + 1] += first[u] + fewest_of(c, u);
	free(weight);
	return first;
}

void planted_init(struct planted *w, const struct planted_config *c)
{
	double *weight = xmalloc(c->num_items, sizeof(*weight));

	w->config = *c;
	w->first = make_counts(c);
	w->user = make_directions(c, c->num_users, RNG_PLANTED_USER);
	w->item = make_directions(c, c->num_items, RNG_PLANTED_ITEM);
	w->popularity = make_popularity(c);
	for (uint32_t i = 0; i < c->num_items; i++)
		weight[i] = exp(w->popularity[i]);
	alias_init(&w->proposal, c->num_items, weight);
}

void planted_release(struct planted *w)
{
	free(w->user);
	free(w->item);
	free(w->popularity);
	free(w->first);
	alias_release(&w->proposal);
}

void planted_scratch_init(struct planted_scratch *s, const struct planted *w)
{
	s->taken = bitset_new(w->config.num_items);
	s->item = xmalloc(w->config.num_items, sizeof(*s->item));
}

void planted_scratch_release(struct planted_scratch *s)
{
	free(s->taken);
	free(s->item);
}

float planted_cosine(const struct planted *w, uint32_t user, uint32_t item)
{
	const uint32_t factors = w->config.factors;
	const float *p = w->user + (size_t)user * factors, *q = w->item + (size_t)item * factors;
	float sum = 0;

	for (uint32_t f = 0; f < factors; f++)
		sum += p[f] * q[f];
	return sum;
}

/*
 * Draw items by preference: propose by popularity, accept with probability exp(-x) for x = strength
 * (1 - cos). Writes those accepted, at most PROPOSALS, to `item` and returns their number. The high
 * half of a product selects the bucket of the alias table, its low half is the second number.
 */
static unsigned propose(const struct planted *w, uint32_t user, struct rng *r, uint32_t *item)
{
	const float strength = (float)w->config.strength;
	uint32_t words[2 * PROPOSALS], proposed[PROPOSALS];
	float x[PROPOSALS];
	unsigned accepted = 0;

	for (int k = 0; k < 2 * PROPOSALS; k += 4)
		rng_block(r, words + k);
	for (int k = 0; k < PROPOSALS; k++) {
		const uint64_t product = (uint64_t)words[2 * k] * w->config.num_items;

		proposed[k] =
			alias_pick(&w->proposal, (uint32_t)(product >> 32), (uint32_t)product);
	}
	for (int k = 0; k < PROPOSALS; k++)
		x[k] = strength * (1 - planted_cosine(w, user, proposed[k]));
	for (int k = 0; k < PROPOSALS; k++) {
		const float number = (float)words[2 * k + 1] * 0x1p-32f;

		/* exp(-x) < 1 / (1 + x + x^2 / 2 + x^3 / 6): most need no expf to be refused */
		if (number * (1 + x[k] * (1 + x[k] * (0.5f + x[k] / 6))) < 1.001f &&
			number < expf(-x[k]))
			item[accepted++] = proposed[k];
	}
	return accepted;
}

static void shuffle(uint32_t *item, uint32_t n, struct rng *r)
{
	for (uint32_t k = n; k > 1; k--) { // Fisher & Yates
		const uint32_t j = rng_below(r, k), swap = item[j];

		item[j] = item[k - 1];
		item[k - 1] = swap;
		rng_extend(r);
	}
}

uint32_t planted_draw_items(const struct planted *w, uint32_t user, struct planted_scratch *s)
{
	const uint32_t wanted = (uint32_t)(w->first[user + 1] - w->first[user]);
	uint32_t n = 0;
	struct rng r;

	for (uint64_t item = user; item < w->config.num_items; item += w->config.num_users) {
		bitset_add(s->taken, (uint32_t)item);
		s->item[n++] = (uint32_t)item;
	}
	rng_start(&r, w->config.seed, RNG_PLANTED_RATING, PROPOSED, user);
	while (n < wanted) {
		uint32_t item[PROPOSALS];
		const unsigned accepted = propose(w, user, &r, item);

		rng_extend(&r);
		for (unsigned k = 0; k < accepted && n < wanted; k++)
			if (bitset_insert(s->taken, item[k]))
				s->item[n++] = item[k];
	}
	for (uint32_t k = 0; k < n; k++)
		bitset_remove(s->taken, s->item[k]);
	rng_start(&r, w->config.seed, RNG_PLANTED_RATING, SHUFFLED, user);
	shuffle(s->item, n, &r);
	return n;
}

unsigned planted_draw_rating(const struct planted *w, uint32_t user, uint32_t item, struct rng *r)
{
	const double rating = round(3 + 1.5 * planted_cosine(w, user, item) + 0.7 * rng_normal(r));

	return rating < 1 ? 1 : rating > 5 ? 5 : (unsigned)rating;
}
