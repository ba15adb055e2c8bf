#include "data/sampler.h"

#include "base/alias.h"
#include "base/bitset.h"
#include "base/mem.h"
#include "base/pool.h"
#include "base/rng.h"

#include <stdlib.h>
#include <string.h>

enum { DISTINCT_TRIES = 64, LINE_BITS = 512, JOB_LINES = 1 << 14 };
#define HASH UINT32_C(0x9e3779b1)

struct sampler {
	const struct user_items *excluded;
	uint64_t seed;
	uint32_t num_items;
	uint32_t surplus; // 2^32 mod num_items: a product whose low half is below it is biased

	bool weighted;
	struct alias alias;

	unsigned filter_bits;
	uint32_t *filter;

	unsigned char *taken; // of sampler_distinct: a set of items
};

/*
 * The filter is a Bloom filter (Bloom 1970) with two bits per excluded item: one within the user's
 * own stretch, which has filter_bits per excluded item of the user, the other near it, in the same
 * cache line. An item that lacks either bit is allowed.
 */
static inline uint64_t own_bit(
	const struct sampler *s, uint64_t start, uint64_t length, uint32_t item)
{
	const uint64_t bits = length * s->filter_bits, hash = item * HASH;
	const uint64_t high = (bits >> 32) * hash, low = (bits & UINT32_MAX) * hash;

	return start * s->filter_bits + high + (low >> 32);
}

static inline uint64_t filter_bit(const struct sampler *s, uint32_t user, uint32_t item)
{
	const uint64_t *start = &s->excluded->start[user];

	return own_bit(s, start[0], start[1] - start[0], item);
}

static inline uint64_t other_bit(uint64_t bit, uint32_t item)
{
	return bit ^ ((item * HASH >> 8 & (LINE_BITS - 1)) | 1);
}

static inline bool filter_has(const struct sampler *s, uint64_t bit)
{
	return s->filter[bit / 32] >> bit % 32 & 1;
}

/* Cache lines: the other bit of the last one is in its line. */
static uint64_t filter_lines(const struct sampler *s)
{
	return user_items_size(s->excluded) * s->filter_bits / LINE_BITS + 1;
}

/* JOB_LINES cache lines of the filter: of the users whose stretches they hold, the bits in them. */
static void fill_lines(void *arg, size_t job, unsigned thread)
{
	const struct sampler *s = arg;
	const struct user_items *h = s->excluded;
	const uint64_t line = job * (uint64_t)JOB_LINES, left = filter_lines(s) - line;
	const uint64_t num = left < JOB_LINES ? left : JOB_LINES;
	const uint64_t first = line * LINE_BITS, end = first + num * LINE_BITS;

	(void)thread;
	memset(s->filter + first / 32, 0, num * (LINE_BITS / 8));
	for (uint32_t u = user_items_user_at(h, first / s->filter_bits);
		u < h->num_users && h->start[u] * s->filter_bits < end; u++)
		for (uint64_t k = h->start[u]; k < h->start[u + 1]; k++) {
			const uint64_t bit = filter_bit(s, u, h->item[k]);
			const uint64_t other = other_bit(bit, h->item[k]);

			if (bit < first || bit >= end)
				continue;
			s->filter[bit / 32] |= 1u << bit % 32;
			s->filter[other / 32] |= 1u << other % 32;
		}
}

static void fill_filter(struct sampler *s, struct pool *pool)
{
	const uint64_t lines = filter_lines(s);

	s->filter = xmalloc_table(lines, LINE_BITS / 8);
	if (s->filter_bits == 0)
		memset(s->filter, 0xff, LINE_BITS / 8); // all are to be looked at
	else
		pool_run(pool, (lines + JOB_LINES - 1) / JOB_LINES, fill_lines, s);
}

struct sampler *sampler_new(const struct user_items *excluded, double *weight, unsigned filter_bits,
	uint64_t seed, struct pool *pool)
{
	struct sampler *s = xcalloc(1, sizeof(*s));

	s->excluded = excluded;
	s->seed = seed;
	s->num_items = excluded->num_items;
	s->surplus = s->num_items ? -s->num_items % s->num_items : 0;
	s->filter_bits = filter_bits;
	s->weighted = weight != NULL;
	if (weight)
		alias_init(&s->alias, s->num_items, weight);
	fill_filter(s, pool);
	return s;
}

void sampler_free(struct sampler *s)
{
	alias_release(&s->alias);
	free(s->filter);
	free(s->taken);
	free(s);
}

bool sampler_can_draw(const struct sampler *s, uint32_t user)
{
	uint32_t n;
	const uint32_t *excluded = user_items_get(s->excluded, user, &n);

	return s->weighted ? alias_rest_weight(&s->alias, excluded, n) > 0 : n < s->num_items;
}

struct draw_from sampler_from(const struct sampler *s)
{
	return (struct draw_from){ s->seed, s->num_items, s->surplus, s->weighted, s->alias };
}

struct asked {
	const struct sampler *s;
	uint32_t user;
};

/* By the filter. */
static bool may_have(const void *arg, uint32_t item)
{
	const struct asked *a = arg;
	const uint64_t bit = filter_bit(a->s, a->user, item);

	return filter_has(a->s, bit) && filter_has(a->s, other_bit(bit, item));
}

static uint32_t again_for(const struct sampler *s, uint32_t epoch, uint64_t record, uint32_t user)
{
	const struct draw_from from = sampler_from(s);
	const struct asked asked = { s, user };
	struct draw_list excluded;

	excluded.item = user_items_get(s->excluded, user, &excluded.num);
	return draw_again(&from, epoch, record, excluded, may_have, &asked);
}

/* Of each of n records that the filter lets through: does the user have the item? The binary
   searches go step by step side by side, without branches, so that their cache misses overlap. */
static void search(const struct sampler *s, size_t n, const uint16_t *record, const uint32_t *user,
	const uint32_t *item, unsigned char *found)
{
	const uint32_t *at[SAMPLER_DRAWS];
	uint32_t left[SAMPLER_DRAWS], wanted[SAMPLER_DRAWS], most = 0;

	for (size_t j = 0; j < n; j++) {
		at[j] = user_items_get(s->excluded, user[record[j]], &left[j]);
		at[j] = left[j] > 0 ? at[j] : s->excluded->item; // something that can be read
		wanted[j] = item[record[j]];
		most = left[j] > most ? left[j] : most;
	}
	for (; most > 1; most -= most / 2)
		for (size_t j = 0; j < n; j++) { // if there, it is among the `left` from `at` on
			const uint32_t half = left[j] / 2;

			at[j] += (at[j][half - (half > 0)] < wanted[j]) * half;
			left[j] -= half;
		}
	for (size_t j = 0; j < n; j++)
		found[j] = left[j] == 1 && *at[j] == wanted[j];
}

/* Record k takes `width` words from word k x width of the blocks 0, 1, ... on: one word, or two with
   weights. */
void sampler_begin(struct sampler_draws *d, const struct sampler *s, uint32_t epoch, uint64_t first,
	size_t n, const uint32_t *user, uint32_t *item)
{
	const unsigned width = s->weighted ? 2 : 1;
	const uint64_t at = first * width, end = (first + n) * width;
	uint32_t words[2 * SAMPLER_DRAWS + 8], *word = words + at % 4;

	d->sampler = s;
	d->epoch = epoch;
	d->first = first;
	d->user = user;
	d->item = item;
	d->num_doubtful = 0;
	rng_first_blocks(
		s->seed, RNG_NEGATIVE, epoch, at / 4, (size_t)((end + 3) / 4 - at / 4), words);
	for (size_t k = 0; k < n; k++) {
		const uint64_t product = (uint64_t)word[k * width] * s->num_items;

		item[k] = (uint32_t)(product >> 32);
		d->again[k] = (uint32_t)product < s->surplus; // biased
	}
	if (s->weighted)
		for (size_t k = 0; k < n; k++)
			item[k] = alias_pick(&s->alias, item[k], word[2 * k + 1]);
}

void sampler_call(struct sampler_draws *d, size_t from, size_t to)
{
	for (size_t k = from; k < to; k++) {
		d->bit[k] = filter_bit(d->sampler, d->user[k], d->item[k]);
		/* into the second cache: more lines can be on their way there than to the first */
		__builtin_prefetch(&d->sampler->filter[d->bit[k] / 32], 0, 2);
	}
}

void sampler_test(struct sampler_draws *d, size_t from, size_t to)
{
	const struct sampler *s = d->sampler;

	for (size_t k = from; k < to; k++) {
		d->doubtful[d->num_doubtful] = (uint16_t)k;
		d->num_doubtful +=
			(unsigned)d->again[k] |
			((unsigned)filter_has(s, d->bit[k]) &
				(unsigned)filter_has(s, other_bit(d->bit[k], d->item[k])));
	}
}

void sampler_settle(struct sampler_draws *d)
{
	unsigned char found[SAMPLER_DRAWS];

	search(d->sampler, d->num_doubtful, d->doubtful, d->user, d->item, found);
	for (size_t j = 0; j < d->num_doubtful; j++) {
		const size_t k = d->doubtful[j];

		if (found[j] || d->again[k])
			d->item[k] = again_for(d->sampler, d->epoch, d->first + k, d->user[k]);
	}
}

void sampler_draw(const struct sampler *s, uint32_t epoch, uint64_t first, size_t n,
	const uint32_t *user, uint32_t *item)
{
	const size_t step = SAMPLER_STEP;
	struct sampler_draws d;

	for (size_t done = 0; done < n; done += SAMPLER_DRAWS) {
		const size_t num = n - done < SAMPLER_DRAWS ? n - done : SAMPLER_DRAWS;

		sampler_begin(&d, s, epoch, first + done, num, user + done, item + done);
		for (size_t k = 0; k < num + step; k += step) {
			if (k < num)
				sampler_call(&d, k, k + step < num ? k + step : num);
			if (k > 0)
				sampler_test(&d, k - step, k < num ? k : num);
		}
		sampler_settle(&d);
	}
}

static inline uint64_t weight_of(const struct sampler *s, uint32_t item)
{
	return s->weighted ? alias_weight(&s->alias, item) : 1;
}

static uint32_t count_allowed(const struct sampler *s)
{
	uint32_t allowed = 0;

	for (uint32_t i = 0; i < s->num_items; i++)
		allowed += !bitset_has(s->taken, i) && weight_of(s, i) > 0;
	return allowed;
}

/* Draw among the items that are not taken, by a pass over all items. */
static uint32_t draw_not_taken(const struct sampler *s, struct rng *r)
{
	uint64_t total = 0, t;
	uint32_t i = 0;

	for (uint32_t k = 0; k < s->num_items; k++)
		total += bitset_has(s->taken, k) ? 0 : weight_of(s, k);
	t = rng_below64(r, total);
	for (;; i++) {
		const uint64_t weight = bitset_has(s->taken, i) ? 0 : weight_of(s, i);

		if (t < weight)
			return i;
		t -= weight;
	}
}

/* One item of all. */
static uint32_t pick(const struct sampler *s, struct rng *r)
{
	const uint32_t item = rng_below(r, s->num_items);

	return s->weighted ? alias_pick(&s->alias, item, rng_u32(r)) : item;
}

static uint32_t draw_new(const struct sampler *s, struct rng *r)
{
	for (int k = 0; k < DISTINCT_TRIES; k++) {
		const uint32_t item = pick(s, r);

		if (!bitset_has(s->taken, item))
			return item;
	}
	return draw_not_taken(s, r);
}

uint32_t sampler_distinct(struct sampler *s, uint32_t user, uint64_t wanted, uint32_t *out)
{
	struct rng r;
	uint32_t n, allowed, given = 0;
	const uint32_t *excluded = user_items_get(s->excluded, user, &n);

	if (!s->taken)
		s->taken = bitset_new(s->num_items);
	bitset_clear(s->taken, s->num_items);
	for (uint32_t k = 0; k < n; k++)
		bitset_add(s->taken, excluded[k]);
	allowed = s->weighted ? count_allowed(s) : s->num_items - n;
	if (allowed <= wanted) {
		for (uint32_t i = 0; given < allowed; i++)
			if (!bitset_has(s->taken, i) && weight_of(s, i) > 0)
				out[given++] = i;
		return given;
	}
	rng_start(&r, s->seed, RNG_CANDIDATE, 0, user);
	while (given < wanted) {
		const uint32_t item = draw_new(s, &r);

		rng_extend(&r);
		bitset_add(s->taken, item);
		out[given++] = item;
	}
	return given;
}
