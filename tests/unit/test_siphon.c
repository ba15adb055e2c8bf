/* siphon: what a pipe holds comes in order, whole and once, however it is written and read. */
#include "stream/siphon.h"

#include "base/die.h"
#include "base/mem.h"
#include "base/rng.h"
#include "check.h"
#include "child.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

enum { TOTAL = 5000003, PIECE = 200000 };

/* Byte k of what is written. */
static unsigned char byte(size_t k)
{
	return (unsigned char)(k * 7 + (k >> 8) * 13 + (k >> 16));
}

static void write_all(int fd)
{
	unsigned char *bytes = xmalloc(PIECE, 1);
	struct rng r;

	rng_start(&r, 1, RNG_TEST, 0, 0);
	for (size_t done = 0; done < TOTAL;) {
		size_t n = 1 + rng_below(&r, rng_below(&r, 2) ? PIECE : 100);

		n = n < TOTAL - done ? n : TOTAL - done;
		for (size_t k = 0; k < n; k++)
			bytes[k] = byte(done + k);
		for (size_t k = 0; k < n;) {
			const ssize_t some = write(fd, bytes + k, n - k);

			if (some < 0)
				_exit(1);
			k += (size_t)some;
		}
		done += n;
	}
	_exit(0);
}

static void test_pipe(void)
{
	unsigned char *bytes = xmalloc(PIECE, 1);
	size_t got = 0, wrong = 0, too_much = 0;
	struct siphon *s;
	struct rng r;
	int fd[2];
	pid_t child;

	if (pipe(fd) || fflush(stdout) || (child = fork()) < 0)
		die("no child:");
	if (child == 0)
		write_all(fd[1]);
	close(fd[1]);
	s = siphon_new(fd[0]);
	CHECK(s != NULL && !siphon_holds(s), "a pipe has a siphon, which is empty");
	rng_start(&r, 2, RNG_TEST, 0, 0);
	for (;;) {
		const size_t size = 1 + rng_below(&r, PIECE);
		const ssize_t n = siphon_read(s, bytes, size);

		if (n <= 0) {
			CHECK(n == 0 && !siphon_holds(s), "it ends as the pipe does");
			break;
		}
		too_much += (size_t)n > size;
		for (size_t k = 0; k < (size_t)n; k++)
			wrong += bytes[k] != byte(got + k);
		got += (size_t)n;
	}
	CHECK(got == TOTAL && wrong == 0 && too_much == 0, "%zu of %d bytes, %zu wrong", got, TOTAL,
		wrong);
	CHECK(siphon_read(s, bytes, 1) == 0, "and stays at its end");
	siphon_free(s);
	close(fd[0]);
	if (waitpid(child, NULL, 0) != child)
		die("no child:");
	free(bytes);
}

static void test_not_blocking(void)
{
	char text[8] = "";
	struct siphon *s;
	int fd[2];

	if (pipe(fd) || fcntl(fd[0], F_SETFL, O_NONBLOCK))
		die("no pipe:");
	s = siphon_new(fd[0]);
	errno = 0;
	CHECK(siphon_read(s, text, 4) == -1 && errno == EAGAIN,
		"an empty pipe that does not block");
	CHECK(write(fd[1], "abcdef", 6) == 6 && siphon_read(s, text, 4) == 4 && siphon_holds(s) &&
			!memcmp(text, "abcd", 4),
		"four bytes of six, and then there are more");
	CHECK(siphon_read(s, text, 4) == 2 && !memcmp(text, "ef", 2) && !siphon_holds(s),
		"the other two");
	siphon_free(s);
	close(fd[0]);
	close(fd[1]);
}

/* Make the system refuse splice, as some containers do; false: it cannot be made to. */
static bool refuse_splice(int error)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_splice, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (uint32_t)error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(code) / sizeof(*code), code };

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

static void read_refused(void *arg)
{
	const int *error = arg;
	char text[8] = "";
	struct siphon *s;
	ssize_t n = 0, some;
	int fd[2];

	if (pipe(fd) || write(fd[1], "abcdef", 6) != 6 || close(fd[1]))
		die("no pipe:");
	if (!refuse_splice(*error)) {
		fputs("no filter", stderr);
		return;
	}
	s = siphon_new(fd[0]);
	while ((some = siphon_read(s, text + n, 4)) > 0)
		n += some;
	fprintf(stderr, "%s, then %s", text, some == 0 ? "the end" : strerror(errno));
	siphon_free(s);
}

static void test_refused(void)
{
	int errors[] = { EPERM, ENOSYS, EINVAL, EIO }, fd = child_file();

	for (unsigned k = 0; k < sizeof(errors) / sizeof(*errors); k++) {
		const struct child c = child_run(read_refused, &errors[k], fd);
		const char *expected =
			errors[k] == EIO ? ", then Input/output error" : "abcdef, then the end";

		if (strcmp(c.text, "no filter") == 0)
			printf("ok - splice refused # skip the system filters no calls\n");
		else
			CHECK(c.status == 0 && strcmp(c.text, expected) == 0,
				"splice fails, %s: '%s'", strerror(errors[k]), c.text);
	}
}

static void test_none(void)
{
	char path[] = "/tmp/test_siphon.XXXXXX";
	const int file = mkstemp(path);
	struct rlimit none;
	int fd[2];

	if (file < 0 || unlink(path) || pipe(fd) || getrlimit(RLIMIT_NOFILE, &none))
		die("no files:");
	CHECK(siphon_new(file) == NULL, "a file has none");
	none.rlim_cur = (rlim_t)fd[1] + 1;
	CHECK(!setrlimit(RLIMIT_NOFILE, &none) && siphon_new(fd[0]) == NULL,
		"nor has a pipe where there are no more descriptors");
	siphon_free(NULL);
}

int main(void)
{
	test_pipe();
	test_not_blocking();
	test_refused();
	test_none();
	return CHECK_EXIT;
}
