#include "linear/gram.h"

#include "base/mem.h"
#include "base/pool.h"
#include "linear/spd_inverse.h"

#include <stdlib.h>
#include <string.h>

/* Lists whose beginnings are called for: so many ahead, so many cache lines of each. */
enum { AHEAD = 2, LINES = 3, LINE = 16 };

struct counting {
	const struct gram *g;
	double l2;
	float *triangle;
	uint32_t **count; /* per thread, per row; 0 between jobs */
};

void gram_init_items(struct gram *g, const struct user_items *users)
{
	user_items_transpose(&g->items, users);
}

void gram_init_lists(struct gram *g, const struct user_items *users, const uint32_t *row_of)
{
	uint32_t *to = xmalloc(user_items_size(users) + users->num_users, sizeof(*to));

	g->start = xmalloc(users->num_users, sizeof(*g->start));
	g->list = to;
	for (uint32_t u = 0; u < users->num_users; u++) {
		uint32_t n;
		const uint32_t *item = user_items_get(users, u, &n);

		g->start[u] = (uint64_t)(to - g->list);
		for (uint32_t a = 0; a < n; a++)
			*to++ = row_of[item[a]];
		*to++ = NO_ROW;
	}
}

void gram_free(struct gram *g)
{
	user_items_release(&g->items);
	free(g->start);
	free(g->list);
}

static void call_for(const uint32_t *list)
{
	for (unsigned k = 0; k < LINES; k++)
		__builtin_prefetch(list + k * LINE);
}

/* count[j] of j <= row: what list by list of the users of an item holds up to it. */
static void count_row(void *arg, size_t row, unsigned thread)
{
	const struct counting *c = arg;
	const struct gram *g = c->g;
	float *to = c->triangle + spd_row(row);
	uint32_t *count = c->count[thread], n;
	const uint32_t *user = user_items_get(&g->items, g->item_of[row], &n);

	for (uint32_t a = 0; a < n; a++) {
		if (a + AHEAD < n)
			call_for(g->list + g->start[user[a + AHEAD]]);
		for (const uint32_t *other = g->list + g->start[user[a]]; *other <= row; other++)
			count[*other]++;
	}
	for (size_t j = 0; j < row; j++)
		to[j] = (float)count[j];
	memset(count, 0, (row + 1) * sizeof(*count));
	to[row] = (float)(n + c->l2);
}

void gram_make(const struct gram *g, double l2, float *triangle, size_t n, struct pool *pool)
{
	const unsigned threads = pool_threads(pool);
	struct counting c = { g, l2, triangle, xmalloc(threads, sizeof(*c.count)) };

	for (unsigned t = 0; t < threads; t++)
		c.count[t] = xcalloc(g->rows, sizeof(**c.count));
	pool_run(pool, g->rows, count_row, &c);
	for (size_t i = g->rows; i < n; i++) {
		memset(triangle + spd_row(i), 0, i * sizeof(*triangle));
		triangle[spd_row(i) + i] = 1;
	}
	for (unsigned t = 0; t < threads; t++)
		free(c.count[t]);
	free(c.count);
}
