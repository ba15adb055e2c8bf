/* packed_items: every list comes back, whatever is left out between its items; bytes as stated. */
#include "base/mem.h"
#include "base/rng.h"
#include "check.h"
#include "data/user_items.h"
#include "linear/packed_items.h"

#include <stdlib.h>
#include <string.h>

static const uint32_t ITEMS = UINT32_MAX;

/* Each list of `users`, and how many bytes they have. */
static void compare(const char *what, struct user_items *users, uint64_t bytes)
{
	struct packed_items p;
	uint32_t *item, wrong = 0, longest = 0;

	user_items_finish(users);
	packed_items_init(&p, users);
	item = xmalloc(p.longest, sizeof(*item));
	for (uint32_t u = 0; u < users->num_users; u++) {
		uint32_t n;
		const uint32_t *want = user_items_get(users, u, &n);

		longest = n > longest ? n : longest;
		wrong += packed_items_get(&p, u, item) != n ||
			 memcmp(item, want, n * sizeof(*want)) != 0;
	}
	CHECK(wrong == 0, "%s: %u lists differ", what, wrong);
	CHECK(p.num_users == users->num_users && p.longest == longest, "%s: longest %u", what,
		p.longest);
	CHECK(p.start[p.num_users] == bytes, "%s: %d bytes", what, (int)p.start[p.num_users]);
	free(item);
	packed_items_release(&p);
	user_items_release(users);
}

/* As many items left out as the last number of 1 to 4 bytes, and one more. */
static void compare_edges(void)
{
	static const uint32_t left_out[] = { 0, 127, 128, 16383, 16384, 2097151, 2097152, 268435455,
		268435456 };
	const uint64_t bytes = 1 + 1 + 2 + 2 + 3 + 3 + 4 + 4 + 5;
	struct user_items users;

	user_items_init(&users, 2 + sizeof(left_out) / sizeof(*left_out), ITEMS);
	for (uint32_t u = 0; u < sizeof(left_out) / sizeof(*left_out); u++) {
		user_items_add(&users, u, left_out[u]);
		user_items_add(&users, u, 2 * left_out[u] + 1);
	}
	user_items_add(&users, users.num_users - 1, ITEMS - 1);
	compare("edges", &users, 2 * bytes + 5);
}

static void compare_random(void)
{
	struct user_items users;
	uint64_t bytes = 0;

	user_items_init(&users, 300, 100000);
	for (uint32_t u = 0; u < users.num_users; u += 1 + u % 3) {
		uint32_t item = 0, n = 0;
		struct rng r;

		rng_start(&r, 1, RNG_TEST, 0, u);
		while (n++ < u) {
			const uint32_t more = rng_below(&r, u % 2 ? 3 : 300);

			item += more;
			if (item >= users.num_items)
				break;
			bytes += more < 128 ? 1 : 2;
			user_items_add(&users, u, item++);
		}
	}
	compare("random", &users, bytes);
}

int main(void)
{
	struct user_items none;

	user_items_init(&none, 0, 5);
	compare("no users", &none, 0);
	user_items_init(&none, 3, 0);
	compare("no items", &none, 0);
	compare_edges();
	compare_random();
	return CHECK_EXIT;
}
