/*
 * record: preloaded (LD_PRELOAD) into a program, it writes a line for each call that changes files
 * to RECORD_FILE, with what power.py needs to do the same again:
 *
 *   open FD FLAGS PATH     FLAGS in octal; also mkstemp, with the name that it made
 *   dup FD NEW
 *   write FD BYTES         in hexadecimal
 *   sync FD
 *   rename FROM TAB TO
 *   link FROM TAB TO       FROM may be /proc/self/fd/FD
 *   unlink PATH
 *   close FD
 *
 * Only calls that succeed are written. Programs that this one starts are left alone.
 */
#define _GNU_SOURCE // RTLD_NEXT
#include "calls.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LOG_FD = 900, LINE = 8192 };

static int log_fd = -1;

__attribute__((constructor)) static void start(void)
{
	const char *path = getenv("RECORD_FILE");
	int fd;

	unsetenv("LD_PRELOAD");
	if (!path)
		return;
	fd = REAL(open)(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	log_fd = fcntl(fd, F_DUPFD_CLOEXEC, LOG_FD);
	if (log_fd < 0)
		abort();
	REAL(close)(fd);
}

static void put(const char *text, size_t size)
{
	if (log_fd >= 0 && REAL(write)(log_fd, text, size) != (ssize_t)size)
		abort();
}

__attribute__((format(printf, 1, 2))) static void say(const char *format, ...)
{
	const int before = errno;
	char line[LINE];
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(line, sizeof(line), format, ap);
	va_end(ap);
	if (n < 0 || n >= LINE)
		abort();
	put(line, (size_t)n);
	errno = before;
}

static int say_opened(int fd, int flags, const char *path)
{
	if (fd >= 0)
		say("open %d %o %s\n", fd, (unsigned)flags, path);
	return fd;
}

static mode_t mode_of(int flags, va_list ap)
{
	return flags & (O_CREAT | O_TMPFILE) ? va_arg(ap, mode_t) : 0;
}

int open(const char *path, int flags, ...)
{
	mode_t mode;
	va_list ap;

	va_start(ap, flags);
	mode = mode_of(flags, ap);
	va_end(ap);
	return say_opened(REAL(open)(path, flags, mode), flags, path);
}

int openat(int folder, const char *path, int flags, ...)
{
	mode_t mode;
	va_list ap;

	va_start(ap, flags);
	mode = mode_of(flags, ap);
	va_end(ap);
	if (folder != AT_FDCWD && *path != '/')
		abort(); // power.py knows no such names
	return say_opened(REAL(openat)(folder, path, flags, mode), flags, path);
}

int mkstemp(char *template)
{
	int fd = REAL(mkstemp)(template);

	return say_opened(fd, O_RDWR | O_CREAT | O_EXCL, template);
}

int dup(int fd)
{
	int copy = REAL(dup)(fd);

	if (copy >= 0)
		say("dup %d %d\n", fd, copy);
	return copy;
}

static void say_bytes(const unsigned char *bytes, size_t size)
{
	static const char digits[] = "0123456789abcdef";
	char text[LINE];
	size_t n = 0;

	for (size_t k = 0; k < size; k++) {
		text[n++] = digits[bytes[k] >> 4];
		text[n++] = digits[bytes[k] & 15];
		if (n == LINE || k + 1 == size) {
			put(text, n);
			n = 0;
		}
	}
}

ssize_t write(int fd, const void *from, size_t size)
{
	ssize_t n = REAL(write)(fd, from, size);
	const int before = errno;

	if (n > 0) {
		say("write %d ", fd);
		say_bytes(from, (size_t)n);
		say("\n");
	}
	errno = before;
	return n;
}

static int say_synced(int result, int fd)
{
	if (result == 0)
		say("sync %d\n", fd);
	return result;
}

int fsync(int fd)
{
	return say_synced(REAL(fsync)(fd), fd);
}

int fdatasync(int fd)
{
	return say_synced(REAL(fdatasync)(fd), fd);
}

static int say_named(int result, const char *what, const char *from, const char *to)
{
	if (result == 0)
		say("%s %s\t%s\n", what, from, to);
	return result;
}

int rename(const char *from, const char *to)
{
	return say_named(REAL(rename)(from, to), "rename", from, to);
}

int renameat(int from_folder, const char *from, int to_folder, const char *to)
{
	if ((from_folder != AT_FDCWD && *from != '/') || (to_folder != AT_FDCWD && *to != '/'))
		abort();
	return say_named(REAL(renameat)(from_folder, from, to_folder, to), "rename", from, to);
}

int link(const char *from, const char *to)
{
	return say_named(REAL(link)(from, to), "link", from, to);
}

int linkat(int from_folder, const char *from, int to_folder, const char *to, int flags)
{
	char descriptor[64];
	int result = REAL(linkat)(from_folder, from, to_folder, to, flags);

	if (to_folder != AT_FDCWD && *to != '/')
		abort();
	snprintf(descriptor, sizeof(descriptor), "/proc/self/fd/%d", from_folder);
	return say_named(result, "link", flags & AT_EMPTY_PATH ? descriptor : from, to);
}

int unlink(const char *path)
{
	int result = REAL(unlink)(path);

	if (result == 0)
		say("unlink %s\n", path);
	return result;
}

int close(int fd)
{
	int result = REAL(close)(fd);

	if (result == 0)
		say("close %d\n", fd);
	return result;
}
