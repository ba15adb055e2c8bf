#include "rank/activity.h"

#include "base/mem.h"
#include "data/user_items.h"

#include <stdlib.h>

static int by_value(const void *a, const void *b)
{
	const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static void add_group(
	struct activity *a, const struct metrics_cutoffs *k, uint32_t from, uint32_t to)
{
	if (from <= to)
		a->group[a->num++] = (struct activity_group){ from, to, { .cutoffs = *k } };
}

void activity_init(
	struct activity *a, const struct metrics_cutoffs *k, const struct user_items *train)
{
	uint32_t *items = xmalloc(train->num_users, sizeof(*items)), n, from = 1;
	size_t users = 0;

	*a = (struct activity){ .train = train };
	for (uint32_t u = 0; u < train->num_users; u++) {
		user_items_get(train, u, &n);
		if (n)
			items[users++] = n;
	}
	qsort(items, users, sizeof(*items), by_value);
	add_group(a, k, 0, 0);
	for (size_t q = 1; q <= ACTIVITY_QUARTERS && users; q++) {
		const uint32_t to =
			items[(users * q + ACTIVITY_QUARTERS - 1) / ACTIVITY_QUARTERS - 1];

		add_group(a, k, from, to);
		from = to + 1;
	}
	free(items);
}

void activity_add(struct activity *a, uint32_t user, const struct metrics_user *u)
{
	uint32_t n;
	unsigned g = 0;

	user_items_get(a->train, user, &n);
	while (a->group[g].to < n)
		g++;
	evaluation_add(&a->group[g].sums, u);
}
