/* Streams: gzip of several members, lines, files that appear at the commit, descriptors that do not
   block, logs, and the errors of damaged input. */
#define _GNU_SOURCE // of failing_calls.h
#include "check.h"
#include "child.h"
#include "failing_calls.h"
#include "stream/stream.h"
#include "stream/stream_log.h"

#include <zlib.h>

static char folder[] = "/tmp/cofilter-stream-XXXXXX";
static char path[64], other[64];

static void write_file(const char *name, const void *data, size_t size)
{
	struct stream_out *out = stream_create(name, false);

	stream_write(out, data, size);
	stream_commit(out);
}

static void append_gzip(const char *name, const char *text)
{
	gzFile f = gzopen(name, "ab");

	gzputs(f, text);
	gzclose(f);
}

static void test_lines(void)
{
	static const char *const expected[] = { "one", "", "two", "three" };
	struct stream_in *in;
	size_t length;
	char *line;
	int k = 0;

	write_file(path, "one\r\n\ntwo\nthree", 15);
	in = stream_open(path);
	for (; (line = stream_line(in, &length)) != NULL; k++)
		CHECK(k < 4 && !strcmp(line, expected[k]) && length == strlen(line),
			"line %d is '%s'", k, line);
	CHECK(k == 4 && stream_offset(in) == 15, "four lines, 15 bytes");
	stream_close(in);
}

static void test_long_lines(void)
{
	size_t size = 300000, length = 0;
	char *text = malloc(size);
	struct stream_in *in;

	memset(text, 'x', size);
	text[200000] = '\n';
	write_file(path, text, size);
	in = stream_open(path);
	CHECK(stream_line(in, &length) && length == 200000,
		"a line longer than the buffer has %zu bytes", length);
	CHECK(stream_line(in, &length) && length == 99999, "the one behind it has %zu", length);
	CHECK(!stream_line(in, &length), "then comes the end");
	stream_close(in);
	free(text);
}

/* Bytes looked at, taken and read in turn, in pieces up to three times what is read ahead. */
static void check_peek(const char *text, size_t size)
{
	struct stream_in *in = stream_open(path);
	char *copy = malloc(size);
	size_t at = 0, got, wrong = 0;

	for (size_t piece = 1; at < size; piece = piece * 7 % 800011) {
		const char *seen = stream_peek(in, piece, &got);

		wrong += got != (piece < size - at ? piece : size - at);
		wrong += memcmp(seen, text + at, got) != 0 || stream_offset(in) != at;
		stream_skip(in, got / 2);
		at += got / 2;
		seen = stream_peek(in, got - got / 2, &got);
		wrong += memcmp(seen, text + at, got) != 0;
		got = stream_read(in, copy, piece / 3 + 1);
		wrong += memcmp(copy, text + at, got) != 0;
		at += got;
	}
	stream_peek(in, 1, &got);
	CHECK(wrong == 0 && got == 0 && at == size && stream_offset(in) == size,
		"%zu bytes looked at and taken", size);
	stream_close(in);
	free(copy);
}

static void test_peek(void)
{
	const size_t size = 5000000;
	char *text = malloc(size + 1);

	for (size_t k = 0; k < size; k++)
		text[k] = (char)('a' + k * k % 1009 % 26);
	text[size] = '\0';
	write_file(path, text, size);
	check_peek(text, size);
	remove(path);
	append_gzip(path, text);
	check_peek(text, size);
	free(text);
}

static void test_gzip_members(void)
{
	struct stream_in *in;
	char buffer[64] = "";
	size_t n;

	unlink(path);
	append_gzip(path, "first,");
	append_gzip(path, "");
	append_gzip(path, "second");
	in = stream_open(path);
	n = stream_read(in, buffer, sizeof(buffer));
	CHECK(n == 12 && !memcmp(buffer, "first,second", 12),
		"three gzip members read as one: '%.12s'", buffer);
	CHECK(stream_read(in, buffer, 1) == 0, "then comes the end");
	stream_close(in);
}

/* Exit status of reading `name` to its end in a child. */
static int read_all(const char *name)
{
	pid_t child = fork();
	char buffer[4096];
	int status;

	if (!child) {
		struct stream_in *in;

		if (!freopen("/dev/null", "w", stderr))
			_exit(99);
		in = stream_open(name);
		while (stream_read(in, buffer, sizeof(buffer)))
			;
		_exit(0);
	}
	waitpid(child, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 100;
}

static void test_damaged_gzip(void)
{
	unsigned char data[256];
	size_t size;
	FILE *f;

	unlink(path);
	append_gzip(path, "some text that is not very long");
	f = fopen(path, "rb");
	size = fread(data, 1, sizeof(data), f);
	fclose(f);
	CHECK(read_all(path) == 0, "a whole gzip file reads");
	write_file(path, data, size - 1);
	CHECK(read_all(path) == 1, "one byte short is an error");
	data[size] = 'x';
	write_file(path, data, size + 1);
	CHECK(read_all(path) == 1, "a byte behind the last member is an error");
	data[size - 8] ^= 1;
	write_file(path, data, size);
	CHECK(read_all(path) == 1, "a wrong checksum is an error");
}

static void test_temporary_file(void)
{
	struct stat st;
	struct stream_out *out;

	write_file(path, "old", 3);
	symlink(path, other);
	out = stream_create(other, false);
	stream_printf(out, "%s", "new text");
	CHECK(!stat(path, &st) && st.st_size == 3, "the old file stays until the commit");
	stream_commit(out);
	CHECK(!stat(path, &st) && st.st_size == 8, "then the new one is there");
	CHECK(!lstat(other, &st) && S_ISLNK(st.st_mode), "and the link to it is still a link");
	unlink(other);
	if (!fork()) {
		out = stream_create(other, false);
		exit(1);
	}
	wait(NULL);
	CHECK(stat(other, &st) == -1, "a file that was not committed does not appear");
}

/* Both ends of a pipe that do not block, more bytes than it holds, and both sides slow at times. */
static void test_not_blocking(void)
{
	enum { SIZE = 3 << 20, PAUSE = 20000 };
	static char data[SIZE], got[SIZE];
	struct stream_out *out;
	struct stream_in *in;
	char name[32];
	int ends[2];
	size_t n;

	if (pipe(ends) || fcntl(ends[0], F_SETFL, O_NONBLOCK) ||
		fcntl(ends[1], F_SETFL, O_NONBLOCK))
		abort();
	for (n = 0; n < SIZE; n++)
		data[n] = (char)(n * n >> 8);
	if (!fork()) {
		close(ends[0]);
		snprintf(name, sizeof(name), "/dev/fd/%d", ends[1]);
		out = stream_create(name, false);
		usleep(PAUSE);
		stream_write(out, data, SIZE);
		stream_flush(out);
		usleep(PAUSE);
		stream_commit(out);
		_exit(0);
	}
	close(ends[1]);
	dup2(ends[0], STDIN_FILENO);
	in = stream_open("-");
	n = stream_read(in, got, SIZE / 2);
	usleep(PAUSE);
	n += stream_read(in, got + n, SIZE - n);
	CHECK(n == SIZE && !memcmp(data, got, SIZE) && stream_read(in, got, 1) == 0,
		"a pipe that does not block carries all: %zu bytes", n);
	stream_close(in);
	close(ends[0]);
	wait(NULL);
}

static void write_nothing(void *name)
{
	fail.write_nothing = true;
	write_file(name, "x", 1);
}

static void read_only(void *arg)
{
	(void)arg;
	dup2(open("/dev/null", O_RDONLY), STDOUT_FILENO);
	stream_create("-", false);
}

static void test_bad_outputs(void)
{
	const int fd = child_file();
	struct child c = child_run(write_nothing, path, fd);

	CHECK(c.status == 1 && strstr(c.text, "it takes no bytes"), "a write of 0 bytes: %d",
		c.status);
	c = child_run(read_only, NULL, fd);
	CHECK(c.status == 1 && strstr(c.text, "cannot open 'standard output' for writing"),
		"a descriptor that is only for reading: %d", c.status);
}

static void test_log(void)
{
	struct stream_log *log = stream_log_open("/dev/full", 0);
	char text[8] = "", name[32];
	int ends[2];

	stream_log_line(log, "line");
	CHECK(stream_log_close(log) == ENOSPC, "a log on a full disk says so when it is closed");
	if (pipe(ends))
		abort();
	snprintf(name, sizeof(name), "/dev/fd/%d", ends[1]);
	log = stream_log_open(name, 0);
	stream_log_line(log, "line");
	CHECK(read(ends[0], text, 8) == 5 && !strcmp(text, "line\n"), "a line comes at once");
	close(ends[0]);
	stream_log_line(log, "line");
	stream_log_line(log, "line");
	CHECK(stream_log_close(log) == EPIPE, "a reader that went away is no signal");
	close(ends[1]);
	write_file(path, "old text", 8);
	log = stream_log_open(path, 0);
	stream_log_line(log, "1");
	CHECK(!stream_log_close(log) && read_all(path) == 0, "a regular file is a log");
	CHECK(!stat(path, &(struct stat){ 0 }), "and stays");
}

int main(void)
{
	if (!mkdtemp(folder))
		return 1;
	snprintf(path, sizeof(path), "%s/file", folder);
	snprintf(other, sizeof(other), "%s/other", folder);
	test_lines();
	test_long_lines();
	test_peek();
	remove(path);
	test_gzip_members();
	test_damaged_gzip();
	test_temporary_file();
	test_not_blocking();
	test_bad_outputs();
	test_log();
	unlink(path);
	unlink(other);
	CHECK(!rmdir(folder), "no temporary file is left in %s", folder);
	return CHECK_EXIT;
}
