/* The id map: what is known keeps its place, fingerprints of a map that grows, files that are none. */
#include "base/die.h"
#include "base/mem.h"
#include "check.h"
#include "child.h"
#include "stream/stream.h"
#include "text/id_lookup.h"
#include "text/id_map.h"

#include <inttypes.h>

static char folder[] = "/tmp/test_id_map.XXXXXX", path[64];

/* An id file of that text; its path is in `path`. */
static void make_file(const char *name, const char *text)
{
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	f = fopen(path, "w");
	if (!f || fputs(text, f) < 0 || fclose(f))
		abort();
}

static uint32_t number(struct id_map *m, const char *text)
{
	const struct raw_id raw = raw_id_of(text, strlen(text));

	return id_map_number(m, &raw);
}

static uint64_t hash_of(const char *const *ids, uint32_t n)
{
	struct id_hash *h = id_hash_new();
	uint64_t value;

	for (uint32_t k = 0; k < n; k++)
		id_hash_add(h, ids[k], strlen(ids[k]));
	value = id_hash_value(h);
	id_hash_free(h);
	return value;
}

static bool is_pair(const struct id_family *f, unsigned k, uint32_t count, const char *const *ids)
{
	return k < f->num && f->pair[k].count == count && f->pair[k].hash == hash_of(ids, count);
}

/* Two files, then rows of known ids, new ones, and one whose rows are gone again. */
static void test_growth(void)
{
	static const char *const want[] = { "b", "7", "a", "9", "10" };
	static const uint32_t count[] = { 0, 1, 0, 2, 0, 5 };
	struct id_map m;
	struct id_family f;
	uint32_t *dense;
	bool same = true;

	id_map_init(&m);
	make_file("one", "0\tb\n1\t7\told name\n");
	id_map_know(&m, path);
	make_file("two", "0\tb\tB\tmore\n1\t7\t\n2\ta\r\n");
	id_map_know(&m, path);
	CHECK(number(&m, "10") == 3 && number(&m, "gone") == 4 && number(&m, "9") == 5 &&
			number(&m, "a") == 2 && number(&m, "b") == 0 && id_map_size(&m) == 6,
		"known ids have their numbers, new ones those behind");
	id_map_settle(&m, count);
	CHECK(m.num == 5, "5 dense ids, not %" PRIu32, m.num);
	for (uint32_t k = 0; k < m.num; k++)
		same = same && strcmp(id_map_raw(&m, k), want[k]) == 0;
	CHECK(same, "known ones in their places, without rows too, then 9 and 10");
	dense = id_map_dense(&m);
	CHECK(dense[0] == 0 && dense[3] == 4 && dense[5] == 3, "numbers to dense ids");
	id_map_family(&m, &f);
	CHECK(f.num == 3 && is_pair(&f, 0, 2, want) && is_pair(&f, 1, 3, want) &&
			is_pair(&f, 2, 5, want),
		"a pair for each size the map had");
	CHECK(id_map_related(&m, &f), "what was known is of this family");
	CHECK(strcmp(id_map_name(&m, 0), "B") == 0 && !id_map_name(&m, 1) && !id_map_name(&m, 2),
		"names are those of the last file");
	id_family_release(&f);
	free(dense);
	id_map_release(&m);
}

static void test_closed(void)
{
	struct id_map m;
	struct id_family f;

	id_map_init(&m);
	make_file("closed", "0\tx\n1\ty\n");
	id_map_know(&m, path);
	m.closed = true;
	CHECK(number(&m, "y") == 1 && number(&m, "z") == ID_MAP_UNKNOWN && id_map_size(&m) == 2,
		"a closed map takes no other ids");
	id_map_settle(&m, (const uint32_t[]){ 0, 3 });
	id_map_family(&m, &f);
	CHECK(f.num == 1 && f.pair[0].count == 2, "and has the fingerprint of its file");
	f.pair[0].hash ^= 1;
	CHECK(!id_map_related(&m, &f), "which no other map shares");
	id_family_release(&f);
	id_map_release(&m);
}

static void know(void *second)
{
	struct id_map m;

	id_map_init(&m);
	if (second) {
		make_file("first", "0\ta\n1\tb\n");
		id_map_know(&m, path);
		make_file("bad", second);
	}
	id_map_know(&m, path);
}

static void check_bad(const char *text, bool second, const char *want)
{
	struct child c;

	make_file("bad", text);
	c = child_run(know, second ? (void *)(uintptr_t)text : NULL, child_file());
	CHECK(c.status == 1 && strstr(c.text, want), "'%s'", want);
	if (c.status != 1 || !strstr(c.text, want))
		printf("# status %d: %s", c.status, c.text);
}

static void test_bad_files(void)
{
	check_bad("", false, "/bad' holds no ids");
	check_bad("0\ta\n2\tb\n", false, "line 2 of '");
	check_bad("0\ta\n2\tb\n", false, "id 2, where a map has 1");
	check_bad("1\ta\n", false, "id 1, where a map has 0");
	check_bad("0\ta\n0\tb\n", false, "id 0, where a map has 1");
	check_bad("0\ta\n1\ta\n", false, "'a' is id 0 already");
	check_bad("0\t\n", false, "the raw id is empty");
	check_bad("0 a\n", false, "does not begin with an id and a tab");
	check_bad("a\n", false, "does not begin with an id and a tab");
	check_bad("0\ta\n1\tb", false, "line 2 of '");
	check_bad("0\ta\n1\tb", false, "no line end: the file was cut off");
	check_bad("0\ta\n", true, "has 1 ids, the map before it 2: not its continuation");
	check_bad("0\ta\n1\tc\n2\tb\n", true, "'c' where the map before it has 'b'");
	check_bad("0\tb\n1\ta\n", true, "'b' where the map before it has 'a'");
}

static void test_lookup(void)
{
	struct id_lookup *raw, *names;
	char why[128];
	uint32_t id;

	make_file("names", "0\ta\tOne\n1\tb\tTwo\n2\tc\n3\td\tTwo\n4\tTwo too\n");
	raw = id_lookup_load(path, false);
	names = id_lookup_load(path, true);
	CHECK(id_lookup_num(raw) == 5 && id_lookup_family(raw)->pair[0].count == 5, "5 ids");
	CHECK(id_lookup_find(raw, "b", &id, why, sizeof(why)) && id == 1, "raw id 'b'");
	CHECK(!id_lookup_find(raw, "Two", &id, why, sizeof(why)) && strstr(why, "is not in '"),
		"no raw id 'Two'");
	CHECK(id_lookup_find(names, "One", &id, why, sizeof(why)) && id == 0, "name 'One'");
	CHECK(id_lookup_find(names, "c", &id, why, sizeof(why)) && id == 2,
		"the raw id of one without a name");
	CHECK(!id_lookup_find(names, "a", &id, why, sizeof(why)), "not of one that has a name");
	CHECK(!id_lookup_find(names, "Two", &id, why, sizeof(why)) &&
			strstr(why, "is the name of several ids in '"),
		"name 'Two', which two have");
	id_lookup_free(raw);
	id_lookup_free(names);
}

int main(void)
{
	die_set_name("test");
	if (!mkdtemp(folder))
		abort();
	test_growth();
	test_closed();
	test_bad_files();
	test_lookup();
	for (const char *const *name = (const char *const[]){ "one", "two", "closed", "first",
		     "bad", "names", NULL };
		*name; name++) {
		snprintf(path, sizeof(path), "%s/%s", folder, *name);
		unlink(path);
	}
	rmdir(folder);
	return CHECK_EXIT;
}
