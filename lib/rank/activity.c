#include "rank/activity.h"

#include "base/mem.h"
#include "data/user_items.h"

#include <stdlib.h>

void activity_init(
	struct activity *a, const struct metrics_cutoffs *k, const struct user_items *train)
{
	uint32_t *items = xmalloc(train->num_users, sizeof(*items));

	*a = (struct activity){ .train = train };
	for (uint32_t u = 0; u < train->num_users; u++)
		user_items_get(train, u, &items[u]);
	quarters_init(&a->quarters, QUARTERS_OF_NUMBERS, items, train->num_users);
	for (unsigned g = 0; g < a->quarters.num; g++)
		a->sums[g].cutoffs = *k;
	free(items);
}

void activity_add(struct activity *a, uint32_t user, const struct metrics_user *u)
{
	uint32_t n;

	user_items_get(a->train, user, &n);
	evaluation_add(&a->sums[quarters_group(&a->quarters, n)], u);
}
