/* host: what the files of the host runtime share. They are compiled without -fsanitize=thread, and
   with -DCU_TSAN=1 if the kernels are compiled with it. */
#ifndef HOST_H
#define HOST_H

#include "cuda_host.h"

#include <vector>

#if defined(__SANITIZE_ADDRESS__)
#define CU_ASAN 1
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#else
#define CU_ASAN 0
#endif

#if CU_TSAN
#define TSAN(...) __VA_ARGS__
extern "C" {
void *__tsan_create_fiber(unsigned flags);
void *__tsan_get_current_fiber(void);
void __tsan_switch_to_fiber(void *fiber, unsigned flags);
void __tsan_acquire(void *address);
void __tsan_release(void *address);
void __tsan_java_init(uintptr_t heap, uintptr_t size);
void __tsan_java_alloc(uintptr_t p, uintptr_t size);
}
#else
#define TSAN(...)
#endif

enum { CU_MAX_THREADS = 1024, CU_SMEM_DEFAULT = 48 << 10, CU_SMEM_OPTIN = 64 << 10 };

/* The environment (options.cpp). */
enum cu_order { CU_FORWARD, CU_REVERSE, CU_RANDOM };
struct cu_options {
	cu_order order = CU_FORWARD;
	uint64_t seed = 1;
	bool lazy = false, guard = false, leaks = false, no_device = false, stats = false,
	     no_blas = false;
	unsigned long fail_malloc = 0, memory = 2ul << 30, sms = 4, driver = 13000;

	cu_options();
};
extern cu_options cu_opt;

/* Put v[0..n), ascending, into the order asked for. */
void cu_arrange(int *v, int n);

/* Where the program is, for the message of cu_die; thread -1: in host code. */
extern const char *cu_kernel;
extern int cu_thread;
[[noreturn]] void cu_end(void); /* flush and abort */

/* Fibers (fiber.cpp): stacks to switch between. `thread` runs on it now, `next` is to run first. */
struct cu_fiber {
	void *sp = nullptr;
	char *stack = nullptr;
	size_t size = 0;
	void *fake = nullptr, *tsan = nullptr;
	int thread = -1, next = -1;
};
extern cu_fiber cu_main_fiber, *cu_fiber_now;
extern unsigned long cu_switches;
cu_fiber *cu_fiber_new(void (*entry)(void));
void cu_fiber_switch(cu_fiber *to);
void cu_fiber_started(void); /* first thing on a new fiber */

/* Threads of the current block (block.cpp, warp.cpp). */
enum cu_state : uint8_t { CU_NEW, CU_RUNNING, CU_READY, CU_IN_BLOCK, CU_IN_WARP, CU_DONE };
struct cu_threadinfo {
	cu_fiber *fiber;
	cu_state state;
	cu_op op;
	int line, source, predicate;
	unsigned mask;
	const char *file;
	uint64_t value, result;
};
extern cu_threadinfo cu_threads[CU_MAX_THREADS];
extern int cu_num_threads;
void cu_make_ready(int *threads, int n);
void cu_schedule(void);
[[noreturn]] void cu_deadlock(const char *why);

/* Memory (memory.cpp). Device memory is accessible only between enter and leave. */
enum cu_place { CU_DEVICE, CU_HOST };
void cu_need(const void *p, size_t bytes, cu_place place, const char *what);
bool cu_is_device(const void *p);
bool cu_is_pinned(const void *p);
void cu_enter_device(void);
void cu_leave_device(void);
int cu_report_leaks(void);

/* Errors and device (device.cpp), streams (stream.cpp), graphs (graph.cpp). */
cudaError_t cu_fail(cudaError_t e);
void cu_host_waits(bool blocking); /* for an event or a stream; blocking: as the event says */
unsigned long cu_spinning_waits(void);
void cu_drain_all(bool nonblocking_too);
bool cu_capturing(void);
int cu_report_streams(void);
int cu_report_graphs(void);
int cu_report_lt(void); /* lt.cpp */

struct cu_graph {
	struct node {
		std::function<void()> op;
		std::vector<int> after; /* nodes that must have run */
	};
	std::vector<node> nodes;
};

/* A position in a stream's queue: everything put before it. Or nodes of a capture. */
struct cu_event {
	cu_stream *stream = nullptr;
	unsigned long at = 0;
	cu_graph *capture = nullptr;
	std::vector<int> tail;
	bool timing = true, blocking = false;
	double time = -1;
};

#endif
