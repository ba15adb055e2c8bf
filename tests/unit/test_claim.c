/* Claims: the same file under two names is found; what only looks alike passes. */
#include "base/mem.h"
#include "check.h"
#include "child.h"
#include "stream/claim.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define READ  .use = CLAIM_READ
#define WRITE .use = CLAIM_WRITE, .option = "out"

struct use_of {
	const char *path;
	struct claim_for what;
};

static void claim_both(void *arg)
{
	const struct use_of *two = arg;

	claim_file(two[0].path, two[0].what);
	claim_file(two[1].path, two[1].what);
}

static int fd;

static void expect(
	int status, const char *a, struct claim_for for_a, const char *b, struct claim_for for_b)
{
	struct use_of two[] = { { a, for_a }, { b, for_b } }, turned[] = { two[1], two[0] };
	struct child c = child_run(claim_both, two, fd), d = child_run(claim_both, turned, fd);

	CHECK(c.status == status && d.status == status, "'%s' and '%s' give %d and %d: %.*s", a, b,
		c.status, d.status, (int)strcspn(c.text, "\n"), c.text);
}

/* Every other name of `there` and of `coming`. */
static void test_names(void)
{
	const struct claim_for in = { READ }, out = { WRITE };
	static const char *const there[] = { "there", "./there", "hard", "soft", "link/there",
		"folder/../there", "/dev/fd/9", "/proc/self/fd/9" };
	static const char *const coming[] = { "coming", "./coming", "dangling", "link/coming",
		"folder/../coming" };
	static const char *const others[] = { "other", "folder/there", "folder/coming", "/dev/null",
		"no/folder" };

	for (size_t k = 0; k < sizeof(there) / sizeof(*there); k++) {
		expect(2, "there", in, there[k], out);
		expect(2, "there", out, there[k], out);
		expect(0, "there", in, there[k], in);
	}
	for (size_t k = 0; k < sizeof(coming) / sizeof(*coming); k++) {
		expect(2, "coming", in, coming[k], out);
		expect(2, "coming", out, coming[k], out);
	}
	for (size_t k = 0; k < sizeof(others) / sizeof(*others); k++) {
		expect(0, "there", in, others[k], out);
		expect(0, "coming", out, others[k], out);
	}
}

static void test_devices(void)
{
	const struct claim_for in = { READ }, out = { WRITE };

	expect(0, "/dev/null", in, "/dev/null", out);
	expect(0, "/dev/null", out, "/dev/null", out);
	expect(2, "fifo", in, "./fifo", out);
	expect(2, "fifo", out, "./fifo", out);
	expect(2, "-", out, "/dev/stdout", out);
	expect(2, "-", out, "to-stdout", out);
	expect(0, "-", in, "-", out);
	expect(0, "/dev/fd/8", in, "/dev/fd/8", out); /* a socket has two directions */
	expect(2, "/dev/fd/8", out, "/dev/fd/8", out);
}

static void test_series(void)
{
	const struct claim_for in = { READ }, out = { WRITE }, series = { WRITE, .suffix = ".m" };
	static const char *const members[] = { "e-0001.m", "./e-9999.m", "link/e-10000.m",
		"of-series", "e-0007.m" };
	static const char *const others[] = { "e-001.m", "e-00001.m", "e.m", "e-0001.mm", "e-0001",
		"folder/e-0001.m", "e-000x.m", "there" };

	for (size_t k = 0; k < sizeof(members) / sizeof(*members); k++) {
		expect(2, "link/e", series, members[k], out);
		expect(2, "e", series, members[k], in);
	}
	for (size_t k = 0; k < sizeof(others) / sizeof(*others); k++)
		expect(0, "e", series, others[k], out);
	CHECK(!strcmp(claim_series_name("e", 7, ".m"), "e-0007.m"), "the seventh name");
	CHECK(!strcmp(claim_series_name("e", 12345, ".m"), "e-12345.m"), "the 12345th name");
}

/* What is read before may be replaced by the one option that says so. */
static void test_replaces(void)
{
	const struct claim_for resume = { READ, .option = "resume" }, out = { WRITE },
			       checkpoint = { .use = CLAIM_WRITE,
				       .option = "checkpoint",
				       .replaces = "resume" };

	expect(0, "there", resume, "./there", checkpoint);
	expect(2, "there", resume, "there", out);
	expect(2, "there", out, "there", checkpoint);
}

static void open_files(void *arg)
{
	int claim = claim_begin("there", CLAIM_READ);

	claim_end(claim);
	claim = claim_begin("there", CLAIM_WRITE);
	claim_end(claim);
	claim_file("there", (struct claim_for){ WRITE });
	claim_file("e", (struct claim_for){ WRITE, .suffix = ".m" });
	claim_begin("there", CLAIM_WRITE);
	claim_begin("e-0002.m", CLAIM_WRITE);
	if (arg)
		claim_begin("soft", CLAIM_READ);
}

static void test_open(void)
{
	struct child c = child_run(open_files, NULL, fd);

	CHECK(c.status == 0, "a claim that ended, or is its owner's, is in nobody's way: %s",
		c.text);
	c = child_run(open_files, &c, fd);
	CHECK(c.status == 2 && !strncmp(c.text,
				       "cofilter: the input 'soft' is also 'there' of --out\n", 52),
		"a file is not read while it is written");
}

static void to_messages(void *arg)
{
	const char *path = arg;

	unlink("messages");
	if (!freopen("messages", "w", stderr))
		_exit(99);
	if (path)
		claim_file(path, (struct claim_for){ WRITE });
	else
		claim_check_messages(STDERR_FILENO, "x");
}

static void test_messages(void)
{
	CHECK(child_run(to_messages, "messages", fd).status == 2, "a log over the messages");
	CHECK(child_run(to_messages, "/dev/stderr", fd).status == 0, "a log among the messages");
	CHECK(child_run(to_messages, "there", fd).status == 0, "a log elsewhere");
	CHECK(child_run(to_messages, NULL, fd).status == 2, "records among the messages");
}

static void touch(const char *name)
{
	close(open(name, O_WRONLY | O_CREAT, 0666));
}

int main(void)
{
	char folder[] = "/tmp/cofilter-claim-XXXXXX";
	int pair[2];

	fd = child_file();
	if (!mkdtemp(folder) || chdir(folder) || mkdir("folder", 0777))
		return 1;
	touch("there");
	touch("other");
	touch("e-0007.m");
	if (link("there", "hard") || symlink("there", "soft") || symlink(".", "link") ||
		symlink("coming", "dangling") || symlink("/dev/stdout", "to-stdout") ||
		symlink("e-0003.m", "of-series") || mkfifo("fifo", 0600) ||
		socketpair(AF_UNIX, SOCK_STREAM, 0, pair) || dup2(pair[0], 8) != 8 ||
		dup2(open("there", O_RDWR), 9) != 9 || !freopen("/dev/null", "r", stdin))
		return 1;
	test_names();
	test_series();
	test_replaces();
	test_open();
	test_messages();
	test_devices();
	if (chdir("/") || system(xasprintf("rm -r '%s'", folder)))
		return 1;
	return CHECK_EXIT;
}
