/*
 * fault: preloaded (LD_PRELOAD) into a program, it makes one of its calls go wrong. It counts the
 * calls of each kind from the start of main, so that N = 1, 2, ... reaches every one of them.
 *
 *   FAULT_CALL=KIND    which calls: a name of `kinds` below
 *   FAULT_AT=N         the N-th of them, counted from 1, goes wrong; 0: none does
 *   FAULT_FROM=1       so do all later ones
 *   FAULT_HOW=fail     it fails with the errno FAULT_NUMBER; a close closes nevertheless
 *            =short    a read or write moves half of its bytes, at least one
 *            =zero     a read or write moves none
 *            =signal   the signal FAULT_NUMBER comes just before the call
 *   FAULT_COUNTS=FILE  a table of uint64_t is kept up to date here, however the program ends: the calls of each kind
 *                      in the order of `kinds`, then the faults that were made
 *
 * Programs that this one starts are left alone.
 */
#define _GNU_SOURCE // RTLD_NEXT
#include "calls.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum kind { ALLOC, READ, WRITE, OPEN, CLOSE, SYNC, RENAME, LINK, THREAD, STAT, STDIO, NUM_KINDS };
static const char *const kinds[] = { "alloc", "read", "write", "open", "close", "sync", "rename",
	"link", "thread", "stat", "stdio" };

enum how { NOTHING, FAIL, SHORT, ZERO, SIGNAL };
static const char *const hows[] = { "nothing", "fail", "short", "zero", "signal" };

static struct {
	bool on, from_then_on;
	unsigned kind;
	uint64_t at;
	enum how how;
	int number;
} plan;
static _Atomic uint64_t own_table[NUM_KINDS + 1], *table = own_table;

static unsigned find(const char *name, const char *const *names, unsigned n)
{
	unsigned k = 0;

	while (k < n && strcmp(names[k], name) != 0)
		k++;
	return k;
}

static const char *setting(const char *name)
{
	const char *value = getenv(name);

	return value ? value : "";
}

static void share_table(const char *path)
{
	int fd = REAL(open)(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);

	if (fd < 0 || ftruncate(fd, sizeof(own_table)))
		abort();
	table = mmap(NULL, sizeof(own_table), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (table == MAP_FAILED)
		abort();
	REAL(close)(fd);
}

__attribute__((constructor)) static void start(void)
{
	unsetenv("LD_PRELOAD");
	if (*setting("FAULT_COUNTS"))
		share_table(setting("FAULT_COUNTS"));
	plan.kind = find(setting("FAULT_CALL"), kinds, NUM_KINDS);
	plan.how = find(setting("FAULT_HOW"), hows, sizeof(hows) / sizeof(*hows));
	plan.at = strtoull(setting("FAULT_AT"), NULL, 10);
	plan.from_then_on = *setting("FAULT_FROM") != '\0';
	plan.number = atoi(setting("FAULT_NUMBER"));
	plan.on = true;
}

/* Count a call; what is to go wrong with it, with errno set. */
static enum how next(enum kind kind)
{
	uint64_t n;

	if (!plan.on)
		return NOTHING;
	n = atomic_fetch_add(&table[kind], 1) + 1;
	if (kind != plan.kind || !plan.at || n < plan.at || (n > plan.at && !plan.from_then_on))
		return NOTHING;
	atomic_fetch_add(&table[NUM_KINDS], 1);
	if (plan.how == SIGNAL) {
		kill(getpid(), plan.number);
		return NOTHING;
	}
	errno = plan.number;
	return plan.how;
}

/* The bytes that a read or write is to move, or -1 where it fails. */
static ssize_t moved(enum kind kind, size_t size)
{
	switch (next(kind)) {
	case FAIL:
		return -1;
	case SHORT:
		return (ssize_t)(size > 1 ? size / 2 : size);
	case ZERO:
		return 0;
	default:
		return (ssize_t)size;
	}
}

/* ---- memory: glibc has its own functions under names of their own ---- */

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t size);
void *__libc_memalign(size_t align, size_t size);

void *malloc(size_t size)
{
	return next(ALLOC) ? NULL : __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
	return next(ALLOC) ? NULL : __libc_calloc(n, size);
}

void *realloc(void *p, size_t size)
{
	return next(ALLOC) ? NULL : __libc_realloc(p, size);
}

void *aligned_alloc(size_t align, size_t size)
{
	return next(ALLOC) ? NULL : __libc_memalign(align, size);
}

int posix_memalign(void **p, size_t align, size_t size)
{
	const int before = errno;

	*p = next(ALLOC) ? NULL : __libc_memalign(align, size);
	errno = before; // which it leaves alone
	return *p ? 0 : ENOMEM;
}

/* ---- bytes ---- */

ssize_t read(int fd, void *to, size_t size)
{
	ssize_t n = moved(READ, size);

	return n <= 0 && size ? n : REAL(read)(fd, to, (size_t)n);
}

ssize_t splice(int from, off64_t *from_at, int to, off64_t *to_at, size_t size, unsigned flags)
{
	ssize_t n = moved(READ, size);

	return n <= 0 && size ? n : REAL(splice)(from, from_at, to, to_at, (size_t)n, flags);
}

ssize_t pread(int fd, void *to, size_t size, off_t at)
{
	ssize_t n = moved(READ, size);

	return n <= 0 && size ? n : REAL(pread)(fd, to, (size_t)n, at);
}

ssize_t write(int fd, const void *from, size_t size)
{
	ssize_t n = moved(WRITE, size);

	return n <= 0 && size ? n : REAL(write)(fd, from, (size_t)n);
}

int fsync(int fd)
{
	return next(SYNC) ? -1 : REAL(fsync)(fd);
}

int fdatasync(int fd)
{
	return next(SYNC) ? -1 : REAL(fdatasync)(fd);
}

/* ---- files ---- */

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
	return next(OPEN) ? -1 : REAL(open)(path, flags, mode);
}

int openat(int folder, const char *path, int flags, ...)
{
	mode_t mode;
	va_list ap;

	va_start(ap, flags);
	mode = mode_of(flags, ap);
	va_end(ap);
	return next(OPEN) ? -1 : REAL(openat)(folder, path, flags, mode);
}

int mkstemp(char *template)
{
	return next(OPEN) ? -1 : REAL(mkstemp)(template);
}

int dup(int fd)
{
	return next(OPEN) ? -1 : REAL(dup)(fd);
}

FILE *fopen(const char *path, const char *mode)
{
	return next(OPEN) ? NULL : REAL(fopen)(path, mode);
}

int close(int fd)
{
	const enum how how = next(CLOSE);
	const int number = errno;

	if (how == NOTHING)
		return REAL(close)(fd);
	REAL(close)(fd);
	errno = number;
	return -1;
}

int rename(const char *from, const char *to)
{
	return next(RENAME) ? -1 : REAL(rename)(from, to);
}

int renameat(int from_folder, const char *from, int to_folder, const char *to)
{
	return next(RENAME) ? -1 : REAL(renameat)(from_folder, from, to_folder, to);
}

int link(const char *from, const char *to)
{
	return next(LINK) ? -1 : REAL(link)(from, to);
}

int linkat(int from_folder, const char *from, int to_folder, const char *to, int flags)
{
	return next(LINK) ? -1 : REAL(linkat)(from_folder, from, to_folder, to, flags);
}

/* ---- what is asked of files ---- */

int stat(const char *path, struct stat *st)
{
	return next(STAT) ? -1 : REAL(stat)(path, st);
}

int lstat(const char *path, struct stat *st)
{
	return next(STAT) ? -1 : REAL(lstat)(path, st);
}

int fstat(int fd, struct stat *st)
{
	return next(STAT) ? -1 : REAL(fstat)(fd, st);
}

int fchmod(int fd, mode_t mode)
{
	return next(STAT) ? -1 : REAL(fchmod)(fd, mode);
}

char *realpath(const char *path, char *resolved)
{
	return next(STAT) ? NULL : REAL(realpath)(path, resolved);
}

/* ---- stdio: its own writes cannot be reached, but what is behind the stream can ---- */

/* Do f(stream) while the stream leads to a full device. */
static int on_full_device(int (*f)(FILE *), FILE *stream)
{
	int fd = fileno(stream), saved = REAL(dup)(fd), full = REAL(open)("/dev/full", O_WRONLY);
	int result, number;

	dup2(full, fd);
	result = f(stream);
	number = errno;
	if (f == REAL(fflush))
		dup2(saved, fd);
	REAL(close)(saved);
	REAL(close)(full);
	errno = number;
	return result;
}

int fflush(FILE *stream)
{
	return stream && next(STDIO) ? on_full_device(REAL(fflush), stream) : REAL(fflush)(stream);
}

int fclose(FILE *stream)
{
	return next(STDIO) ? on_full_device(REAL(fclose), stream) : REAL(fclose)(stream);
}

/* ---- threads ---- */

int pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*f)(void *), void *arg)
{
	return next(THREAD) ? EAGAIN : REAL(pthread_create)(thread, attr, f, arg);
}
