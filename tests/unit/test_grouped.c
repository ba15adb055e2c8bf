/* grouped: users and rows against a plain list, with pieces and users that end where blocks do. */
#include "data/grouped.h"

#include "check.h"
#include "child.h"
#include "stream/record.h"

enum { USERS = 9 };

/* Rows of user k, in the order of `users`; the item counts the rows. */
static size_t num_rows[USERS] = { 1, GROUPED_MAX_ROWS - 1, 1, GROUPED_MAX_ROWS,
	GROUPED_MAX_ROWS + 1, 1, 20000, 2, 1 };
static const uint32_t users[USERS] = { 3, 0, 8, 1, 7, 2, 6, 4, 5 };
static char path[] = "/tmp/test_grouped.XXXXXX";

/* A stream of the first `n` of `users`, and then one row of user `extra`, if that is an id. */
static void write_stream(size_t n, uint32_t extra)
{
	struct rec_header h;
	struct rec_writer *out;
	uint32_t item = 0;

	rec_header_init(&h, REC_INTERACTION, NULL, js_object());
	h.num_users = USERS;
	h.num_items = 1 << 20;
	out = rec_create(path, &h);
	for (size_t k = 0; k < n; k++)
		for (size_t j = 0; j < num_rows[k]; j++)
			rec_write(out, &(struct interaction){ users[k], item++, 0 });
	if (extra < USERS)
		rec_write(out, &(struct interaction){ extra, item, 0 });
	rec_finish(out);
	rec_header_release(&h);
}

/* Walk over a stream of the first `num` users. */
static void check_walk(size_t num)
{
	struct rec_reader *in;
	struct grouped g;
	const struct interaction *rows;
	size_t n, k = 0, wrong = 0, item = 0;

	write_stream(num, UINT32_MAX);
	in = rec_open(path, 1u << REC_INTERACTION);
	grouped_init(&g, in);
	for (; grouped_next_user(&g); k++) {
		const size_t begin = item;

		wrong += k >= num || g.user != users[k];
		while ((rows = grouped_rows(&g, &n)) != NULL) {
			for (size_t j = 0; j < n; j++)
				wrong += rows[j].user != g.user || rows[j].item != item++;
			wrong += n > GROUPED_MAX_ROWS ||
				 rec_rows(in) - grouped_last_row(&g) + 1 != item;
		}
		wrong += k >= num || item - begin != num_rows[k];
		wrong += rec_rows(in) - grouped_last_row(&g) + 1 != item;
	}
	CHECK(k == num && !wrong, "%zu users, %zu rows", num, item);
	CHECK(!grouped_next_user(&g), "%zu users: the end stays the end", num);
	grouped_release(&g);
	rec_close(in, true);
}

static void walk(void *arg)
{
	struct rec_reader *in = rec_open(path, 1u << REC_INTERACTION);
	struct grouped g;
	size_t n;

	(void)arg;
	grouped_init(&g, in);
	while (grouped_next_user(&g))
		while (grouped_rows(&g, &n) != NULL)
			;
}

/* User `users[0]` comes again after the first `num`: the row is named. */
static void check_return(size_t num, int fd)
{
	size_t row = 1;
	char where[64];
	struct child c;

	for (size_t k = 0; k < num; k++)
		row += num_rows[k];
	snprintf(where, sizeof(where), "row %zu of", row);
	write_stream(num, users[0]);
	c = child_run(walk, NULL, fd);
	CHECK(c.status == 1 && strstr(c.text, where) &&
			strstr(c.text, "user 3 returns after another user"),
		"a user who returns after %zu users: %s", num, c.text);
}

int main(void)
{
	int fd = mkstemp(path), text = child_file();

	if (fd < 0)
		abort();
	for (size_t num = 0; num <= USERS; num++)
		check_walk(num);
	for (size_t n = 1; n < 140; n++) { /* rows are compared 64 at a time */
		num_rows[0] = n;
		num_rows[2] = n % 7 + 1;
		check_walk(3);
	}
	num_rows[0] = num_rows[2] = 1;
	check_return(2, text);
	check_return(3, text);
	check_return(USERS, text);
	close(fd);
	unlink(path);
	return CHECK_EXIT;
}
