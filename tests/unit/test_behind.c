/* behind: pieces are finished in order, one at a time, and are the caller's again when it says so. */
#include "base/behind.h"

#include "base/die.h"
#include "check.h"
#include "child.h"

#include <stdatomic.h>
#include <time.h>

enum { PIECES = 2000 };

struct log {
	int finished[PIECES], num;
	atomic_int inside, most_inside;
	int slow; // every so many pieces take a while; 0: none
};

static void finish(void *arg, void *piece)
{
	struct log *l = arg;
	int *number = piece, inside = atomic_fetch_add(&l->inside, 1) + 1;

	if (inside > l->most_inside)
		l->most_inside = inside;
	if (l->slow > 0 && *number % l->slow == 0)
		nanosleep(&(struct timespec){ .tv_nsec = 200000 }, NULL);
	l->finished[l->num++] = *number;
	*number = -1;
	atomic_fetch_sub(&l->inside, 1);
}

static void test_order(int num, int slow)
{
	static struct log log;
	struct behind *b;
	int piece[2] = { -1, -1 }, wrong = 0;

	log = (struct log){ .slow = slow };
	b = behind_new(finish, &log);
	for (int k = 0; k < num; k++) {
		wrong += piece[k % 2] != -1; // not mine yet
		piece[k % 2] = k;
		behind_give(b, &piece[k % 2]);
	}
	behind_free(b);
	CHECK(wrong == 0 && log.num == num, "%d pieces: %d finished, %d too late", num, log.num,
		wrong);
	for (int k = 0; k < log.num; k++)
		wrong += log.finished[k] != k;
	CHECK(wrong == 0 && log.most_inside <= 1, "%d pieces in order, one at a time", num);
}

static void fail(void *arg, void *piece)
{
	(void)arg;
	(void)piece;
	die("a piece that cannot be finished");
}

static void run_failing(void *arg)
{
	int piece = 0;
	struct behind *b = behind_new(fail, NULL);

	(void)arg;
	behind_give(b, &piece);
	behind_free(b);
}

static void write_to_nobody(void *arg, void *piece)
{
	const int *fd = arg;

	(void)piece;
	if (write(*fd, "x", 1) != 1)
		die("still here:");
}

static void run_pipe(void *arg)
{
	int fd[2], piece = 0;

	(void)arg;
	signal(SIGPIPE, SIG_DFL);
	if (pipe(fd) || close(fd[0]))
		die("no pipe:");
	struct behind *b = behind_new(write_to_nobody, &fd[1]);

	behind_give(b, &piece);
	behind_free(b);
}

int main(void)
{
	char path[] = "/tmp/test_behind.XXXXXX";
	int fd = mkstemp(path);
	struct child c;

	if (fd < 0 || unlink(path))
		return 1;
	for (int slow = 0; slow <= 14; slow += 7)
		for (int num = 0; num <= 3; num++)
			test_order(num, slow);
	test_order(PIECES, 0);
	test_order(PIECES, 7);
	c = child_run(run_failing, NULL, fd);
	CHECK(c.status == 1 && strstr(c.text, ": a piece that cannot be finished\n"),
		"a piece may end the program: status %d", c.status);
	c = child_run(run_pipe, NULL, fd);
	CHECK(c.status == -SIGPIPE && c.text[0] == 0, "so may SIGPIPE: status %d", c.status);
	return CHECK_EXIT;
}
