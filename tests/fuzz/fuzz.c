/* Stands in for lib/base/die.c: dying goes back to fuzz_run. */
#define _GNU_SOURCE /* memfd_create */
#include "fuzz.h"

#include "base/die.h"
#include "stream/claim.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* Of the sanitizers' runtime; gcc has no header for it. */
int __sanitizer_install_malloc_and_free_hooks(
	void (*on_malloc)(const volatile void *, size_t), void (*on_free)(const volatile void *));

enum { MAX_LIVE = 1 << 16, MAX_FILES = 16 };

static jmp_buf died;
static char path[64];
static int file = -1;
static const volatile void *live[MAX_LIVE]; /* what the reader holds in memory */
static size_t num_live;
static _Thread_local int reading; /* libFuzzer has threads of its own, whose memory is theirs */

bool die_quiet = true;
unsigned die_delay;

static void on_malloc(const volatile void *p, size_t size)
{
	(void)size;
	if (reading && num_live < MAX_LIVE)
		live[num_live++] = p;
}

static void on_free(const volatile void *p)
{
	for (size_t k = num_live; reading && k-- > 0;)
		if (live[k] == p) {
			live[k] = live[--num_live];
			return;
		}
}

/* The descriptors of the file that a reader opened; others near them are a symbolizer's. */
static void close_files(void)
{
	struct stat ours, other;

	if (fstat(file, &ours))
		abort();
	for (int fd = file + 1; fd < file + MAX_FILES; fd++)
		if (fstat(fd, &other) == 0 && other.st_dev == ours.st_dev &&
			other.st_ino == ours.st_ino)
			close(fd);
}

int fuzz_run(const uint8_t *data, size_t size, void (*read_file)(const char *path))
{
	if (file < 0) {
		file = memfd_create("fuzz", MFD_CLOEXEC);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
		/* a claim outlives the reader, which may die, and its memory */
		claim_file(path, (struct claim_for){ .use = CLAIM_READ });
		__sanitizer_install_malloc_and_free_hooks(on_malloc, on_free);
	}
	if (file < 0 || ftruncate(file, 0) || pwrite(file, data, size, 0) != (ssize_t)size)
		abort();
	reading = 1;
	if (!setjmp(died))
		read_file(path);
	reading = 0;
	while (num_live)
		free((void *)live[--num_live]);
	close_files();
	return 0;
}

void die_set_name(const char *name)
{
	(void)name;
}

const char *die_name(void)
{
	return "fuzz";
}

/* The message is made, for the sanitizers to see, and dropped. */
static void say(const char *format, va_list ap)
{
	char line[4096];

	vsnprintf(line, sizeof(line), format, ap);
}

void die(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	say(format, ap);
	va_end(ap);
	longjmp(died, 1);
}

void die_usage(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	say(format, ap);
	va_end(ap);
	longjmp(died, 1);
}

void warn(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	say(format, ap);
	va_end(ap);
}

void note(const char *format, ...)
{
	(void)format;
}

void die_bug(const char *source, int line, const char *format, ...)
{
	fprintf(stderr, "BUG at %s:%d: %s\n", source, line, format);
	abort();
}
