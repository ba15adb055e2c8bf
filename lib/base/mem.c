#define _DEFAULT_SOURCE // madvise
#include "base/mem.h"

#include "base/die.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

enum { CACHE_LINE = 64, HUGE_PAGE = 2 << 20 };

static void *checked(void *p, size_t n, size_t size)
{
	if (!p)
		die("cannot allocate %zu x %zu bytes:", n, size);
	return p;
}

/* Uninitialised, on a multiple of `align`, which is a power of two and of sizeof(void *). */
static void *xaligned(size_t align, size_t n, size_t size)
{
	void *p = NULL;

	if (size && n > (SIZE_MAX - align) / size)
		errno = ENOMEM;
	else
		errno = posix_memalign(&p, align, n && size ? n * size : 1);
	return checked(p, n, size);
}

void *xmalloc(size_t n, size_t size)
{
	return xrealloc(NULL, n, size);
}

void *xcalloc(size_t n, size_t size)
{
	return checked(calloc(n ? n : 1, size ? size : 1), n, size);
}

void *xrealloc(void *p, size_t n, size_t size)
{
	if (size && n > SIZE_MAX / size) {
		errno = ENOMEM;
		return checked(NULL, n, size);
	}
	return checked(realloc(p, n && size ? n * size : 1), n, size);
}

void *xmalloc_table(size_t n, size_t size)
{
	const bool large = size && n >= 2 * HUGE_PAGE / size;
	void *p = xaligned(large ? HUGE_PAGE : CACHE_LINE, n, size);

#ifdef MADV_HUGEPAGE
	if (large)
		madvise(p, n * size,
			MADV_HUGEPAGE); // advice: nothing is lost where it is not taken
#endif
	return p;
}

void *xcalloc_table(size_t n, size_t size)
{
	return memset(xmalloc_table(n, size), 0, n * size);
}

void *xcalloc_aligned(size_t n, size_t size)
{
	return memset(xaligned(CACHE_LINE, n, size), 0, n * size);
}

/* The number in the first line of a file that `format` fits; UINT64_MAX without such a line. */
static uint64_t number_in(const char *path, const char *format)
{
	FILE *f = fopen(path, "r");
	char line[256];
	uint64_t v = UINT64_MAX;

	if (!f)
		return v;
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, format, &v) == 1)
			break;
	fclose(f);
	return v;
}

uint64_t mem_available(void)
{
	const uint64_t kib = number_in("/proc/meminfo", "MemAvailable: %" SCNu64 " kB");
	const uint64_t group = number_in("/sys/fs/cgroup/memory.max", "%" SCNu64);
	const uint64_t old = number_in("/sys/fs/cgroup/memory/memory.limit_in_bytes", "%" SCNu64);
	uint64_t least = kib == UINT64_MAX ? kib : kib * 1024;

	least = group < least ? group : least;
	return old < least ? old : least;
}

char *xstrdup(const char *s)
{
	size_t n = strlen(s) + 1;

	return memcpy(xmalloc(n, 1), s, n);
}

char *xasprintf(const char *format, ...)
{
	va_list ap;
	char *s;
	int n;

	va_start(ap, format);
	n = vsnprintf(NULL, 0, format, ap);
	va_end(ap);
	if (n < 0)
		BUG("format '%s'", format);
	s = xmalloc((size_t)n + 1, 1);
	va_start(ap, format);
	vsnprintf(s, (size_t)n + 1, format, ap);
	va_end(ap);
	return s;
}

void mem_need(double bytes, const char *format, ...)
{
	const double available = (double)mem_available();
	char what[256];
	va_list ap;

	if (bytes <= available)
		return;
	va_start(ap, format);
	vsnprintf(what, sizeof(what), format, ap);
	va_end(ap);
	die("%s needs %.1f GB, the machine has %.1f GB", what, bytes / 1e9, available / 1e9);
}

void mem_give_back(void)
{
#ifdef __GLIBC__
	malloc_trim(0);
#endif
}

void *xgrow(void *p, size_t *capacity, size_t need, size_t size)
{
	if (need <= *capacity)
		return p;
	if (need < 2 * *capacity)
		need = 2 * *capacity;
	p = xrealloc(p, need, size);
	*capacity = need;
	return p;
}
