/* gram: counts of pairs next to a plain loop, by any threads, with items that have no row. */
#include "base/mem.h"
#include "base/pool.h"
#include "base/processor.h"
#include "base/rng.h"
#include "check.h"
#include "linear/gram.h"
#include "linear/spd_inverse.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { USERS = 150, ITEMS = 90, N = 96 };

static const double L2 = 2.5;

/* Every seventh user and every eleventh item have nothing. */
static void make_users(struct user_items *users, bool has[USERS][ITEMS])
{
	struct rng r;

	rng_start(&r, 1, RNG_TEST, 0, 0);
	user_items_init(users, USERS, ITEMS);
	for (uint32_t u = 0; u < USERS; u++)
		for (uint32_t i = 0; i < ITEMS; i++) {
			has[u][i] = u % 7 && i % 11 && rng_below(&r, 1 + i / 5) == 0;
			if (has[u][i])
				user_items_add(users, u, i);
		}
	user_items_finish(users);
}

static double want(bool has[USERS][ITEMS], uint32_t i, uint32_t j)
{
	double sum = i == j ? L2 : 0;

	for (uint32_t u = 0; u < USERS; u++)
		sum += has[u][i] && has[u][j];
	return sum;
}

static void compare(struct gram *g, bool has[USERS][ITEMS], unsigned threads)
{
	struct pool *pool = pool_new(threads);
	float *a = xmalloc(N * N, sizeof(*a));
	size_t wrong = 0;

	for (size_t k = 0; k < N * N; k++)
		a[k] = NAN;
	gram_make(g, L2, a, N, pool);
	for (uint32_t i = 0; i < N; i++)
		for (uint32_t j = 0; j <= i; j++) {
			const double value =
				i < g->rows ? want(has, g->item_of[i], g->item_of[j]) : i == j;

			wrong += a[spd_row(i) + j] != (float)value;
		}
	CHECK(wrong == 0, "%s, %u threads: %zu of G are wrong", g->dense ? "bits" : "lists",
		threads, wrong);
	wrong = 0;
	for (size_t k = spd_row(N); k < N * N; k++)
		wrong += !isnan(a[k]);
	CHECK(wrong == 0, "%u threads: nothing behind the triangle", threads);
	free(a);
	pool_free(pool);
}

/* Lists, where users have few of the items, or bits would take more room than half of G. */
static void check_choice(void)
{
	static const uint32_t shapes[][3] = { { 1000, 600, 6 }, { 9600, 600, 300 } };

	for (size_t k = 0; k < sizeof(shapes) / sizeof(*shapes); k++) {
		const uint32_t *shape = shapes[k];
		struct user_items users;
		struct gram g;

		user_items_init(&users, shape[0], shape[1]);
		for (uint32_t u = 0; u < shape[0]; u++)
			for (uint32_t i = 0; i < shape[2]; i++)
				user_items_add(&users, u, i);
		user_items_finish(&users);
		gram_init(&g, &users, NULL, NULL, shape[1]);
		CHECK(!g.dense, "%u users with %u of %u items: by lists", shape[0], shape[2],
			shape[1]);
		user_items_release(&users);
	}
}

int main(void)
{
	static bool has[USERS][ITEMS];
	uint32_t row_of[ITEMS], item_of[ITEMS], rows = 0;
	struct gram g;
	struct user_items users;

	make_users(&users, has);
	for (uint32_t i = 0; i < ITEMS; i++) {
		row_of[i] = i % 11 ? rows : NO_ROW;
		if (i % 11)
			item_of[rows++] = i;
	}
	CHECK(rows < ITEMS && rows % SPD_MULTIPLE, "%u rows of %d items", rows, ITEMS);
	for (int dense = 0; dense <= (processor_counts_bits() ? 1 : 0); dense++) {
		gram_init(&g, &users, row_of, item_of, rows);
		CHECK(g.dense == processor_counts_bits(), "by bits where the processor can");
		g.dense = dense;
		gram_take_users(&g, &users);
		gram_take_items(&g, &users);
		for (unsigned threads = 1; threads <= 4; threads++)
			compare(&g, has, threads);
		gram_release(&g);
	}
	check_choice();
	user_items_release(&users);
	return CHECK_EXIT;
}
