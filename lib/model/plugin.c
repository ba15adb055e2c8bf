/*
 * plugin: the choice of backend. The CUDA backend is a shared object that is loaded only where a
 * driver finds a device: asking the driver takes milliseconds, loading cuBLAS half a second.
 */
#include "base/die.h"
#include "base/library.h"
#include "model/backend.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DRIVER_FILE	"libcuda.so.1"
#define PLUGIN_VARIABLE "COFILTER_CUDA_PLUGIN"
#define PLUGIN_FILE	"cofilter-cuda.so"

const char *const backend_device_names[] = { "auto", "cpu", "reference", "cuda", NULL };

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
	if (!library_find(driver, "cuInit", &init) ||
		!library_find(driver, "cuDeviceGetCount", &device_count)) {
		snprintf(why, size, "no NVIDIA driver: " DRIVER_FILE " lacks cuInit");
		return false;
	}
	if ((code = init(0)) || (code = device_count(&count)) || count == 0) {
		snprintf(why, size, "the NVIDIA driver finds no device (code %d)", code);
		return false;
	}
	return true;
}

/* The plug-in's ops, or NULL with the reason in `why`. */
static const struct backend_ops *find_cuda(char *why, size_t size, bool *absent)
{
	const char *named = getenv(PLUGIN_VARIABLE);
	backend_plugin *plugin;

	if (!(named && *named) && !probe_driver(why, size, absent))
		return NULL;
	if (!library_plugin(
		    PLUGIN_VARIABLE, PLUGIN_FILE, BACKEND_PLUGIN_SYMBOL, &plugin, why, size))
		return NULL;
	const struct backend_ops *ops = plugin(why, size);
	if (ops && ops->abi != BACKEND_ABI) {
		snprintf(why, size, "the plug-in has interface version %u, %u expected",
			(unsigned)ops->abi, (unsigned)BACKEND_ABI);
		return NULL;
	}
	return ops;
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
