#define _GNU_SOURCE // F_SETPIPE_SZ
#include "base/die.h"
#include "base/mem.h"
#include "stream/claim.h"
#include "stream/path.h"
#include "stream/stream.h"
#include "stream/whole_file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BUFFER_SIZE = 65536, PIPE_SIZE = 1 << 20 };

struct stream_out {
	int fd, claim;
	char *name;
	struct whole_file *file; /* NULL: written in place */
	bool settled;
	size_t used;
	unsigned char buffer[BUFFER_SIZE];
};

/* Binary goes neither to a terminal nor between messages. */
static void check_binary(int fd, const char *name)
{
	if (isatty(fd))
		die_usage("'%s' is a terminal: binary records go to a file or a pipe", name);
	claim_check_messages(fd, name);
}

void stream_check_stdout(void)
{
	check_binary(STDOUT_FILENO, "standard output");
}

void stream_widen_pipe(int fd)
{
#ifdef F_SETPIPE_SZ
	fcntl(fd, F_SETPIPE_SZ, PIPE_SIZE);
#else
	(void)fd;
#endif
}

/* A descriptor for what is written in place: a pipe, a device, a descriptor the program was given. */
static int open_in_place(const char *path, int descriptor)
{
	int flags;

	if (descriptor < 0)
		return open(path, O_WRONLY | O_CLOEXEC);
	flags = fcntl(descriptor, F_GETFL);
	if (flags >= 0 && (flags & O_ACCMODE) == O_RDONLY) {
		errno = EBADF;
		return -1;
	}
	return strcmp(path, "-") != 0 ? fcntl(descriptor, F_DUPFD_CLOEXEC, 0) : descriptor;
}

struct stream_out *stream_create(const char *path, bool binary)
{
	struct stream_out *s = xcalloc(1, sizeof(*s));
	int descriptor;
	struct stat st;

	path = path ? path : "-";
	s->name = xstrdup(strcmp(path, "-") != 0 ? path : "standard output");
	s->claim = claim_begin(path, CLAIM_WRITE);
	descriptor = path_descriptor(path, STDOUT_FILENO);
	if (descriptor < 0 && (stat(path, &st) || S_ISREG(st.st_mode))) {
		s->file = whole_file_create(path);
		s->fd = whole_file_fd(s->file);
		return s;
	}
	s->fd = open_in_place(path, descriptor);
	if (s->fd < 0)
		die("cannot open '%s' for writing:", s->name);
	if (binary)
		check_binary(s->fd, s->name);
	stream_widen_pipe(s->fd);
	return s;
}

/* What a failed write was about; returns when it is to be tried again. */
static void write_failed(const struct stream_out *s)
{
	struct pollfd wait = { .fd = s->fd, .events = POLLOUT };

	if (errno == EAGAIN || errno == EWOULDBLOCK)
		poll(&wait, 1, -1);
	else if (errno != EINTR)
		die("cannot write '%s':", s->name);
}

static void write_fd(struct stream_out *s, const unsigned char *data, size_t size)
{
	ssize_t n;

	while (size) {
		n = write(s->fd, data, size);
		if (n == 0)
			die("cannot write '%s': it takes no bytes", s->name);
		if (n < 0) {
			write_failed(s);
			continue;
		}
		data += n;
		size -= (size_t)n;
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

void stream_settle(struct stream_out *s)
{
	stream_flush(s);
	if (s->file && !s->settled)
		whole_file_settle(s->file);
	s->settled = true;
}

void stream_commit(struct stream_out *s)
{
	stream_settle(s);
	if (s->file)
		whole_file_publish(s->file);
	else if (close(s->fd))
		die("cannot close '%s':", s->name);
	claim_end(s->claim);
	free(s->name);
	free(s);
}
