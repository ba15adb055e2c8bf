/* id_family: which families are related, against a plain search; the hash; what is no family. */
#include "base/mem.h"
#include "base/rng.h"
#include "check.h"
#include "stream/id_family.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

enum { MOST = 6, COUNTS = 8, TRIES = 20000 };

/* Some pairs of few counts and hashes, so that pairs are often shared. */
static struct id_family random_family(struct rng *r)
{
	struct id_family f = { .pair = xmalloc(COUNTS, sizeof(*f.pair)) };

	for (uint32_t count = 1; count <= COUNTS && f.num < MOST; count++)
		if (rng_below(r, 3) == 0)
			f.pair[f.num++] = (struct id_pair){ count, rng_below(r, 3) };
	return f;
}

static unsigned count_shared(const struct id_family *a, const struct id_family *b)
{
	unsigned shared = 0;

	for (unsigned k = 0; k < a->num; k++)
		for (unsigned j = 0; j < b->num; j++)
			shared += a->pair[k].count == b->pair[j].count &&
				  a->pair[k].hash == b->pair[j].hash;
	return shared;
}

static void test_relations(void)
{
	unsigned wrong = 0, related = 0, unrelated = 0, unknown = 0;
	struct rng r;

	rng_start(&r, 1, RNG_TEST, 0, 0);
	for (unsigned k = 0; k < TRIES; k++) {
		struct id_family a = random_family(&r), b = random_family(&r), both;
		const unsigned shared = count_shared(&a, &b);
		const bool known = a.num && b.num;

		wrong += id_family_related(&a, &b) != (shared || !known);
		related += known && shared;
		unrelated += known && !shared;
		unknown += !known;
		id_family_copy(&both, &a);
		id_family_intersect(&both, &b);
		wrong += both.num != shared || count_shared(&both, &a) != shared ||
			 count_shared(&both, &b) != shared;
		id_family_release(&a);
		id_family_release(&b);
		id_family_release(&both);
	}
	CHECK(wrong == 0 && related > 1000 && unrelated > 1000 && unknown > 100,
		"%u related pairs, %u unrelated, %u unknown: %u wrong", related, unrelated, unknown,
		wrong);
}

static void test_hash(void)
{
	static const char text[] = "one\n\ntwo\tthree\n";
	struct id_hash *h = id_hash_new();

	CHECK(id_hash_value(h) == 0x2d06800538d394c2, "XXH3-64 of nothing");
	id_hash_add(h, "one", 3);
	CHECK(id_hash_value(h) == XXH3_64bits(text, 4), "of one id and a line end");
	id_hash_add(h, "", 0);
	id_hash_add(h, "two\tthree", 9);
	CHECK(id_hash_value(h) == XXH3_64bits(text, sizeof(text) - 1), "of three ids");
	id_hash_free(h);
}

/* To JSON text and back. */
static void test_json(void)
{
	static const char text[] =
		"[[1, \"0000000000000000\"], [4294967295, \"fedcba9876543210\"]]";
	struct js *v = js_parse(text, strlen(text), NULL, 0), *other;
	struct id_family f;
	char *made;

	CHECK(id_family_parse(&f, v) && f.num == 2 && f.pair[1].count == UINT32_MAX &&
			f.pair[1].hash == 0xfedcba9876543210,
		"a family of two pairs");
	other = id_family_json(&f);
	made = js_dump(other, false);
	CHECK(strcmp(made, text) == 0, "and back: %s", made);
	js_free(v);
	js_free(other);
	free(made);
	id_family_release(&f);
	CHECK(id_family_parse(&f, NULL) && f.num == 0, "none is not known");
	v = js_object();
	CHECK(!id_family_parse(&f, v) && f.num == 0 && !f.pair, "an object is none");
	js_free(v);
}

int main(void)
{
	test_relations();
	test_hash();
	test_json();
	return CHECK_EXIT;
}
