#define _GNU_SOURCE // F_SETPIPE_SZ
#include "base/die.h"
#include "base/mem.h"
#include "stream/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BUFFER_SIZE = 65536, PIPE_SIZE = 1 << 20, MAX_TEMPORARY = 64 };

struct stream_out {
	int fd;
	char *name, *path, *temporary; /* the last two are NULL for what is written in place */
	size_t used;
	unsigned char buffer[BUFFER_SIZE];
};

/* Files to remove when the program ends without having
   committed them; read by the signal handler. */
static char *volatile temporaries[MAX_TEMPORARY];

static void remove_temporaries(void)
{
	for (int k = 0; k < MAX_TEMPORARY; k++)
		if (temporaries[k])
			unlink(temporaries[k]);
}

static void on_signal(int number)
{
	remove_temporaries();
	signal(number, SIG_DFL);
	raise(number);
}

static void watch_signals(void)
{
	static const int numbers[] = { SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGPIPE, SIGXCPU,
		SIGXFSZ };
	static bool done;
	struct sigaction old, action = { .sa_handler = on_signal };

	if (done)
		return;
	done = true;
	atexit(remove_temporaries);
	for (size_t k = 0; k < sizeof(numbers) / sizeof(*numbers); k++)
		if (!sigaction(numbers[k], NULL, &old) && old.sa_handler != SIG_IGN)
			sigaction(numbers[k], &action, NULL);
}

static void remember(char *path)
{
	watch_signals();
	for (int k = 0; k < MAX_TEMPORARY; k++)
		if (!temporaries[k]) {
			temporaries[k] = path;
			return;
		}
	BUG("more than %d unfinished files", MAX_TEMPORARY);
}

static void forget(const char *path)
{
	for (int k = 0; k < MAX_TEMPORARY; k++)
		if (temporaries[k] == path)
			temporaries[k] = NULL;
}

/* The descriptor that a name like /dev/fd/3 stands for, else -1. */
static int named_descriptor(const char *path)
{
	const char *digits = path + strlen("/dev/fd/");
	char *end;
	long n;

	if (!strcmp(path, "-") || !strcmp(path, "/dev/stdout"))
		return STDOUT_FILENO;
	if (!strcmp(path, "/dev/stderr"))
		return STDERR_FILENO;
	if (strncmp(path, "/dev/fd/", strlen("/dev/fd/")) || *digits < '0' || *digits > '9')
		return -1;
	n = strtol(digits, &end, 10);
	return *end || n > INT_MAX ? -1 : (int)n;
}

/* The file or pipe under a name; false where there is none, or a device. */
static bool look_up(const char *path, struct stat *st)
{
	int descriptor = named_descriptor(path);

	return (descriptor >= 0 ? fstat(descriptor, st) : stat(path, st)) == 0 &&
	       !S_ISCHR(st->st_mode);
}

bool stream_same(const char *a, const char *b)
{
	int descriptor = named_descriptor(a);
	struct stat x, y;

	if (!strcmp(a, b) || (descriptor >= 0 && descriptor == named_descriptor(b)))
		return true;
	return look_up(a, &x) && look_up(b, &y) && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

static void create_temporary(struct stream_out *s, const char *path, const struct stat *old)
{
	mode_t mask = umask(0);
	struct stat link;

	umask(mask);
	/* through a symbolic link: the file it leads to is replaced, never the link */
	s->path = lstat(path, &link) ? xstrdup(path) : realpath(path, NULL);
	if (!s->path)
		die("cannot resolve '%s':", path);
	s->temporary = xasprintf("%s.XXXXXX", s->path);
	s->fd = mkstemp(s->temporary);
	if (s->fd < 0)
		die("cannot create '%s':", path);
	remember(s->temporary);
	if (fchmod(s->fd, old ? old->st_mode & 0777 : 0666 & ~mask))
		die("cannot set the mode of '%s':", s->temporary);
}

static void refuse_terminal(int fd, const char *name)
{
	if (isatty(fd))
		die_usage("'%s' is a terminal: binary records go to a file or a pipe", name);
}

void stream_check_stdout(void)
{
	refuse_terminal(STDOUT_FILENO, "standard output");
}

void stream_widen_pipe(int fd)
{
#ifdef F_SETPIPE_SZ
	fcntl(fd, F_SETPIPE_SZ, PIPE_SIZE);
#else
	(void)fd;
#endif
}

struct stream_out *stream_create(const char *path, bool binary)
{
	struct stream_out *s = xcalloc(1, sizeof(*s));
	int descriptor;
	struct stat st;

	path = path ? path : "-";
	s->name = xstrdup(strcmp(path, "-") ? path : "standard output");
	descriptor = named_descriptor(path);
	if (descriptor >= 0)
		s->fd = strcmp(path, "-") ? dup(descriptor) : descriptor;
	else if (stat(path, &st))
		create_temporary(s, path, NULL);
	else if (S_ISREG(st.st_mode))
		create_temporary(s, path, &st);
	else
		s->fd = open(path, O_WRONLY | O_CLOEXEC);
	if (s->fd < 0)
		die("cannot open '%s' for writing:", s->name);
	if (binary)
		refuse_terminal(s->fd, s->name);
	stream_widen_pipe(s->fd);
	return s;
}

static void write_fd(struct stream_out *s, const unsigned char *data, size_t size)
{
	ssize_t n;

	for (; size; data += n, size -= (size_t)n) {
		do
			n = write(s->fd, data, size);
		while (n < 0 && errno == EINTR);
		if (n < 0)
			die("cannot write '%s':", s->name);
	}
}

void stream_flush(struct stream_out *s)
{
	write_fd(s, s->buffer, s->used);
	s->used = 0;
}

void stream_write(struct stream_out *s, const void *data, size_t size)
{
	if (size > BUFFER_SIZE - s->used) {
		stream_flush(s);
		if (size >= BUFFER_SIZE / 2) {
			write_fd(s, data, size);
			return;
		}
	}
	if (size) /* nothing may be NULL */
		memcpy(s->buffer + s->used, data, size);
	s->used += size;
}

void stream_printf(struct stream_out *s, const char *format, ...)
{
	char small[256], *text = small;
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(small, sizeof(small), format, ap);
	va_end(ap);
	if (n < 0)
		BUG("format '%s'", format);
	if ((size_t)n >= sizeof(small)) {
		text = xmalloc((size_t)n + 1, 1);
		va_start(ap, format);
		vsnprintf(text, (size_t)n + 1, format, ap);
		va_end(ap);
	}
	stream_write(s, text, (size_t)n);
	if (text != small)
		free(text);
}

const char *stream_out_name(const struct stream_out *s)
{
	return s->name;
}

void stream_commit(struct stream_out *s, bool sync)
{
	stream_flush(s);
	if (sync && s->temporary && fsync(s->fd))
		die("cannot sync '%s':", s->name);
	if (close(s->fd))
		die("cannot close '%s':", s->name);
	if (s->temporary) {
		if (rename(s->temporary, s->path))
			die("cannot rename '%s' to '%s':", s->temporary, s->path);
		forget(s->temporary);
	}
	free(s->temporary);
	free(s->path);
	free(s->name);
	free(s);
}
