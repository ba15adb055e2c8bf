/* The id map: raw ids that must stay apart, growth, order, the limit; all against a plain list. */
#include "base/mem.h"
#include "base/rng.h"
#include "check.h"
#include "text/raw_ids.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static uint32_t add(struct raw_ids *m, const char *text)
{
	struct raw_id raw = raw_id_of(text, strlen(text));

	return raw_ids_add(m, &raw);
}

static uint32_t find(const struct raw_ids *m, const char *text)
{
	struct raw_id raw = raw_id_of(text, strlen(text));

	return raw_ids_find(m, &raw);
}

static void test_bytes(void)
{
	static const struct {
		const char *text;
		uint64_t number;
	} cases[] = { { "0", 0 }, { "7", 7 }, { "00", RAW_ID_TEXT }, { "07", RAW_ID_TEXT },
		{ "", RAW_ID_TEXT }, { "-1", RAW_ID_TEXT }, { "1a", RAW_ID_TEXT },
		{ "999999999999999999", UINT64_C(999999999999999999) },
		{ "1000000000000000000", RAW_ID_TEXT } };

	for (size_t k = 0; k < sizeof(cases) / sizeof(*cases); k++)
		CHECK(raw_id_of(cases[k].text, strlen(cases[k].text)).number == cases[k].number,
			"raw id '%s'", cases[k].text);
	/* the published FNV-1a values of "" and "a", halves folded */
	CHECK(raw_id_hash("", 0) == (UINT64_C(0xcbf29ce484222325) ^ 0xcbf29ce4), "hash of ''");
	CHECK(raw_id_hash("a", 1) == (UINT64_C(0xaf63dc4c8601ec8c) ^ 0xaf63dc4c), "hash of 'a'");
}

static void test_apart(void)
{
	static const char *const ids[] = { "1", "01", "001", "10", "0", "00", "a", "A", "ab", "abc",
		" 1", "1 ", "12345678901234567890", "012345678901234567890" };
	struct raw_ids *m = raw_ids_new(RAW_IDS_MAX);
	uint32_t n = sizeof(ids) / sizeof(*ids);
	bool first = true, again = true, text = true;

	for (uint32_t k = 0; k < n; k++)
		first = first && add(m, ids[k]) == k;
	for (uint32_t k = n; k-- > 0;) {
		again = again && add(m, ids[k]) == k;
		text = text && strcmp(raw_ids_get(m, k), ids[k]) == 0;
	}
	CHECK(first && again && raw_ids_size(m) == n, "%u raw ids that look alike are %u ids", n,
		n);
	CHECK(text, "and come back as they were");
	raw_ids_free(m);
}

/* 30,000 raw ids of 20,000, half of them numbers, against an array that remembers each one's id. */
static void test_growth(void)
{
	enum { IDS = 20000, DRAWS = 30000 };
	struct raw_ids *m = raw_ids_new(RAW_IDS_MAX);
	uint32_t *id = xmalloc(IDS, sizeof(*id)), n = 0;
	bool right = true;
	struct rng rng;
	char text[32];

	memset(id, 0xff, IDS * sizeof(*id));
	rng_start(&rng, 1, RNG_TEST, 0, 0);
	for (int k = 0; k < DRAWS; k++) {
		uint32_t which = rng_below(&rng, IDS);

		snprintf(text, sizeof(text), which % 2 ? "%u" : "item-%u", which * 4096);
		if (id[which] == UINT32_MAX)
			id[which] = n++;
		right = right && add(m, text) == id[which];
	}
	CHECK(right && raw_ids_size(m) == n, "%u different raw ids of %d keep their ids", n, DRAWS);
	free(id);
	raw_ids_free(m);
}

static void check_order(const char *what, const char *const *ids, uint32_t n, uint32_t known,
	const uint32_t *expected)
{
	struct raw_ids *m = raw_ids_new(RAW_IDS_MAX);
	uint32_t *count = xcalloc(n, sizeof(*count)), *order, kept;

	for (uint32_t k = 0; k < n; k++)
		count[add(m, ids[k])] = ids[k][0] != 'x'; /* one with an 'x' has no rows */
	order = raw_ids_order(m, known, count, &kept);
	for (uint32_t k = 0; k < kept; k++)
		CHECK(order[k] == expected[k], "%s: place %u has '%s'", what, k,
			raw_ids_get(m, order[k]));
	free(order);
	free(count);
	raw_ids_free(m);
}

static void test_order(void)
{
	static const char *const numbers[] = { "10", "9", "x", "010", "00", "0",
		"99999999999999999999", "100000000000000000000", "1000000000000000000" };
	static const char *const words[] = { "10", "9", "x", "nine", "8" };

	/* 0 00 9 10 010, then 19, 20 and 21 digits */
	check_order("numbers", numbers, 9, 0, (const uint32_t[]){ 5, 4, 1, 0, 3, 8, 6, 7 });
	check_order("one word", words, 5, 0, (const uint32_t[]){ 0, 1, 3, 4 });
	/* known ones stay, with rows or without; new ones are ordered among themselves */
	check_order(
		"known numbers", numbers, 9, 3, (const uint32_t[]){ 0, 1, 2, 5, 4, 3, 8, 6, 7 });
	check_order("known words", words, 5, 4, (const uint32_t[]){ 0, 1, 2, 3, 4 });
	check_order("all known", words, 5, 5, (const uint32_t[]){ 0, 1, 2, 3, 4 });
}

/* Seconds to add `n` numbers, the k-th of them number[k], all different; negative when an id is
   wrong. */
static double seconds_of(const uint64_t *number, uint32_t n)
{
	struct raw_ids *m = raw_ids_new(RAW_IDS_MAX);
	const clock_t start = clock();
	bool right = true;
	char text[32];

	for (uint32_t k = 0; k < n && clock() - start < 10 * CLOCKS_PER_SEC; k++) {
		snprintf(text, sizeof(text), "%" PRIu64, number[k]);
		right = right && add(m, text) == k;
	}
	raw_ids_free(m);
	return right ? (double)(clock() - start) / CLOCKS_PER_SEC : -1;
}

/* Numbers whose products with the constant of Fibonacci hashing agree in their high bits, and
   others in a row. */
static void test_crafted(void)
{
	enum { CRAFTED = 160000 };
	const uint64_t golden = UINT64_C(0x9e3779b97f4a7c15), most = UINT64_C(999999999999999999);
	uint64_t *number = xmalloc(CRAFTED, sizeof(*number)), inverse = golden;
	double seconds;
	uint32_t n = 0;

	for (int k = 0; k < 5; k++)
		inverse *= 2 - golden * inverse; // Newton's method doubles the right bits
	for (uint64_t product = 1; n < CRAFTED; product++)
		if (product * inverse <= most && product * inverse >> 22)
			number[n++] = product * inverse;
	seconds = seconds_of(number, n);
	CHECK(seconds >= 0 && seconds < 2, "%u numbers crafted to collide: %.2f s", n, seconds);
	for (unsigned shift = 0; shift < 42; shift += 8) {
		for (uint64_t k = 0; k < n; k++)
			number[k] = (UINT64_C(1) << 22) + (k << shift);
		seconds = seconds_of(number, n);
		CHECK(seconds >= 0 && seconds < 2, "%u numbers 2^%u apart: %.2f s", n, shift,
			seconds);
	}
	free(number);
}

static void test_limit(void)
{
	struct raw_ids *m = raw_ids_new(2);

	CHECK(add(m, "a") == 0 && add(m, "5") == 1, "two ids in a map of two");
	CHECK(add(m, "b") == UINT32_MAX && add(m, "6") == UINT32_MAX, "a third is refused");
	CHECK(add(m, "a") == 0 && add(m, "5") == 1 && raw_ids_size(m) == 2,
		"the two are still there");
	CHECK(find(m, "a") == 0 && find(m, "5") == 1, "and are found");
	CHECK(find(m, "b") == UINT32_MAX && find(m, "6") == UINT32_MAX &&
			find(m, "1023") == UINT32_MAX && find(m, "99999999") == UINT32_MAX &&
			find(m, "") == UINT32_MAX,
		"others are not");
	raw_ids_free(m);
}

int main(void)
{
	test_bytes();
	test_apart();
	test_growth();
	test_crafted();
	test_order();
	test_limit();
	return CHECK_EXIT;
}
