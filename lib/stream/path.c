#include "stream/path.h"

#include "base/mem.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_LINKS = 40 }; /* as many as the kernel follows */

/* As path_descriptor, but by the letters of the name alone. */
static int spelled_descriptor(const char *path)
{
	static const char *const standard[] = { "/dev/stdin", "/dev/stdout", "/dev/stderr" };
	static const char *const folders[] = { "/dev/fd/", "/proc/self/fd/",
		"/proc/thread-self/fd/" };
	const char *digits = NULL;
	char *end;
	long n;

	for (int k = 0; k < 3; k++) {
		if (!strcmp(path, standard[k]))
			return k;
		if (!strncmp(path, folders[k], strlen(folders[k])))
			digits = path + strlen(folders[k]);
	}
	if (!digits || *digits < '0' || *digits > '9')
		return -1;
	n = strtol(digits, &end, 10);
	return *end || n > INT_MAX ? -1 : (int)n;
}

/* Where the link `path` leads, malloc'ed; NULL when it cannot be read. */
static char *link_target(const char *path)
{
	char text[PATH_MAX];
	ssize_t n = readlink(path, text, sizeof(text) - 1);

	if (n < 0)
		return NULL;
	text[n] = '\0';
	if (*text == '/')
		return xstrdup(text);
	return xasprintf("%.*s%s", (int)(path_base(path) - path), path, text);
}

char *path_resolve(const char *path)
{
	char *now = xstrdup(path), *next;
	struct stat st;

	for (int k = 0; k <= MAX_LINKS; k++) {
		if (spelled_descriptor(now) >= 0 || lstat(now, &st) || !S_ISLNK(st.st_mode))
			return now;
		next = link_target(now);
		free(now);
		now = next;
		if (!now)
			return NULL;
	}
	free(now);
	errno = ELOOP;
	return NULL;
}

int path_descriptor(const char *path, int standard)
{
	char *resolved;
	int descriptor;

	if (!strcmp(path, "-"))
		return standard;
	resolved = path_resolve(path);
	descriptor = resolved ? spelled_descriptor(resolved) : -1;
	free(resolved);
	return descriptor;
}

char *path_folder(const char *path)
{
	size_t n = (size_t)(path_base(path) - path);

	while (n > 1 && path[n - 1] == '/')
		n--;
	return n ? xasprintf("%.*s", (int)n, path) : xstrdup(".");
}

const char *path_base(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}
