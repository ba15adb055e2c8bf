/* memory: device and pinned memory. All of it begins as NaN. Every call checks which pointers are
   to device memory; with CUDA_HOST_GUARD host code cannot access device memory at all. */
#include "host.h"

#include <csignal>
#include <map>
#include <memory>
#include <sys/mman.h>

struct allocation {
	size_t bytes, mapped; /* asked for; accessible, in pages (guard only) */
	char *base;
};
typedef std::map<uintptr_t, allocation> allocations;
static allocations &device = *new allocations, &pinned = *new allocations;
static size_t in_use;
static unsigned long num_mallocs;
static int inside;

static const allocations::value_type *find(const allocations &in, const void *p)
{
	auto it = in.upper_bound((uintptr_t)p);

	if (it == in.begin())
		return nullptr;
	--it;
	return (uintptr_t)p < it->first + it->second.bytes ? &*it : nullptr;
}

bool cu_is_device(const void *p)
{
	return find(device, p);
}

bool cu_is_pinned(const void *p)
{
	return find(pinned, p);
}

void cu_need(const void *p, size_t bytes, cu_place place, const char *what)
{
	auto *a = find(device, p);

	if (!bytes)
		return;
	if (place == CU_HOST && a)
		cu_die("%s: %p is device memory, host memory expected", what, p);
	if (place == CU_HOST)
		a = find(pinned, p); /* the size of other host memory is not known */
	if (place == CU_DEVICE && !a)
		cu_die("%s: %p is not device memory", what, p);
	if (a && (uintptr_t)p + bytes > a->first + a->second.bytes)
		cu_die("%s: %zu bytes at byte %zu of an allocation of %zu", what, bytes,
			(size_t)((uintptr_t)p - a->first), a->second.bytes);
}

void cu_check_arg(const char *kernel, int index, const void *p)
{
	if (p && !cu_is_device(p))
		cu_die("kernel %s, argument %d: %p is not a live device pointer", kernel, index, p);
}

/*
 * Nothing tells which words of a struct are pointers, so any word that is an address within this
 * program must be an address of device memory. A number beside padding that was never set may look
 * like an address, hence the lower bounds.
 */
void cu_check_struct(const char *kernel, int index, const void *v, size_t size)
{
	const uintptr_t lowest = (uintptr_t)0x5000 << 32, page = 4095;

	for (size_t at = 0; at + sizeof(uintptr_t) <= size; at += sizeof(uintptr_t)) {
		uintptr_t word;

		memcpy(&word, (const char *)v + at, sizeof(word));
		if (word >= lowest && (uint32_t)word >= 1u << 20 && !cu_is_device((void *)word) &&
			!msync((void *)(word & ~page), 1, MS_ASYNC))
			cu_die("kernel %s, argument %d: %p, at byte %zu of a struct, is not a live "
			       "device pointer",
				kernel, index, (void *)word, at);
	}
}

static void protect(int access)
{
	for (auto &a : device)
		mprotect(a.second.base, a.second.mapped, access);
}

void cu_enter_device(void)
{
	if (cu_opt.guard && inside++ == 0)
		protect(PROT_READ | PROT_WRITE);
}

void cu_leave_device(void)
{
	if (cu_opt.guard && --inside == 0)
		protect(PROT_NONE);
}

static void on_fault(int, siginfo_t *info, void *)
{
	uintptr_t p = (uintptr_t)info->si_addr;

	for (auto &a : device)
		if (p >= (uintptr_t)a.second.base &&
			p < (uintptr_t)a.second.base + a.second.mapped + 4096)
			cu_die("%s touches device memory, byte %ld of an allocation of %zu",
				inside ? "a kernel" : "host code", (long)(p - a.first),
				a.second.bytes);
	cu_die("segmentation fault at %p", info->si_addr);
}

static void catch_faults(void)
{
	static bool done;
	struct sigaction action = {};

	if (done)
		return;
	done = true;
	action.sa_sigaction = on_fault;
	action.sa_flags = SA_SIGINFO;
	sigaction(SIGSEGV, &action, nullptr);
}

/* An allocation ends less than 16 bytes before a page that is never accessible. */
static void *guarded_malloc(size_t n, allocation *a)
{
	size_t mapped = (n + 4095) & ~(size_t)4095;
	void *base = mmap(
		nullptr, mapped + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (base == MAP_FAILED)
		return nullptr;
	catch_faults();
	a->base = (char *)base;
	a->mapped = mapped;
	mprotect(a->base + mapped, 4096, PROT_NONE);
	return a->base + ((mapped - n) & ~(size_t)15);
}

static void *plain_malloc(size_t n, allocation *a)
{
	size_t capacity = (n + 255) & ~(size_t)255;

	a->base = (char *)aligned_alloc(256, capacity);
#if CU_ASAN
	if (a->base)
		__asan_poison_memory_region(a->base + n, capacity - n);
#endif
	return a->base;
}

static bool refuse(size_t n)
{
	return ++num_mallocs == cu_opt.fail_malloc || n > cu_opt.memory - in_use;
}

cudaError_t cu_malloc(void **p, size_t n)
{
	allocation a = { n, 0, nullptr };

	*p = nullptr;
	if (cu_opt.no_device)
		return cu_fail(cudaErrorNoDevice);
	if (cu_capturing())
		return cu_fail(cudaErrorStreamCaptureUnsupported);
	if (refuse(n))
		return cu_fail(cudaErrorMemoryAllocation);
	if (!n)
		return cudaSuccess;
	*p = cu_opt.guard ? guarded_malloc(n, &a) : plain_malloc(n, &a);
	if (!*p)
		return cu_fail(cudaErrorMemoryAllocation);
	memset(*p, 0xff, n);
	if (cu_opt.guard && !inside)
		mprotect(a.base, a.mapped, PROT_NONE);
	device[(uintptr_t)*p] = a;
	in_use += n;
	return cudaSuccess;
}

cudaError_t cudaFree(void *p)
{
	if (!p)
		return cudaSuccess;
	if (cu_capturing())
		return cu_fail(cudaErrorStreamCaptureUnsupported);
	cu_drain_all(true);
	auto it = device.find((uintptr_t)p);
	if (it == device.end())
		cu_die("cudaFree(%p): not the start of a live allocation", p);
	allocation a = it->second;
	device.erase(it);
	in_use -= a.bytes;
	if (cu_opt.guard)
		munmap(a.base, a.mapped + 4096);
	else
		free(a.base);
	return cudaSuccess;
}

cudaError_t cu_malloc_host(void **p, size_t n)
{
	*p = nullptr;
	if (cu_opt.no_device)
		return cu_fail(cudaErrorNoDevice);
	if (cu_capturing())
		return cu_fail(cudaErrorStreamCaptureUnsupported);
	if (++num_mallocs == cu_opt.fail_malloc || !(*p = malloc(n ? n : 1)))
		return cu_fail(cudaErrorMemoryAllocation);
	memset(*p, 0xff, n);
	pinned[(uintptr_t)*p] = allocation{ n, 0, (char *)*p };
	return cudaSuccess;
}

cudaError_t cudaFreeHost(void *p)
{
	if (!p)
		return cudaSuccess;
	cu_drain_all(true);
	if (!pinned.erase((uintptr_t)p))
		cu_die("cudaFreeHost(%p): not the start of a live allocation", p);
	free(p);
	return cudaSuccess;
}

cudaError_t cudaMemGetInfo(size_t *available, size_t *total)
{
	if (cu_opt.no_device)
		return cu_fail(cudaErrorNoDevice);
	*available = cu_opt.memory - in_use;
	*total = cu_opt.memory;
	return cudaSuccess;
}

int cu_report_leaks(void)
{
	for (auto &a : device)
		fprintf(stderr, "cuda_host: %zu bytes of device memory were never freed\n",
			a.second.bytes);
	for (auto &a : pinned)
		fprintf(stderr, "cuda_host: %zu bytes of pinned memory were never freed\n",
			a.second.bytes);
	return (int)(device.size() + pinned.size());
}

/* `kind` must say truly where `to` and `from` are. */
static void copy(void *to, const void *from, size_t n, cudaMemcpyKind kind)
{
	bool to_device = kind == cudaMemcpyHostToDevice || kind == cudaMemcpyDeviceToDevice;
	bool from_device = kind == cudaMemcpyDeviceToHost || kind == cudaMemcpyDeviceToDevice;

	if (kind == cudaMemcpyDefault) {
		to_device = cu_is_device(to);
		from_device = cu_is_device(from);
	}
	cu_need(to, n, to_device ? CU_DEVICE : CU_HOST, "destination of cudaMemcpy");
	cu_need(from, n, from_device ? CU_DEVICE : CU_HOST, "source of cudaMemcpy");
	if ((const char *)from < (char *)to + n && (char *)to < (const char *)from + n)
		cu_die("cudaMemcpy: source and destination overlap");
	cu_enter_device();
	memcpy(to, from, n);
	cu_leave_device();
}

cudaError_t cudaMemcpy(void *to, const void *from, size_t n, cudaMemcpyKind kind)
{
	if (cu_capturing())
		return cu_fail(cudaErrorStreamCaptureUnsupported);
	cu_drain_all(false);
	if (n)
		copy(to, from, n, kind);
	return cudaSuccess;
}

/* Memory that is not pinned is read at once, or written before the return, as CUDA's manual says
   ("API synchronization behavior"); in a graph such a copy is refused. */
cudaError_t cudaMemcpyAsync(
	void *to, const void *from, size_t n, cudaMemcpyKind kind, cudaStream_t s)
{
	bool loose_from = !cu_is_device(from) && !cu_is_pinned(from);
	bool loose_to = !cu_is_device(to) && !cu_is_pinned(to);

	if (!n)
		return cudaSuccess;
	if ((loose_from || loose_to) && cu_capturing())
		cu_die("cudaMemcpyAsync: a graph would copy memory that is not pinned");
	if (loose_from && kind == cudaMemcpyHostToDevice) {
		auto kept = std::make_shared<std::vector<char>>(
			(const char *)from, (const char *)from + n);
		cu_submit(s, [=] { copy(to, kept->data(), n, kind); });
		return cudaSuccess;
	}
	cu_submit(s, [=] { copy(to, from, n, kind); });
	return loose_to ? cudaStreamSynchronize(s) : cudaSuccess;
}

static void set(void *to, int byte, size_t n)
{
	cu_need(to, n, CU_DEVICE, "cudaMemset");
	cu_enter_device();
	memset(to, byte, n);
	cu_leave_device();
}

cudaError_t cudaMemset(void *to, int byte, size_t n)
{
	return cudaMemsetAsync(to, byte, n, nullptr);
}

cudaError_t cudaMemsetAsync(void *to, int byte, size_t n, cudaStream_t s)
{
	if (n)
		cu_submit(s, [=] { set(to, byte, n); });
	return cudaSuccess;
}
