/*
 * plugin: the choice of backend. The CUDA backend is a shared object that is loaded only where a
 * driver finds a device: asking the driver takes milliseconds, loading cuBLAS half a second.
 */
#include "base/die.h"
#include "model/backend.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DRIVER_FILE "libcuda.so.1"
#define PLUGIN_FILE "../lib/cofilter/cofilter-cuda.so" /* from the program's directory */

const char *const backend_device_names[] = { "auto", "cpu", "reference", "cuda", NULL };

/* dlsym for a function, without the cast that ISO C does not allow. */
static bool find_function(void *library, const char *name, void *function)
{
	void *symbol = dlsym(library, name);

	memcpy(function, &symbol, sizeof(symbol));
	return symbol != NULL;
}

/* Is it a machine without a driver, rather than one whose driver does not work? Then nobody who did
   not ask for a GPU wants to read what the loader says. */
static bool driver_is_absent(const char *error)
{
	return strncmp(error, DRIVER_FILE ":", strlen(DRIVER_FILE ":")) == 0 &&
	       strstr(error, strerror(ENOENT)) && access("/proc/driver/nvidia", F_OK);
}

/* Is there an NVIDIA driver with a device? If not, the reason is in `why`, and in *absent whether
   it is that there is no driver. */
static bool probe_driver(char *why, size_t size, bool *absent)
{
	void *driver = dlopen(DRIVER_FILE, RTLD_NOW | RTLD_LOCAL);
	int (*init)(unsigned), (*device_count)(int *);
	int code, count = 0;

	if (!driver) {
		const char *error = dlerror();

		snprintf(why, size, "no NVIDIA driver: %s", error);
		*absent = driver_is_absent(error);
		return false;
	}
	if (!find_function(driver, "cuInit", &init) ||
		!find_function(driver, "cuDeviceGetCount", &device_count)) {
		snprintf(why, size, "no NVIDIA driver: " DRIVER_FILE " lacks cuInit");
		return false;
	}
	if ((code = init(0)) || (code = device_count(&count)) || count == 0) {
		snprintf(why, size, "the NVIDIA driver finds no device (code %d)", code);
		return false;
	}
	return true;
}

/* The path of the installed plug-in, which is relative to that of this program. */
static bool default_path(char *path, size_t size)
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
	return snprintf(path, size, "%s/" PLUGIN_FILE, self) < (int)size;
}

/* The plug-in's ops, or NULL with the reason in `why`. */
static const struct backend_ops *load(const char *path, char *why, size_t size)
{
	backend_plugin *plugin;
	void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);

	if (!library) {
		snprintf(why, size, "cannot load the plug-in: %s", dlerror());
		return NULL;
	}
	if (!find_function(library, BACKEND_PLUGIN_SYMBOL, &plugin)) {
		snprintf(why, size, "'%s' is no plug-in of this program", path);
		return NULL;
	}
	const struct backend_ops *ops = plugin(why, size);
	if (ops && ops->abi != BACKEND_ABI) {
		snprintf(why, size, "plug-in '%s' has interface version %u, %u expected", path,
			(unsigned)ops->abi, (unsigned)BACKEND_ABI);
		return NULL;
	}
	return ops;
}

static const struct backend_ops *find_cuda(char *why, size_t size, bool *absent)
{
	const char *named = getenv("COFILTER_CUDA_PLUGIN");
	char path[4200];

	if (named && *named)
		return load(named, why, size);
	if (!probe_driver(why, size, absent))
		return NULL;
	if (!default_path(path, sizeof(path))) {
		snprintf(why, size, "cannot tell where the plug-in is: no /proc/self/exe");
		return NULL;
	}
	return load(path, why, size);
}

const struct backend_ops *backend_select(enum backend_device device, bool quiet)
{
	const struct backend_ops *ops;
	char why[4608] = "";
	bool absent = false;

	switch (device) {
	case DEVICE_CPU:
		return &backend_cpu;
	case DEVICE_REFERENCE:
		return &backend_reference;
	case DEVICE_AUTO:
	case DEVICE_CUDA:
		break;
	}
	ops = find_cuda(why, sizeof(why), &absent);
	if (!ops && device == DEVICE_CUDA)
		die("no CUDA device: %s", why);
	if (!ops)
		ops = &backend_cpu;
	if (device == DEVICE_AUTO && !quiet && absent)
		note("device %s", ops->name);
	else if (device == DEVICE_AUTO && !quiet)
		note("device %s: %s", ops->name, *why ? why : "a GPU answers");
	return ops;
}
