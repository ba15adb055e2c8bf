#include "rank/exposure.h"

#include "base/bitset.h"
#include "base/mem.h"
#include "data/user_items.h"

#include <math.h>
#include <stdlib.h>

#define HEAD_SHARE 0.8

const char *const exposure_names[] = { "coverage", "novelty", "popularity", "long_tail", NULL };

static int by_falling_count(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* The most popular items which together have HEAD_SHARE of all interactions. */
static void find_head(struct exposure *e, uint64_t interactions)
{
	uint64_t *order = xmalloc(e->num_items, sizeof(*order)), sum = 0;

	for (uint32_t i = 0; i < e->num_items; i++)
		order[i] = (uint64_t)(UINT32_MAX - e->count[i]) << 32 | i;
	qsort(order, e->num_items, sizeof(*order), by_falling_count);
	for (uint32_t k = 0; (double)sum < HEAD_SHARE * (double)interactions; k++) {
		const uint32_t i = (uint32_t)order[k];

		sum += e->count[i];
		bitset_add(e->head, i);
		e->head_items++;
	}
	free(order);
}

void exposure_init(
	struct exposure *e, const struct metrics_cutoffs *k, const struct user_items *train)
{
	const uint64_t interactions = user_items_size(train);
	const uint32_t users = user_items_active_users(train);

	*e = (struct exposure){ .cutoffs = *k, .num_items = train->num_items };
	e->count = user_items_count_users(train);
	e->surprise = xcalloc(e->num_items, sizeof(*e->surprise));
	e->first = xcalloc(e->num_items, sizeof(*e->first));
	e->head = bitset_new(e->num_items);
	for (uint32_t i = 0; i < e->num_items; i++)
		e->surprise[i] = e->count[i] ? -log2((double)e->count[i] / users) : 0;
	find_head(e, interactions);
}

void exposure_release(struct exposure *e)
{
	free(e->count);
	free(e->surprise);
	free(e->first);
	free(e->head);
}

static void add_at(struct exposure *e, unsigned cutoff, const uint32_t *item, uint32_t n)
{
	struct exposure_sum *sum = &e->sum[cutoff];
	double surprise = 0, count = 0;
	uint32_t known = 0, tail = 0;

	for (uint32_t k = 0; k < n; k++) {
		surprise += e->surprise[item[k]];
		count += e->count[item[k]];
		known += e->count[item[k]] > 0;
		tail += !bitset_has(e->head, item[k]);
	}
	if (known) {
		sum->novelty += surprise / known;
		sum->novelty_lists++;
	}
	sum->popularity += count / n;
	sum->long_tail += (double)tail / n;
}

void exposure_add(struct exposure *e, const uint32_t *item, uint32_t n)
{
	uint32_t last = 0;

	e->lists++;
	for (unsigned c = 0; c < e->cutoffs.num; c++) {
		const uint32_t most = e->cutoffs.value[c] < n ? e->cutoffs.value[c] : n;

		add_at(e, c, item, most);
		last = most > last ? most : last;
	}
	for (uint32_t k = 0; k < last; k++) {
		uint32_t *first = &e->first[item[k]];

		if (*first == 0 || *first > k + 1)
			*first = k + 1;
		e->unknown += e->count[item[k]] == 0;
	}
}

/* Items in the first places of at least one list. */
static uint32_t num_shown(const struct exposure *e, unsigned cutoff)
{
	uint32_t shown = 0;

	for (uint32_t i = 0; i < e->num_items; i++)
		shown += e->first[i] > 0 && e->first[i] <= e->cutoffs.value[cutoff];
	return shown;
}

double exposure_value(const struct exposure *e, enum exposure_metric metric, unsigned cutoff)
{
	const struct exposure_sum *sum = &e->sum[cutoff];

	if (e->lists == 0)
		return NAN;
	switch (metric) {
	case EXPOSURE_COVERAGE:
		return (double)num_shown(e, cutoff) / e->num_items;
	case EXPOSURE_NOVELTY:
		return sum->novelty_lists ? sum->novelty / (double)sum->novelty_lists : NAN;
	case EXPOSURE_POPULARITY:
		return sum->popularity / (double)e->lists;
	default:
		return sum->long_tail / (double)e->lists;
	}
}
