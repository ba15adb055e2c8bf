/* user_items: against a plain matrix of booleans, on random rows with duplicates, in several goes;
   rows of streams, by threads, against rows added one by one. */
#include "base/pool.h"
#include "base/rng.h"
#include "check.h"
#include "data/user_items.h"
#include "stream/record.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { USERS = 70, ITEMS = 1000, ROWS = 400000, WIDE = 1 << 30 };

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

/*
 * `rows` rows whose users ascend, but for the last `behind` of them, which begin again with the first
 * user: as a stream in `path`, and added one by one. Users have about 200 rows, some of them none.
 */
static void write_rows(
	const char *path, struct user_items *m, uint32_t items, uint32_t rows, uint32_t behind)
{
	struct rec_header h;
	struct rec_writer *out;

	rec_header_init(&h, REC_INTERACTION, NULL, js_object());
	h.num_users = rows / 100 + 1;
	h.num_items = items;
	out = rec_create(path, &h);
	user_items_init(m, h.num_users, items);
	for (uint32_t k = 0; k < rows; k++) {
		const uint32_t ascends = k < rows - behind ? k : k - (rows - behind);
		struct interaction row = { .user = ascends / 200 * 2 };
		struct rng r;

		rng_start(&r, 3, RNG_TEST, 0, k);
		row.item = rng_below(&r, 2) || items > WIDE
				   ? rng_below(&r, items)
				   : items - 1 - rng_below(&r, items < 50 ? items : 50);
		row.item = k < 2 ? 0 : row.item; // of many items the one that repeats
		rec_write(out, &row);
		user_items_add(m, row.user, row.item);
	}
	rec_finish(out);
	rec_header_release(&h);
}

/* A pipe that `path` is written to by another process. */
static int piped(const char *path)
{
	int ends[2];

	if (pipe(ends))
		exit(1);
	if (fork() == 0) {
		dup2(ends[1], STDOUT_FILENO);
		execlp("cat", "cat", path, (char *)NULL);
		_exit(1);
	}
	close(ends[1]);
	return ends[0];
}

static bool is_same(const struct user_items *a, const struct user_items *b)
{
	const uint64_t size = user_items_size(a);

	return size == user_items_size(b) && a->repeats == b->repeats &&
	       !memcmp(a->start, b->start, ((size_t)a->num_users + 1) * sizeof(*a->start)) &&
	       !memcmp(a->item, b->item, size * sizeof(*a->item));
}

/* The file by a pool of each size, and a pipe, whose length nobody knows. */
static void check_stream(uint32_t items, uint32_t rows, uint32_t behind)
{
	char path[] = "/tmp/test_user_items.XXXXXX", pipe_path[32];
	const int fd = mkstemp(path);
	struct user_items expected;

	write_rows(path, &expected, items, rows, behind);
	user_items_finish_all(&expected, NULL);
	for (unsigned threads = 0; threads < 5; threads++) {
		struct pool *pool = threads > 0 ? pool_new(threads) : NULL;
		const int from = threads == 4 ? piped(path) : -1;
		struct rec_reader *in;
		struct user_items m;

		snprintf(pipe_path, sizeof(pipe_path), "/dev/fd/%d", from);
		in = rec_open(from >= 0 ? pipe_path : path, 1u << REC_INTERACTION);
		user_items_init(&m, rec_header(in)->num_users, items);
		CHECK(user_items_add_stream(&m, in, pool) == rows, "%u rows are counted", rows);
		rec_close(in, true);
		user_items_finish_all(&m, pool);
		CHECK(is_same(&m, &expected),
			"%u rows, %u items, the last %u rows not ascending, %u threads%s: as added one by one",
			rows, items, behind, threads, from >= 0 ? ", a pipe" : "");
		CHECK(user_items_finish(&m) > 0 || rows == 0, "duplicates were seen");
		user_items_release(&m);
		pool_free(pool);
		if (from >= 0) {
			close(from);
			wait(NULL);
		}
	}
	user_items_release(&expected);
	close(fd);
	unlink(path);
}

int main(void)
{
	check_random();
	check_keep_duplicates();
	check_stream(3000, 500000, 0);
	check_stream(3000, 500000, 1);
	check_stream(70000, 300000, 150000);
	check_stream(4000000001u, 300000, 0);
	check_stream(200, 5000, 300);
	check_stream(1, 20, 0);
	check_stream(5, 0, 0);
	return CHECK_EXIT;
}
