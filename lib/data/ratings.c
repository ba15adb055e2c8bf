#include "data/ratings.h"

#include "base/mem.h"

#include <stdbool.h>
#include <stdlib.h>

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

uint32_t ratings_drop_repeats(struct ratings *r)
{
	uint32_t *order = xmalloc(r->num, sizeof(*order)), *end = sort_by_user(r, order);
	uint32_t *seen = xcalloc(r->num_items, sizeof(*seen)), at = 0;
	bool any = false;

	for (uint32_t u = 0; u < r->num_users; u++)
		for (uint32_t start = at; at < end[u]; at++) {
			uint32_t row = order[at],
				 *last = &seen[r->item[row]]; /* place in order, + 1 */
			uint32_t before = *last > start ? order[*last - 1] : row;

			if (before != row) {
				any = true;
				if (r->time[row] <= r->time[before]) {
					r->user[row] = DROPPED;
					continue;
				}
				r->user[before] = DROPPED;
			}
			*last = at + 1;
		}
	free(order);
	free(end);
	free(seen);
	return any ? compact(r) : 0;
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
