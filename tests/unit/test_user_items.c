/* user_items: against a plain matrix of booleans, on random rows with duplicates, in several goes. */
#include "base/rng.h"
#include "check.h"
#include "data/user_items.h"

#include <string.h>

enum { USERS = 70, ITEMS = 1000, ROWS = 400000 };

static unsigned char has[USERS][ITEMS];

/* Users 0 and 69 stay empty, user 1 gets every second row, so that lists of all lengths arise. */
static void add_rows(struct user_items *h, uint64_t first, uint64_t end, uint64_t *duplicates)
{
	struct rng r;

	for (uint64_t k = first; k < end; k++) {
		rng_start(&r, 1, RNG_TEST, 0, k);
		uint32_t user = rng_below(&r, 2) ? 1 : 1 + rng_below(&r, USERS - 2);
		uint32_t item = rng_below(&r, user < 60 ? 10 * user : 20); // short lists too

		*duplicates += has[user][item];
		has[user][item] = 1;
		user_items_add(h, user, item);
	}
}

static void check_against_matrix(const struct user_items *h, const char *when)
{
	uint32_t wrong_items = 0, wrong_has = 0;

	for (uint32_t u = 0; u < USERS; u++) {
		uint32_t n, below = 0;
		const uint32_t *item = user_items_get(h, u, &n);

		for (uint32_t i = 0; i < ITEMS; i++) {
			wrong_has += user_items_has(h, u, i) != has[u][i];
			if (has[u][i])
				wrong_items += below >= n || item[below] != i;
			below += has[u][i];
		}
		wrong_items += below != n;
	}
	CHECK(!wrong_items, "%s: items sorted, each once", when);
	CHECK(!wrong_has, "%s: membership", when);
}

static void check_random(void)
{
	struct user_items h;
	uint64_t duplicates = 0, dropped;

	user_items_init(&h, USERS, ITEMS);
	dropped = user_items_finish(&h);
	CHECK(dropped == 0 && user_items_size(&h) == 0 && !user_items_has(&h, 5, 5), "empty");

	add_rows(&h, 0, 300, &duplicates);
	dropped = user_items_finish(&h);
	CHECK(dropped == duplicates, "few rows: %d duplicates dropped", (int)dropped);
	check_against_matrix(&h, "few rows");

	duplicates = 0;
	add_rows(&h, 300, ROWS,
		&duplicates); // more than the pending rows' room: merged several times
	dropped = user_items_finish(&h);
	CHECK(dropped == duplicates, "many rows: %d duplicates dropped", (int)dropped);
	check_against_matrix(&h, "many rows");
	user_items_release(&h);
}

static void check_keep_duplicates(void)
{
	const uint32_t expected[] = { 2, 2, 70000, 4000000000u };
	struct user_items h;
	uint32_t n;

	user_items_init(&h, 2, 4000000001u);
	user_items_add(&h, 1, 4000000000u);
	user_items_add(&h, 1, 2);
	user_items_add(&h, 1, 70000);
	user_items_add(&h, 1, 2);
	user_items_finish_all(&h, NULL);
	CHECK(!memcmp(user_items_get(&h, 1, &n), expected, sizeof(expected)) && n == 4,
		"history_finish_all keeps duplicates");
	for (int k = 0; k < 100; k++) // long enough for the radix sort, ids of 32 bits
		user_items_add(&h, 0, 4000000000u - 40000000u * (uint32_t)k);
	CHECK(user_items_finish(&h) == 1, "history_finish drops the one left");
	const uint32_t *item = user_items_get(&h, 0, &n);
	int sorted = n == 100;

	for (uint32_t k = 0; k < 100 && sorted; k++)
		sorted = item[k] == 40000000u * (k + 1);
	CHECK(sorted, "32-bit ids are sorted");
	user_items_release(&h);
}

int main(void)
{
	check_random();
	check_keep_duplicates();
	return CHECK_EXIT;
}
