#define _GNU_SOURCE // splice, pipe2
#include "stream/siphon.h"

#include "base/mem.h"
#include "stream/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct siphon {
	int from, own[2];
	size_t held; /* bytes in our own pipe */
	bool refused;
};

#ifdef SPLICE_F_MOVE
enum { MOST = 1 << 20 }; /* taken at one go; our own pipe is empty then */

struct siphon *siphon_new(int fd)
{
	struct siphon *s;
	struct stat st;
	int own[2];

	if (fstat(fd, &st) || !S_ISFIFO(st.st_mode) || pipe2(own, O_CLOEXEC))
		return NULL;
	stream_widen_pipe(own[0]);
	s = xcalloc(1, sizeof(*s));
	*s = (struct siphon){ .from = fd, .own = { own[0], own[1] } };
	return s;
}

/* Take what waits in the pipe; as read(2). */
static ssize_t take(struct siphon *s)
{
	const ssize_t n = splice(s->from, NULL, s->own[1], NULL, MOST, 0);

	if (n > 0)
		s->held = (size_t)n;
	/* where a filter of system calls does not know it */
	s->refused = n < 0 && (errno == EINVAL || errno == ENOSYS || errno == EPERM);
	return n;
}

ssize_t siphon_read(struct siphon *s, void *buffer, size_t size)
{
	ssize_t n = s->held > 0 || s->refused ? 1 : take(s);

	if (s->refused)
		return read(s->from, buffer, size);
	if (n <= 0)
		return n;
	n = read(s->own[0], buffer, size < s->held ? size : s->held);
	s->held -= n > 0 ? (size_t)n : 0;
	return n;
}
#else
struct siphon *siphon_new(int fd)
{
	(void)fd;
	return NULL;
}

ssize_t siphon_read(struct siphon *s, void *buffer, size_t size)
{
	return read(s->from, buffer, size);
}
#endif

bool siphon_holds(const struct siphon *s)
{
	return s->held > 0;
}

void siphon_free(struct siphon *s)
{
	if (s == NULL)
		return;
	close(s->own[0]);
	close(s->own[1]);
	free(s);
}
