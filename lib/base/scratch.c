#define _GNU_SOURCE // fallocate
#include "base/scratch.h"

#include "base/die.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

struct scratch {
	int fd;
	const char *folder;
	uint64_t size;
};

struct scratch *scratch_new(void)
{
	struct scratch *s = xmalloc(1, sizeof(*s));
	const char *folder = getenv("TMPDIR");
	char *path;

	s->folder = folder && *folder ? folder : "/tmp";
	s->size = 0;
	path = xasprintf("%s/cofilter-XXXXXX", s->folder);
	s->fd = mkstemp(path);
	if (s->fd < 0 || unlink(path) != 0 || fcntl(s->fd, F_SETFD, FD_CLOEXEC) != 0)
		die("cannot create a temporary file in '%s':", s->folder);
	free(path);
	return s;
}

void scratch_free(struct scratch *s)
{
	if (!s)
		return;
	close(s->fd);
	free(s);
}

uint64_t scratch_size(const struct scratch *s)
{
	return s->size;
}

void scratch_reserve(struct scratch *s, uint64_t size)
{
	if (size > 0 && fallocate(s->fd, 0, 0, (off_t)size) != 0 && errno == ENOSPC)
		die("cannot take %" PRIu64 " bytes for a temporary file in '%s':", size, s->folder);
}

void scratch_rewind(struct scratch *s)
{
	s->size = 0;
}

int scratch_fd(const struct scratch *s)
{
	return s->fd;
}

void scratch_append(struct scratch *s, const void *data, size_t size)
{
	const char *p = data;

	while (size > 0) {
		ssize_t n = pwrite(s->fd, p, size, (off_t)s->size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			die("cannot write a temporary file in '%s':", s->folder);
		p += n;
		size -= (size_t)n;
		s->size += (uint64_t)n;
	}
}

void scratch_read(const struct scratch *s, uint64_t offset, void *data, size_t size)
{
	char *p = data;

	while (size > 0) {
		ssize_t n = pread(s->fd, p, size, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			die("cannot read a temporary file in '%s':", s->folder);
		if (n == 0)
			die("cannot read a temporary file in '%s': it was cut off", s->folder);
		p += n;
		size -= (size_t)n;
		offset += (uint64_t)n;
	}
}
