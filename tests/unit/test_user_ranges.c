/* user_ranges: keep, add, cover and extend, against plain sets; JSON and back. */
#include "base/rng.h"
#include "check.h"
#include "stream/user_ranges.h"

#include <stdlib.h>
#include <string.h>

enum { USERS = 12, TRIES = 20000 };

/* A bit per user. */
static unsigned set_of(const struct user_ranges *r)
{
	unsigned set = 0;

	for (uint32_t u = 0; u < USERS; u++)
		set |= (unsigned)user_ranges_has(r, u) << u;
	return set;
}

static unsigned bits(uint32_t first, uint32_t end)
{
	return ((1u << end) - 1) & ~((1u << first) - 1);
}

/* Some ranges, or none; `set` is their users. */
static struct user_ranges random_ranges(struct rng *r, unsigned *set)
{
	struct user_ranges ranges = { 0 };
	const uint32_t num = rng_below(r, 4);

	*set = bits(0, USERS);
	for (uint32_t k = 0; k < num; k++) {
		struct user_ranges one = { 0 };
		uint32_t first = rng_below(r, USERS), end = first + rng_below(r, USERS - first + 1);

		user_ranges_keep(&one, first, end, USERS);
		if (k == 0)
			user_ranges_copy(&ranges, &one);
		else
			user_ranges_add(&ranges, &one, USERS);
		*set = k == 0 ? bits(first, end) : *set | bits(first, end);
		user_ranges_release(&one);
	}
	return ranges;
}

static bool is_tidy(const struct user_ranges *r)
{
	struct user_ranges again;
	struct js *v = user_ranges_json(r);
	const bool good = user_ranges_parse(&again, r->num ? v : NULL, USERS) &&
			  again.num == r->num && set_of(&again) == set_of(r);

	user_ranges_release(&again);
	js_free(v);
	return good;
}

static void test_sets(void)
{
	unsigned wrong = 0, untidy = 0, covered = 0, none = 0;
	struct rng r;

	rng_start(&r, 1, RNG_TEST, 0, 0);
	for (unsigned k = 0; k < TRIES; k++) {
		unsigned set_a, set_b, all = bits(0, USERS);
		struct user_ranges a = random_ranges(&r, &set_a), b = random_ranges(&r, &set_b);
		const uint32_t first = rng_below(&r, USERS),
			       end = first + rng_below(&r, USERS - first + 1);

		wrong += set_of(&a) != set_a || set_of(&b) != set_b;
		wrong += user_ranges_are_all(&a, USERS) != (set_a == all);
		wrong += user_ranges_cover(&a, &b, USERS) != ((set_b & ~set_a) == 0);
		untidy += !is_tidy(&a);
		covered += user_ranges_cover(&a, &b, USERS);
		none += set_a == 0;
		user_ranges_keep(&a, first, end, USERS);
		wrong += set_of(&a) != (set_a & bits(first, end)) || a.num == 0;
		untidy += !is_tidy(&a);
		user_ranges_add(&a, &b, USERS);
		wrong += set_of(&a) != ((set_a & bits(first, end)) | set_b);
		untidy += !is_tidy(&a);
		user_ranges_release(&a);
		user_ranges_release(&b);
	}
	CHECK(wrong == 0, "%u wrong", wrong);
	CHECK(untidy == 0, "%u untidy", untidy);
	CHECK(covered > TRIES / 10 && covered < TRIES && none > 0, "%u covered, %u of nobody",
		covered, none);
}

static bool is_text(const struct user_ranges *r, const char *expected)
{
	char *text = user_ranges_text(r, USERS);
	const bool same = strcmp(text, expected) == 0;

	free(text);
	return same;
}

static void test_text_and_more_users(void)
{
	struct user_ranges r = { 0 }, other = { 0 };

	user_ranges_keep(&r, 10, 12, USERS);
	user_ranges_keep(&other, 2, 3, USERS);
	CHECK(is_text(&r, "users 10 to 11 of 12"), "one range");
	user_ranges_add(&r, &other, USERS);
	CHECK(is_text(&r, "users 2 to 2, 10 to 11 of 12"), "two ranges");
	user_ranges_extend(&r, USERS, 20);
	CHECK(r.range[1].end == 20 && r.range[0].end == 3,
		"the last range goes on to the last user");
	user_ranges_extend(&other, USERS, 20);
	CHECK(other.range[0].end == 3, "one that ends before stays");
	user_ranges_keep(&other, 5, 5, USERS);
	CHECK(is_text(&other, "none of 12 users"), "nobody");
	user_ranges_release(&r);
	user_ranges_release(&other);
	user_ranges_extend(&r, USERS, 20);
	CHECK(r.num == 0 && user_ranges_has(&r, 19), "a whole stays one");
}

int main(void)
{
	test_sets();
	test_text_and_more_users();
	return CHECK_EXIT;
}
