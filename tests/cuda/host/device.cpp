/* device: errors, properties of the device, whether a launch is possible. */
#include "host.h"

#include <map>

static cudaError_t last_error;
static std::map<const void *, int> function_smem;

cudaError_t cu_fail(cudaError_t e)
{
	if (e != cudaSuccess)
		last_error = e;
	return e;
}

cudaError_t cudaGetLastError(void)
{
	cudaError_t e = last_error;

	last_error = cudaSuccess;
	return e;
}

cudaError_t cudaPeekAtLastError(void)
{
	return last_error;
}

const char *cudaGetErrorName(cudaError_t e)
{
	switch (e) {
#define CU_NAME(name, value, text) \
	case name:                 \
		return #name;
		CU_ERRORS(CU_NAME)
	}
	return "unrecognized error code";
}

const char *cudaGetErrorString(cudaError_t e)
{
	switch (e) {
#define CU_TEXT(name, value, text) \
	case name:                 \
		return text;
		CU_ERRORS(CU_TEXT)
	}
	return "unrecognized error code";
}

static bool driver_is_old(void)
{
	return cu_opt.driver < CUDART_VERSION;
}

/* Set before the first call that needs the device, or it comes too late. */
static bool blocking_sync;
static unsigned long spinning;

cudaError_t cudaSetDeviceFlags(unsigned flags)
{
	blocking_sync = flags & cudaDeviceScheduleBlockingSync;
	return cudaSuccess;
}

void cu_host_waits(bool blocking)
{
	spinning += !blocking && !blocking_sync;
}

unsigned long cu_spinning_waits(void)
{
	return spinning;
}

cudaError_t cudaGetDeviceCount(int *n)
{
	*n = 0;
	if (driver_is_old())
		return cu_fail(cudaErrorInsufficientDriver);
	*n = cu_opt.no_device ? 0 : 1;
	return cu_opt.no_device ? cu_fail(cudaErrorNoDevice) : cudaSuccess;
}

static cudaError_t check_device(int d)
{
	if (cu_opt.no_device)
		return cu_fail(cudaErrorNoDevice);
	return d ? cu_fail(cudaErrorInvalidDevice) : cudaSuccess;
}

cudaError_t cudaSetDevice(int d)
{
	return check_device(d);
}

cudaError_t cudaGetDevice(int *d)
{
	*d = 0;
	return check_device(0);
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp *p, int d)
{
	if (check_device(d) != cudaSuccess)
		return cudaPeekAtLastError();
	*p = {};
	snprintf(p->name, sizeof(p->name), "CUDA emulated on the host");
	p->totalGlobalMem = cu_opt.memory;
	p->sharedMemPerBlock = CU_SMEM_DEFAULT;
	p->sharedMemPerBlockOptin = CU_SMEM_OPTIN;
	p->major = 9;
	p->multiProcessorCount = (int)cu_opt.sms;
	p->l2CacheSize = 1 << 20;
	p->warpSize = warpSize;
	return cudaSuccess;
}

cudaError_t cudaDeviceGetAttribute(int *value, cudaDeviceAttr a, int d)
{
	cudaDeviceProp p;

	if (cudaGetDeviceProperties(&p, d) != cudaSuccess)
		return cudaPeekAtLastError();
	switch (a) {
	case cudaDevAttrMultiProcessorCount:
		*value = p.multiProcessorCount;
		break;
	case cudaDevAttrComputeCapabilityMajor:
		*value = p.major;
		break;
	case cudaDevAttrComputeCapabilityMinor:
		*value = p.minor;
		break;
	case cudaDevAttrMaxSharedMemoryPerBlockOptin:
		*value = (int)p.sharedMemPerBlockOptin;
		break;
	}
	return cudaSuccess;
}

cudaError_t cudaRuntimeGetVersion(int *version)
{
	*version = 13000;
	return cudaSuccess;
}

cudaError_t cudaDriverGetVersion(int *version)
{
	*version = cu_opt.no_device ? 0 : (int)cu_opt.driver;
	return cudaSuccess;
}

cudaError_t cu_func_smem(const void *function, int bytes)
{
	if (bytes < 0 || bytes > CU_SMEM_OPTIN)
		return cu_fail(cudaErrorInvalidValue);
	function_smem[function] = bytes;
	return cudaSuccess;
}

bool cu_launch_ok(const void *function, dim3 grid, dim3 block, size_t smem)
{
	unsigned long long threads = (unsigned long long)block.x * block.y * block.z;
	auto it = function_smem.find(function);
	int limit = it == function_smem.end() ? (int)CU_SMEM_DEFAULT : it->second;
	bool ok = threads >= 1 && threads <= CU_MAX_THREADS && block.z <= 64 && grid.x >= 1 &&
		  grid.y >= 1 && grid.z >= 1 && grid.x <= 0x7fffffffu && grid.y <= 65535 &&
		  grid.z <= 65535;

	if (cu_opt.no_device)
		cu_fail(cudaErrorNoDevice);
	else if (!ok)
		cu_fail(cudaErrorInvalidConfiguration);
	else if (smem > (size_t)limit)
		cu_fail(cudaErrorInvalidValue);
	else
		return true;
	return false;
}
