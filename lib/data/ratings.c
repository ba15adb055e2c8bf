#include "data/ratings.h"

#include "base/mem.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

const char *const duplicates_names[] = { "latest", "first", "sum", "max", "error", NULL };

/* As the user of a row: compact() removes it. */
#define DROPPED UINT32_MAX

void ratings_grow(struct ratings *r)
{
	size_t need = (size_t)r->num + 1, capacity = r->capacity;

	r->user = xgrow(r->user, &capacity, need, sizeof(*r->user));
	capacity = r->capacity;
	r->item = xgrow(r->item, &capacity, need, sizeof(*r->item));
	capacity = r->capacity;
	r->rating = xgrow(r->rating, &capacity, need, sizeof(*r->rating));
	capacity = r->capacity;
	r->time = xgrow(r->time, &capacity, need, sizeof(*r->time));
	r->capacity = capacity;
}

void ratings_release(struct ratings *r)
{
	free(r->user);
	free(r->item);
	free(r->rating);
	free(r->time);
	*r = (struct ratings){ 0 };
}

/* Remove the rows whose user is DROPPED; returns how many. */
static uint32_t compact(struct ratings *r)
{
	uint32_t n = 0, before = r->num;

	for (uint32_t k = 0; k < r->num; k++) {
		if (r->user[k] == DROPPED)
			continue;
		r->user[n] = r->user[k];
		r->item[n] = r->item[k];
		r->rating[n] = r->rating[k];
		r->time[n] = r->time[k];
		n++;
	}
	r->num = n;
	return before - n;
}

static uint32_t *count(const uint32_t *id, uint32_t n, uint32_t bound)
{
	uint32_t *of = xcalloc(bound, sizeof(*of));

	for (uint32_t k = 0; k < n; k++)
		of[id[k]]++;
	return of;
}

uint32_t *ratings_count_users(const struct ratings *r)
{
	return count(r->user, r->num, r->num_users);
}

uint32_t *ratings_count_items(const struct ratings *r)
{
	return count(r->item, r->num, r->num_items);
}

/* Fill order (num) with the row numbers by user, in input order for each (a counting sort). Returns
   where the rows of each user end, in a new array (num_users). */
static uint32_t *sort_by_user(const struct ratings *r, uint32_t *order)
{
	uint32_t *next = ratings_count_users(r), start = 0;

	for (uint32_t u = 0; u < r->num_users; u++) {
		uint32_t rows = next[u];

		next[u] = start;
		start += rows;
	}
	for (uint32_t k = 0; k < r->num; k++)
		order[next[r->user[k]]++] = k;
	return next;
}

/* What merging needs beside the table. */
struct merging {
	struct ratings *r;
	enum duplicates how;
	double *sum; /* of each row that stays so far; NULL: not asked for */
	struct merged result;
};

static void refuse(struct merging *m, uint32_t before, uint32_t row)
{
	if (m->result.first != m->result.second)
		return;
	m->result.first = before;
	m->result.second = row;
	m->result.user = m->r->user[row];
	m->result.item = m->r->item[row];
}

/* Merge `row` into `before`, which stays so far and comes before it in the input; returns the one
   that stays. */
static uint32_t merge(struct merging *m, uint32_t before, uint32_t row)
{
	struct ratings *r = m->r;
	bool later = m->how != DUPLICATES_FIRST && r->time[row] > r->time[before];
	uint32_t kept = later ? row : before;

	if (m->how == DUPLICATES_ERROR)
		refuse(m, before, row);
	if (m->how == DUPLICATES_MAX && r->rating[row + before - kept] > r->rating[kept])
		r->rating[kept] = r->rating[row + before - kept];
	if (m->how == DUPLICATES_SUM) {
		m->sum[kept] = m->sum[before] + (double)r->rating[row];
		if (!isfinite((float)m->sum[kept]))
			refuse(m, before, row);
	}
	r->user[row + before - kept] = DROPPED;
	m->result.dropped++;
	return kept;
}

static double *start_sums(const struct ratings *r)
{
	double *sum = xmalloc(r->num, sizeof(*sum));

	for (uint32_t k = 0; k < r->num; k++)
		sum[k] = (double)r->rating[k];
	return sum;
}

static void take_sums(struct ratings *r, double *sum)
{
	for (uint32_t k = 0; k < r->num; k++)
		r->rating[k] = (float)sum[k];
	free(sum);
}

struct merged ratings_merge(struct ratings *r, enum duplicates how)
{
	uint32_t *order = xmalloc(r->num, sizeof(*order)), *end = sort_by_user(r, order);
	uint32_t *seen = xcalloc(r->num_items, sizeof(*seen)), at = 0;
	struct merging m = { .r = r, .how = how };

	if (how == DUPLICATES_SUM)
		m.sum = start_sums(r);
	for (uint32_t u = 0; u < r->num_users; u++)
		for (uint32_t start = at; at < end[u]; at++) {
			uint32_t row = order[at],
				 *kept = &seen[r->item[row]]; /* place in order, + 1 */

			if (*kept <= start || merge(&m, order[*kept - 1], row) == row)
				*kept = at + 1;
		}
	free(order);
	free(end);
	free(seen);
	if (m.sum)
		take_sums(r, m.sum);
	if (m.result.dropped > 0)
		compact(r);
	return m.result;
}

void ratings_order_as_times(struct ratings *r)
{
	for (uint32_t k = 0; k < r->num; k++)
		r->time[k] = k;
}

uint32_t ratings_core(struct ratings *r, uint32_t min_user, uint32_t min_item)
{
	uint32_t *users = ratings_count_users(r), *items = ratings_count_items(r), before = r->num;

	do {
		for (uint32_t k = 0; k < r->num; k++)
			if (users[r->user[k]] < min_user || items[r->item[k]] < min_item) {
				users[r->user[k]]--;
				items[r->item[k]]--;
				r->user[k] = DROPPED;
			}
	} while (compact(r) > 0);
	free(users);
	free(items);
	return before - r->num;
}

static void number(uint32_t *id, uint32_t n, const uint32_t *new_id)
{
	for (uint32_t k = 0; k < n; k++)
		id[k] = new_id[id[k]];
}

void ratings_number_users(struct ratings *r, const uint32_t *new_id, uint32_t num)
{
	number(r->user, r->num, new_id);
	r->num_users = num;
}

void ratings_number_items(struct ratings *r, const uint32_t *new_id, uint32_t num)
{
	number(r->item, r->num, new_id);
	r->num_items = num;
}
