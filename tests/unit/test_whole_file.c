/*
 * Files that appear whole or not at all: on file systems with and without nameless files, with
 * calls that fail, and whatever ends the program.
 */
#define _GNU_SOURCE // O_TMPFILE, syscall, flock
#include "base/die.h"
#include "base/mem.h"
#include "check.h"
#include "child.h"
#include "failing_calls.h"
#include "stream/whole_file.h"

#include <dirent.h>
#include <sys/file.h>

static int messages;

/* Run f(arg) in a child, and keep the first line it says. */
static struct child run(void (*f)(void *arg), void *arg)
{
	struct child c = child_run(f, arg, messages);

	c.text[strcspn(c.text, "\n")] = '\0';
	return c;
}

/* The names in the folder, in a string; "" for none. */
static const char *names(void)
{
	static char all[2048];
	struct dirent *entry;
	DIR *dir = opendir(".");
	size_t n = 0;

	all[0] = '\0';
	while (dir && (entry = readdir(dir)) != NULL)
		if (entry->d_name[0] != '.' && n + strlen(entry->d_name) + 2 < sizeof(all))
			n += (size_t)sprintf(all + n, "%s%s", n ? " " : "", entry->d_name);
	closedir(dir);
	return all;
}

static void put(const char *name, const char *text, mode_t mode)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, mode);

	if (fd < 0 || write(fd, text, strlen(text)) < 0 || chmod(name, mode))
		abort();
	syscall(SYS_close, fd); /* what is to fail is not this */
}

static bool holds(const char *name, const char *text)
{
	char buffer[16] = "";
	int fd = open(name, O_RDONLY);
	bool same = fd >= 0 && read(fd, buffer, sizeof(buffer) - 1) >= 0 && !strcmp(buffer, text);

	if (fd >= 0)
		close(fd);
	return same;
}

static struct whole_file *begin(const char *name)
{
	struct whole_file *f = whole_file_create(name);

	if (write(whole_file_fd(f), "new", 3) != 3)
		abort();
	return f;
}

static void make(void *name)
{
	struct whole_file *f = begin(name);

	whole_file_settle(f);
	whole_file_publish(f);
}

static void test_appears(void)
{
	struct whole_file *f = begin("x");
	struct stat st;

	CHECK(access("x", F_OK), "it is not there yet");
	whole_file_settle(f);
	CHECK(access("x", F_OK), "nor when it is settled");
	whole_file_publish(f);
	CHECK(holds("x", "new") && !strcmp(names(), "x"), "then it is, and alone: %s", names());
	CHECK(!stat("x", &st) && (st.st_mode & 0777) == 0640, "with the mode of umask 027: %o",
		st.st_mode & 0777);
	put("x", "old", 0604);
	f = begin("x");
	CHECK(holds("x", "old"), "an old file stays");
	whole_file_settle(f);
	whole_file_publish(f);
	CHECK(holds("x", "new") && !strcmp(names(), "x"), "until the new one is there: %s",
		names());
	CHECK(!stat("x", &st) && (st.st_mode & 0777) == 0604, "which has its mode: %o",
		st.st_mode & 0777);
	unlink("x");
}

static void test_links(void)
{
	struct child c;

	if (symlink("there", "link") || symlink("link", "second") || symlink("circle", "circle"))
		abort();
	make("second");
	CHECK(holds("there", "new"), "through dangling links the file they lead to is made: %s",
		names());
	put("there", "old", 0600);
	make("link");
	CHECK(holds("there", "new"), "and replaced");
	CHECK(readlink("link", (char[8]){ 0 }, 8) == 5, "the link stays");
	c = run(make, "circle");
	CHECK(c.status == EXIT_DATA && strstr(c.text, "cannot follow the link 'circle': "),
		"a circle: %s", c.text);
	unlink("there");
	unlink("link");
	unlink("second");
	unlink("circle");
}

static void test_long_names(void)
{
	char name[258];
	struct child c;

	for (size_t length = 240; length < 256; length += 5)
		for (int k = 0; k < 4; k++) {
			memset(name, 'n', length);
			if (k > 1)
				memset(name + length / 2, 0xbf, length - length / 2);
			name[length] = '\0';
			make(name);
			make(name);
			CHECK(holds(name, "new") && strlen(names()) == length,
				"a name of %zu bytes, new and old", length);
			unlink(name);
		}
	memset(name, 'n', 256);
	name[256] = '\0';
	c = run(make, name);
	CHECK(c.status == EXIT_DATA && strstr(c.text, "File name too long"),
		"one of 256 is refused at once");
}

static void only_create(void *name)
{
	whole_file_create(name);
}

static void as_nobody(void *name)
{
	if (geteuid() == 0 && (setegid(65534) || seteuid(65534)))
		_exit(99);
	whole_file_create(name);
}

static void test_refused(void)
{
	struct child c;

	put("x", "old", 0444);
	c = run(as_nobody, "x");
	CHECK(c.status == EXIT_DATA && strstr(c.text, "cannot replace 'x': Permission denied"),
		"a write-protected file: %d %s", c.status, c.text);
	chmod("x", 0666);
	chmod(".", 01777);
	c = run(as_nobody, "x");
	CHECK(geteuid() != 0 || (c.status == EXIT_DATA && strstr(c.text, "with the sticky bit")),
		"another user's file, in a folder like /tmp: %d %s", c.status, c.text);
	chmod(".", 0555);
	c = run(as_nobody, "x");
	CHECK(c.status == EXIT_DATA && strstr(c.text, "cannot create 'x': Permission denied"),
		"a write-protected folder: %d %s", c.status, c.text);
	chmod(".", 0777);
	c = run(only_create, "no/x");
	CHECK(c.status == EXIT_DATA && strstr(c.text, "cannot create 'no/x': No such file"),
		"a missing folder: %d %s", c.status, c.text);
	c = run(only_create, "x/y");
	CHECK(c.status == EXIT_DATA && strstr(c.text, "cannot create 'x/y': Not a directory"),
		"a file for a folder: %d %s", c.status, c.text);
	CHECK(holds("x", "old") && !strcmp(names(), "x"), "the old file stays: %s", names());
	unlink("x");
}

/* make("x") over an old file, with `fail` as it is set now. */
static void expect_failure(int status, const char *text)
{
	struct child c;

	put("x", "old", 0666);
	c = run(make, "x");
	CHECK(c.status == status && (*text ? strstr(c.text, text) != NULL : !*c.text),
		"'%s' is said: %d %s", text, c.status, c.text);
	CHECK(holds("x", status ? "old" : "new") && !strcmp(names(), "x"), "and all is whole: %s",
		names());
	unlink("x");
}

static void test_failures(void)
{
	const bool named = fail.named;

	fail.fsync_error = EIO;
	expect_failure(EXIT_DATA, "cannot sync 'x': Input/output error");
	fail.fsync_error = EINVAL;
	expect_failure(0, "");
	fail.fsync_error = 0;
	fail.folder_error = EIO;
	expect_failure(0, "'x' is written, but its folder could not be synced");
	fail.folder_error = EINVAL;
	expect_failure(0, "");
	fail.folder_error = 0;
	fail.rename_error = EIO;
	expect_failure(EXIT_DATA, "cannot rename 'x.cofilter-1' to 'x': Input/output error");
	fail.rename_error = 0;
	fail.close_error = EIO;
	fail.named = true;
	expect_failure(EXIT_DATA, "cannot close 'x': Input/output error");
	fail.named = named;
	fail.close_error = 0;
	fail.fchmod_error = EPERM;
	expect_failure(0, "");
	fail.fchmod_error = 0;
}

static void end_by(void *number)
{
	whole_file_create("x");
	raise(*(int *)number);
}

static void end_by_own_handler(void *arg)
{
	(void)arg;
	signal(SIGTERM,
		whole_file_end_by_signal); /* as a handler does that first writes something */
	whole_file_create("x");
	raise(SIGTERM);
}

static void die_with_files(void *arg)
{
	(void)arg;
	whole_file_create("x");
	whole_file_create("y");
	die("that is all");
}

static void fork_and_end(void *arg)
{
	const bool by_signal = arg != NULL;
	struct whole_file *f = begin("x");
	int status;

	if (!fork()) {
		if (by_signal)
			raise(SIGTERM);
		exit(0);
	}
	wait(&status);
	whole_file_settle(f);
	whole_file_publish(f);
}

static void end_ignoring(void *arg)
{
	(void)arg;
	signal(SIGHUP, SIG_IGN);
	whole_file_create("x");
	raise(SIGHUP);
}

static void test_ends(void)
{
	static const int numbers[] = { SIGHUP, SIGINT, SIGQUIT, SIGILL, SIGTRAP, SIGABRT, SIGBUS,
		SIGFPE, SIGUSR1, SIGSEGV, SIGUSR2, SIGPIPE, SIGALRM, SIGTERM, SIGXCPU, SIGXFSZ,
		SIGVTALRM, SIGPROF, SIGSYS };
	struct child c;

	put("x", "old", 0666);
	for (size_t k = 0; k < sizeof(numbers) / sizeof(*numbers); k++) {
		int number = numbers[k];
		struct sigaction now;

		if (!sigaction(number, NULL, &now) && now.sa_handler != SIG_DFL)
			continue; /* a sanitizer's */
		c = run(end_by, &number);
		CHECK(c.status == -number, "signal %d ends it: %d", number, c.status);
		CHECK(holds("x", "old") && !strcmp(names(), "x"), "nothing is left: %s", names());
	}
	c = run(end_by_own_handler, NULL);
	CHECK(c.status == -SIGTERM && !strcmp(names(), "x"), "a handler of the program's own");
	c = run(end_ignoring, NULL);
	CHECK(c.status == 0, "an ignored signal stays ignored");
	unlink("x.cofilter-1"); /* child_run ends by _exit */
	c = run(die_with_files, NULL);
	CHECK(c.status == EXIT_DATA && !strcmp(names(), "x"), "an error: %s", names());
	for (int k = 0; k < 2; k++) {
		put("x", "old", 0666);
		c = run(fork_and_end, k ? &c : NULL);
		CHECK(c.status == 0 && holds("x", "new"),
			"a child that ends removes nothing: %d %s", c.status, c.text);
	}
	put("x", "old", 0666);
	c = run(end_by, &(int){ SIGKILL });
	CHECK(c.status == -SIGKILL && !strcmp(names(), "x") == !fail.named,
		"SIGKILL leaves what has a name: %s", names());
	c = run(make, "x");
	CHECK(c.status == 0 && holds("x", "new") && !strcmp(names(), "x"),
		"which the next run removes: %s", names());
	CHECK(!fail.named || strstr(c.text, "removed 'x.cofilter-1', which a run that was killed "),
		"and says so: %s", c.text);
	unlink("x");
}

static void test_alive(void)
{
	int fd;

	put("x", "old", 0666);
	put("x.cofilter-1", "live", 0666);
	fd = open("x.cofilter-1", O_RDONLY);
	flock(fd, LOCK_EX);
	make("x");
	CHECK(holds("x", "new") && holds("x.cofilter-1", "live"), "what a live run writes stays");
	close(fd);
	make("x");
	CHECK(!strcmp(names(), "x"), "until that has ended: %s", names());
	if (symlink("x", "x.cofilter-1"))
		abort();
	make("x");
	CHECK(holds("x", "new") && !unlink("x.cofilter-1"), "a link of that name is let alone");
	if (mkdir("x.cofilter-1", 0777))
		abort();
	make("x");
	CHECK(holds("x", "new") && !rmdir("x.cofilter-1"), "a folder too");
	unlink("x");
	put("x.cofilter-1", "stale", 0666);
	make("x");
	CHECK(holds("x", "new") && !strcmp(names(), "x"),
		"what a killed run has left goes though its name is not needed: %s", names());
	unlink("x");
}

static void test_all(void)
{
	test_appears();
	test_links();
	test_long_names();
	test_refused();
	test_failures();
	test_ends();
	test_alive();
}

int main(void)
{
	char folder[] = "/tmp/cofilter-whole-XXXXXX";
	int fd;

	messages = child_file();
	umask(027);
	if (!mkdtemp(folder) || chdir(folder) || chmod(".", 0777))
		return 1;
	fd = open(".", O_TMPFILE | O_WRONLY, 0666);
	if (fd < 0)
		CHECK_SKIP("no nameless files in %s", folder);
	else
		test_all();
	fail.named = true;
	test_all();
	CHECK(!*names() && !rmdir(folder), "the folder is empty: %s", names());
	return CHECK_EXIT;
}
