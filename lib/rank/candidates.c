#include "rank/candidates.h"

#include "base/mem.h"
#include "base/processor.h"
#include "rank/ranking.h"
#include "rank/score_rows.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { STEP = 32 }; /* labels or items checked at once */

void candidates_init(struct candidates *c)
{
	*c = (struct candidates){ 0 };
}

void candidates_release(struct candidates *c)
{
	free(c->item);
	free(c->label);
	free(c->score);
	free(c->place);
	free(c->keys);
	free(c->scratch);
	candidates_init(c);
}

void candidates_clear(struct candidates *c)
{
	c->num = 0;
	c->unordered = false;
}

static void grow(struct candidates *c, size_t need)
{
	size_t capacity = c->capacity < 1024 ? 1024 : c->capacity;

	while (capacity < need)
		capacity *= 2;
	c->item = xrealloc(c->item, capacity, sizeof(*c->item));
	c->label = xrealloc(c->label, capacity, sizeof(*c->label));
	c->score = xrealloc(c->score, capacity, sizeof(*c->score));
	c->capacity = capacity;
}

/* Is one of n items not greater than the item before it? */
static inline __attribute__((always_inline)) bool has_descent_inline(const uint32_t *item, size_t n)
{
	size_t k = 1;

	for (; k + STEP <= n; k += STEP) {
		uint32_t descents = 0;

		for (unsigned j = 0; j < STEP; j++)
			descents |= item[k + j] <= item[k + j - 1];
		if (descents)
			return true;
	}
	while (k < n && item[k] > item[k - 1])
		k++;
	return k < n;
}

PROCESSOR_LEVELS(bool, has_descent, (const uint32_t *item, size_t n), (item, n))

void candidates_add(struct candidates *c, const struct score *rows, size_t n)
{
	const size_t first = c->num;

	if (first + n > c->capacity)
		grow(c, first + n);
	score_rows_split(rows, n, c->item + first, c->label + first, c->score + first);
	c->num += n;
	c->unordered |= has_descent(c->item + first - (first > 0), n + (first > 0));
}

static int by_key(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* Bring the rows into the order (item, place). */
static void sort(struct candidates *c)
{
	size_t n = c->num;

	c->place = xrealloc(c->place, c->capacity, sizeof(*c->place));
	c->keys = xrealloc(c->keys, c->capacity, sizeof(*c->keys));
	c->scratch = xrealloc(c->scratch, c->capacity, 2 * sizeof(*c->scratch));
	for (size_t k = 0; k < n; k++)
		c->keys[k] = (uint64_t)c->item[k] << 32 | (uint32_t)k;
	qsort(c->keys, n, sizeof(*c->keys), by_key);
	memcpy(c->scratch, c->label, n * sizeof(*c->label));
	memcpy(c->scratch + n, c->score, n * sizeof(*c->score));
	for (size_t k = 0; k < n; k++) {
		c->item[k] = (uint32_t)(c->keys[k] >> 32);
		c->place[k] = (uint32_t)c->keys[k];
		c->label[k] = c->scratch[c->place[k]];
		c->score[k] = c->scratch[n + c->place[k]];
	}
}

bool candidates_finish(struct candidates *c, struct candidates_report *report, uint32_t *item)
{
	size_t kept = 0;
	bool mixed = false;

	if (!c->unordered)
		return true;
	sort(c);
	for (size_t k = 1; k < c->num; k++) {
		if (c->item[k] != c->item[kept]) {
			kept++;
		} else if (c->score[k] != c->score[kept]) {
			*item = c->item[k];
			return false;
		} else {
			report->repeats++;
			mixed |= (c->label[k] > 0) != (c->label[kept] > 0);
			if (c->label[k] <= c->label[kept])
				continue;
		}
		c->item[kept] = c->item[k];
		c->place[kept] = c->place[k];
		c->label[kept] = c->label[k];
		c->score[kept] = c->score[k];
	}
	c->num = kept + 1;
	report->mixed += mixed;
	return true;
}

size_t candidates_place(const struct candidates *c, size_t k)
{
	return c->unordered ? c->place[k] : k;
}

/* The first positive from row k on, n if there is none. */
static inline __attribute__((always_inline)) size_t next_positive_inline(
	const float *label, size_t k, size_t n)
{
	for (; k + STEP <= n; k += STEP) { /* nearly all are negatives: check many at once */
		uint32_t positives = 0;

		for (unsigned j = 0; j < STEP; j++)
			positives += label[k + j] > 0;
		if (positives > 0)
			break;
	}
	while (k < n && !(label[k] > 0))
		k++;
	return k;
}

PROCESSOR_LEVELS(size_t, next_positive, (const float *label, size_t k, size_t n), (label, k, n))

size_t candidates_ranks(uint32_t user, const uint32_t *item, const float *label, const float *score,
	size_t n, struct rank *out)
{
	size_t num = 0;

	for (size_t k = 0; (k = next_positive(label, k, n)) < n; k++) {
		struct rank_place p = { UINT32_MAX, 0, 0 }; /* outside: below all candidates */

		if (score[k] > -INFINITY)
			p = rank_place(score, n, k);
		out[num++] = (struct rank){ user, item[k], p.above, p.ties, p.ties_before, 0 };
	}
	const uint32_t candidates = num ? rank_candidates(score, n) : 0;
	for (size_t j = 0; j < num; j++) {
		out[j].candidates = candidates;
		if (out[j].above > candidates)
			out[j].above = candidates;
	}
	return num;
}

static float score_of(const struct candidates *c, uint32_t item)
{
	size_t low = 0, high = c->num;

	while (high - low > 1) {
		const size_t middle = low + (high - low) / 2;

		if (c->item[middle] <= item)
			low = middle;
		else
			high = middle;
	}
	return c->score[low];
}

static int by_place(const void *a, const void *b)
{
	const struct rank *x = a, *y = b;

	if (x->above != y->above)
		return x->above > y->above ? 1 : -1;
	return (x->ties_before > y->ties_before) - (x->ties_before < y->ties_before);
}

void candidates_reorder(
	const struct candidates *c, const struct tie_order *order, struct rank *rows, size_t n)
{
	for (size_t j = 0; j < n; j++) {
		struct rank *r = &rows[j];
		const float score = score_of(c, r->item);

		if (r->ties == 0)
			continue;
		r->ties_before = 0;
		for (size_t k = 0; k < c->num; k++)
			r->ties_before += c->score[k] == score && c->item[k] != r->item &&
					  order->before(order->arg, c->item[k], r->item);
	}
	qsort(rows, n, sizeof(*rows), by_place);
}
