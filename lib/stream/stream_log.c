#include "stream/stream_log.h"

#include "base/die.h"
#include "base/mem.h"
#include "stream/claim.h"
#include "stream/path.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct stream_log {
	int fd, claim;
	int error; /* errno of the first line that was lost */
};

struct stream_log *stream_log_open(const char *path, uint64_t keep)
{
	struct stream_log *log = xcalloc(1, sizeof(*log));
	int descriptor = path_descriptor(path, STDOUT_FILENO);
	const int flags = O_WRONLY | O_CREAT | O_CLOEXEC | (keep ? 0 : O_TRUNC);

	log->claim = claim_begin(path, CLAIM_WRITE);
	log->fd = descriptor >= 0 ? fcntl(descriptor, F_DUPFD_CLOEXEC, 0) : open(path, flags, 0666);
	if (log->fd < 0)
		die("cannot open '%s':", path);
	if (keep && (ftruncate(log->fd, (off_t)keep) ||
			    lseek(log->fd, (off_t)keep, SEEK_SET) != (off_t)keep))
		die("cannot go on in '%s':", path);
	return log;
}

/* Returns 0 or an errno. */
static int write_all(int fd, const char *text, size_t size)
{
	struct pollfd wait = { .fd = fd, .events = POLLOUT };

	while (size) {
		ssize_t n = write(fd, text, size);

		if (n == 0)
			return EIO;
		if (n < 0 && errno == EAGAIN)
			poll(&wait, 1, -1);
		else if (n < 0 && errno != EINTR)
			return errno;
		if (n > 0) {
			text += n;
			size -= (size_t)n;
		}
	}
	return 0;
}

/* As write_all; a pipe without a reader is EPIPE and no signal. */
static int write_without_signal(int fd, const char *text, size_t size)
{
	const struct timespec now = { 0 };
	sigset_t pipe, old, pending;
	int error;

	sigemptyset(&pipe);
	sigaddset(&pipe, SIGPIPE);
	pthread_sigmask(SIG_BLOCK, &pipe, &old);
	error = write_all(fd, text, size);
	if (error == EPIPE && !sigpending(&pending) && sigismember(&pending, SIGPIPE) > 0)
		sigtimedwait(&pipe, NULL, &now);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return error;
}

void stream_log_line(struct stream_log *log, const char *line)
{
	char *text;

	if (log->error)
		return;
	text = xasprintf("%s\n", line);
	log->error = write_without_signal(log->fd, text, strlen(text));
	free(text);
}

int stream_log_close(struct stream_log *log)
{
	int error = log->error;

	if (close(log->fd) && !error)
		error = errno;
	claim_end(log->claim);
	free(log);
	return error;
}
