#include "base/die.h"
#include "base/mem.h"
#include "stream/claim.h"
#include "stream/siphon.h"
#include "stream/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

/*
 * AHEAD: decoded bytes read ahead of who looks at them. Few enough for the second-level cache; of
 * records they are read by the block, and the last block's beginning is moved before that: 256 KiB
 * make it one byte in eight. They begin at TEXT_AT, so that what stands 4 bytes behind the first,
 * the rows of a block, is aligned.
 */
enum {
	RAW_SIZE = 65536,
	DIRECT_SIZE = 4096,
	AHEAD = 1 << 18,
	TEXT_AT = 12,
	GZIP_WINDOW = 15 + 16,
	MAX_LINE = 1 << 20
};

struct stream_in {
	int fd, claim;
	struct siphon *siphon; /* NULL: none */
	char *name;
	unsigned char *raw; /* bytes as they were read: raw_pos .. raw_end are not used yet */
	size_t raw_pos, raw_end;
	bool raw_done;
	bool gzip, in_member, regular;
	uint64_t members;
	z_stream z;
	char *text; /* decoded bytes read ahead: text_pos .. text_end are not handed out yet */
	size_t text_pos, text_end, text_capacity;
	uint64_t offset, size;
	void (*look)(void *arg, int descriptor);
	void *arg;
};

static size_t read_fd(struct stream_in *s, void *buffer, size_t size)
{
	struct pollfd wait = { .fd = s->fd, .events = POLLIN };
	ssize_t n;

	if (s->look && !(s->siphon && siphon_holds(s->siphon)))
		s->look(s->arg, s->fd);
	while ((n = s->siphon ? siphon_read(s->siphon, buffer, size) : read(s->fd, buffer, size)) <
		0) {
		if (errno == EAGAIN || errno == EWOULDBLOCK)
			poll(&wait, 1, -1);
		else if (errno != EINTR)
			die("cannot read '%s':", s->name);
	}
	if (n == 0 && s->look) /* perhaps of a writer that a signal ended, which came to us too */
		s->look(s->arg, s->fd);
	return (size_t)n;
}

/* Read more raw bytes behind those not used yet; false at the end. */
static bool fill_raw(struct stream_in *s)
{
	size_t n;

	if (s->raw_done)
		return false;
	memmove(s->raw, s->raw + s->raw_pos, s->raw_end - s->raw_pos);
	s->raw_end -= s->raw_pos;
	s->raw_pos = 0;
	n = read_fd(s, s->raw + s->raw_end, RAW_SIZE - s->raw_end);
	s->raw_end += n;
	s->raw_done = n == 0;
	return n > 0;
}

struct stream_in *stream_open(const char *path)
{
	struct stream_in *s = xcalloc(1, sizeof(*s));
	bool standard = !path || !strcmp(path, "-");
	struct stat st;

	s->name = xstrdup(standard ? "standard input" : path);
	s->claim = claim_begin(standard ? "-" : path, CLAIM_READ);
	s->fd = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	if (s->fd < 0 || fstat(s->fd, &st))
		die("cannot open '%s':", s->name);
	if (S_ISDIR(st.st_mode))
		die("cannot read '%s': it is a directory", s->name);
	if (isatty(s->fd))
		die_usage("'%s' is a terminal: give a file or a pipe", s->name);
	stream_widen_pipe(s->fd);
	s->siphon = siphon_new(s->fd);
	s->raw = xmalloc(RAW_SIZE, 1);
	while (s->raw_end < 2 && fill_raw(s))
		;
	s->gzip = s->raw_end >= 2 && s->raw[0] == 0x1f && s->raw[1] == 0x8b;
	if (s->gzip && inflateInit2(&s->z, GZIP_WINDOW) != Z_OK)
		die("cannot unpack '%s': out of memory", s->name);
	s->regular = S_ISREG(st.st_mode);
	s->size = s->regular && !s->gzip ? (uint64_t)st.st_size : 0;
	return s;
}

void stream_before_read(struct stream_in *s, void (*look)(void *arg, int descriptor), void *arg)
{
	s->look = look;
	s->arg = arg;
}

/* Up to `size` bytes, fewer than `least` only at the end; so for read_gzip. */
static size_t read_plain(struct stream_in *s, unsigned char *buffer, size_t least, size_t size)
{
	size_t done = 0, n;

	while (done < least) {
		n = s->raw_end - s->raw_pos;
		if (n) {
			n = n < size - done ? n : size - done;
			memcpy(buffer + done, s->raw + s->raw_pos, n);
			s->raw_pos += n;
		} else if (size - done >= DIRECT_SIZE && !s->raw_done) {
			n = read_fd(s, buffer + done, size - done);
			s->raw_done = n == 0;
		} else if (!fill_raw(s)) {
			break;
		}
		done += n;
	}
	return done;
}

static void inflate_failed(const struct stream_in *s, int result)
{
	if (result == Z_MEM_ERROR)
		die("cannot unpack '%s': out of memory", s->name);
	if (result == Z_DATA_ERROR && s->members && !s->z.total_out)
		die("'%s' goes on after its gzip data with bytes that are no gzip", s->name);
	die("'%s' is damaged gzip data after byte %llu: %s", s->name, (unsigned long long)s->offset,
		s->z.msg ? s->z.msg : zError(result));
}

static size_t read_gzip(struct stream_in *s, unsigned char *buffer, size_t least, size_t size)
{
	int result;

	s->z.next_out = buffer;
	s->z.avail_out = (uInt)size;
	while (size - s->z.avail_out < least) {
		if (s->raw_pos == s->raw_end && !fill_raw(s)) {
			if (s->in_member)
				die("'%s' ends inside its gzip data: truncated", s->name);
			break;
		}
		if (!s->in_member && inflateReset(&s->z) != Z_OK)
			die("cannot restart zlib");
		s->in_member = true;
		s->z.next_in = s->raw + s->raw_pos;
		s->z.avail_in = (uInt)(s->raw_end - s->raw_pos);
		result = inflate(&s->z, Z_NO_FLUSH);
		s->raw_pos = s->raw_end - s->z.avail_in;
		if (result == Z_STREAM_END) {
			s->in_member = false;
			s->members++;
		} else if (result != Z_OK && result != Z_BUF_ERROR) {
			inflate_failed(s, result);
		}
	}
	return size - s->z.avail_out;
}

static size_t read_decoded(struct stream_in *s, void *buffer, size_t least, size_t size)
{
	const size_t most = 1u << 30; /* avail_out is a uInt */

	if (!s->gzip)
		return read_plain(s, buffer, least, size);
	return read_gzip(s, buffer, least < most ? least : most, size < most ? size : most);
}

size_t stream_read(struct stream_in *s, void *buffer, size_t size)
{
	size_t done = s->text_end - s->text_pos, n;

	done = done < size ? done : size;
	if (done)
		memcpy(buffer, s->text + s->text_pos, done);
	s->text_pos += done;
	while (done < size &&
		(n = read_decoded(s, (char *)buffer + done, size - done, size - done)) > 0)
		done += n;
	s->offset += done;
	return done;
}

/* Read `least` bytes or more behind those read ahead; fewer, and false, at the end. */
static bool fill_text(struct stream_in *s, size_t least)
{
	const size_t left = s->text_end - s->text_pos;
	size_t n;

	if (left > 0)
		memmove(s->text + TEXT_AT, s->text + s->text_pos, left);
	s->text_pos = TEXT_AT;
	s->text_end = TEXT_AT + left;
	s->text = xgrow(s->text, &s->text_capacity, s->text_end + least + AHEAD + 1, 1);
	n = read_decoded(s, s->text + s->text_end, least, least + AHEAD);
	s->text_end += n;
	return n >= least;
}

const char *stream_peek(struct stream_in *s, size_t size, size_t *got)
{
	const size_t left = s->text_end - s->text_pos;

	if (left < size)
		fill_text(s, size - left);
	*got = s->text_end - s->text_pos < size ? s->text_end - s->text_pos : size;
	return s->text + s->text_pos;
}

void stream_skip(struct stream_in *s, size_t size)
{
	s->text_pos += size;
	s->offset += size;
}

char *stream_line(struct stream_in *s, size_t *length)
{
	size_t searched = 0, n;
	char *line, *end = NULL;

	for (;;) {
		n = s->text_end - s->text_pos;
		if (n > searched)
			end = memchr(s->text + s->text_pos + searched, '\n', n - searched);
		if (end)
			break;
		searched = n;
		if (n > MAX_LINE)
			die("'%s' has a line longer than %d bytes at byte %llu", s->name, MAX_LINE,
				(unsigned long long)s->offset);
		if (!fill_text(s, 1))
			break;
	}
	if (!end && !n)
		return NULL;
	line = s->text + s->text_pos;
	n = end ? (size_t)(end - line) : n;
	s->text_pos += n + (end != NULL);
	s->offset += n + (end != NULL);
	if (n && line[n - 1] == '\r')
		n--;
	line[n] = '\0';
	*length = n;
	return line;
}

const char *stream_name(const struct stream_in *s)
{
	return s->name;
}

uint64_t stream_offset(const struct stream_in *s)
{
	return s->offset;
}

uint64_t stream_size(const struct stream_in *s)
{
	return s->size;
}

void stream_read_at(struct stream_in *s, uint64_t offset, void *buffer, size_t size)
{
	size_t done = 0;
	ssize_t n;

	while (done < size) {
		n = pread(s->fd, (char *)buffer + done, size - done, (off_t)(offset + done));
		if (n < 0 && errno != EINTR)
			die("cannot read '%s':", s->name);
		if (n == 0)
			die("'%s' ends at byte %llu, where its first bytes say that there is more",
				s->name, (unsigned long long)(offset + done));
		done += n > 0 ? (size_t)n : 0;
	}
}

bool stream_is_regular(const struct stream_in *s)
{
	return s->regular;
}

uint64_t stream_members(const struct stream_in *s)
{
	return s->members;
}

void stream_close(struct stream_in *s)
{
	if (s->gzip)
		inflateEnd(&s->z);
	siphon_free(s->siphon);
	if (s->fd != STDIN_FILENO)
		close(s->fd);
	claim_end(s->claim);
	free(s->raw);
	free(s->text);
	free(s->name);
	free(s);
}
