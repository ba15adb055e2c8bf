/*
 * failing_calls: stand in for some calls of the system, so that a test can let them fail.
 */
#ifndef FAILING_CALLS_H
#define FAILING_CALLS_H

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct {
	bool named;	    /* the file system has no nameless files */
	bool write_nothing; /* write takes no bytes and is no error */
	int fsync_error, folder_error, fchmod_error, rename_error; /* 0: none */
	int close_error;					   /* of the next close */
} fail;

int open(const char *path, int flags, ...)
{
	va_list ap;
	mode_t mode;

	va_start(ap, flags);
	mode = (flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE ? va_arg(ap, mode_t) : 0;
	va_end(ap);
	if (fail.named && (flags & O_TMPFILE) == O_TMPFILE) {
		errno = EOPNOTSUPP;
		return -1;
	}
	return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

static int fail_with(int error)
{
	if (error)
		errno = error;
	return error ? -1 : 0;
}

int fsync(int fd)
{
	struct stat st;
	bool folder = !fstat(fd, &st) && S_ISDIR(st.st_mode);

	return fail_with(folder ? fail.folder_error : fail.fsync_error);
}

int fchmod(int fd, mode_t mode)
{
	return fail.fchmod_error ? fail_with(fail.fchmod_error)
				 : (int)syscall(SYS_fchmod, fd, mode);
}

int rename(const char *from, const char *to)
{
	return fail.rename_error ? fail_with(fail.rename_error)
				 : (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}

int close(int fd)
{
	const int error = fail.close_error;

	fail.close_error = 0;
	syscall(SYS_close, fd);
	return fail_with(error);
}

ssize_t write(int fd, const void *data, size_t size)
{
	return fail.write_nothing ? 0 : syscall(SYS_write, fd, data, size);
}

#endif
