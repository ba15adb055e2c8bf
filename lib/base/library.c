#include "base/library.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool library_find(void *library, const char *name, void *function)
{
	void *symbol = dlsym(library, name);

	memcpy(function, &symbol, sizeof(symbol)); // a cast is what ISO C does not allow
	return symbol != NULL;
}

/* The path of an installed plug-in, which is relative to that of this program. */
static bool plugin_path(const char *file, char *path, size_t size)
{
	char self[4096], *slash;
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (n < 0)
		return false;
	self[n] = '\0';
	slash = strrchr(self, '/');
	if (!slash)
		return false;
	*slash = '\0';
	return snprintf(path, size, "%s/../lib/cofilter/%s", self, file) < (int)size;
}

bool library_plugin(const char *variable, const char *file, const char *name, void *function,
	char *why, size_t why_size)
{
	const char *path = getenv(variable);
	char installed[4200];

	if (!path || !*path) {
		if (!plugin_path(file, installed, sizeof(installed))) {
			snprintf(why, why_size,
				"cannot tell where the plug-in is: no /proc/self/exe");
			return false;
		}
		path = installed;
	}
	void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!library) {
		snprintf(why, why_size, "cannot load the plug-in: %s", dlerror());
		return false;
	}
	if (!library_find(library, name, function)) {
		snprintf(why, why_size, "'%s' is no plug-in of this program", path);
		return false;
	}
	return true;
}
