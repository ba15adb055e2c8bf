/* block: runs a grid, block after block, the threads of a block in turns on fibers. Another fiber
   is started only when a thread blocks; until then one fiber runs thread after thread in a loop. */
#include "host.h"

#include <ctime>
#include <map>
#include <memory>
#include <string>

uint3 threadIdx, blockIdx;
dim3 blockDim, gridDim;
cu_threadinfo cu_threads[CU_MAX_THREADS];
int cu_num_threads;

static uint3 index_of[CU_MAX_THREADS]; /* threadIdx of a thread */
static int num_started, num_done;
static int start_order[CU_MAX_THREADS], ready[CU_MAX_THREADS], ready_head, ready_count;
static void (*grid_loop)(void *);
static void *grid_arg;
static std::vector<cu_fiber *> &idle =
	*new std::vector<cu_fiber *>; /* never deleted: keeps the stacks */

/* The static __shared__ variables of the whole program lie between these. */
static char anchor[64] __attribute__((section("cuda_shared"), used, aligned(64)));
extern char shared_begin[] __asm__("__start_cuda_shared");
extern char shared_end[] __asm__("__stop_cuda_shared");

#if CU_TSAN
/*
 * To ThreadSanitizer, each thread of a block is one of its own threads. These are costly to make
 * (4 ms), so two teams of them take the blocks in turn. Races within a block and between
 * neighbouring blocks are seen; a team's next block counts as later than its last one. The shadow
 * of shared memory is cleared for each block by declaring that section a Java heap whose objects
 * are new.
 */
static cu_fiber *team[2][CU_MAX_THREADS];
static char dynamic_area[CU_SMEM_OPTIN] __attribute__((section("cuda_shared"), aligned(64)));
static char start_mark, end_mark;
#endif
static char *dynamic_shared;

void *cu_dyn_shared(void)
{
	return dynamic_shared;
}

/* Shared memory begins as NaN. The sanitizers intercept memset and must not see this. */
__attribute__((no_sanitize("address", "undefined"))) static void poison(char *p, char *end)
{
#if CU_ASAN || CU_TSAN
	for (; p < end; p++)
		*(volatile char *)p = (char)0xff;
#else
	memset(p, 0xff, (size_t)(end - p));
#endif
}

static void set_thread(int t)
{
	cu_thread = t;
	threadIdx = index_of[t];
}

static void fiber_main(void)
{
	cu_fiber_started();
	for (;;) {
		grid_loop(grid_arg);
		cu_fiber_now->thread = -1;
#if !CU_TSAN
		idle.push_back(cu_fiber_now);
#endif
		cu_schedule();
	}
}

/* Switch to what is next: a thread that may go on, a thread not yet started, or the end. */
void cu_schedule(void)
{
	cu_fiber *to;

	if (ready_count) {
		to = cu_threads[ready[ready_head]].fiber;
		ready_head = (ready_head + 1) % CU_MAX_THREADS;
		ready_count--;
	} else if (num_started < cu_num_threads) {
		if (idle.empty())
			idle.push_back(cu_fiber_new(fiber_main));
		to = idle.back();
		idle.pop_back();
	} else if (num_done == cu_num_threads) {
		to = &cu_main_fiber;
	} else {
		cu_deadlock("threads wait for threads that will never come");
	}
	cu_fiber_switch(to);
	if (cu_fiber_now->thread >= 0) { /* this thread was blocked and goes on */
		set_thread(cu_fiber_now->thread);
		cu_threads[cu_thread].state = CU_RUNNING;
	}
}

void cu_make_ready(int *threads, int n)
{
	cu_arrange(threads, n);
	for (int i = 0; i < n; i++) {
		cu_threads[threads[i]].state = CU_READY;
		ready[(ready_head + ready_count++) % CU_MAX_THREADS] = threads[i];
	}
}

int cu_next_thread(void)
{
	cu_fiber *me = cu_fiber_now;
	int t = me->next;

	if (me->thread >= 0) {
		cu_threads[me->thread].state = CU_DONE;
		num_done++;
		me->thread = -1;
		cu_thread = -1;
		TSAN(__tsan_release(&end_mark));
	}
#if CU_TSAN
	if (t < 0)
		return -1;
	me->next = -1;
	__tsan_acquire(&start_mark);
#else
	if (num_started == cu_num_threads || ready_count)
		return -1;
	t = start_order[num_started];
#endif
	num_started++;
	me->thread = t;
	cu_threads[t].fiber = me;
	cu_threads[t].state = CU_RUNNING;
	set_thread(t);
	return t;
}

#if CU_TSAN
static void assign_team(unsigned block)
{
	__tsan_java_alloc((uintptr_t)shared_begin, (uintptr_t)(shared_end - shared_begin) & ~7ull);
	for (int t = 0; t < cu_num_threads; t++) {
		int o = start_order[t];
		unsigned member = (unsigned)o + 7 * (block / 2);
		cu_fiber *&f = team[block & 1][member % (unsigned)cu_num_threads];

		if (!f)
			f = cu_fiber_new(fiber_main);
		f->next = o;
		cu_threads[o].fiber = f;
		ready[ready_count++] = o;
	}
}
#endif

static void set_block(dim3 block)
{
	blockDim = block;
	cu_num_threads = (int)(block.x * block.y * block.z);
	for (unsigned t = 0; t < (unsigned)cu_num_threads; t++)
		index_of[t] = { t % block.x, t / block.x % block.y, t / (block.x * block.y) };
}

/* Run block number i of the grid as the k-th. */
static void run_block(unsigned k, unsigned i, size_t smem)
{
	blockIdx.x = i % gridDim.x;
	blockIdx.y = i / gridDim.x % gridDim.y;
	blockIdx.z = i / (gridDim.x * gridDim.y);
	num_started = num_done = ready_head = ready_count = 0;
	if (k == 0 || cu_opt.order == CU_RANDOM) {
		for (int t = 0; t < cu_num_threads; t++)
			start_order[t] = t;
		cu_arrange(start_order, cu_num_threads);
	}
	for (int t = 0; t < cu_num_threads; t++)
		cu_threads[t].state = CU_NEW;
	if ((size_t)(shared_end - shared_begin) > sizeof(anchor))
		poison(shared_begin, shared_end);
	if (smem)
		poison(dynamic_shared, dynamic_shared + smem);
	TSAN(assign_team(k));
	cu_schedule();
	cu_thread = -1;
}

static void run_blocks(size_t smem)
{
	unsigned num_blocks = gridDim.x * gridDim.y * gridDim.z;
	std::vector<int> order;

	if (cu_opt.order != CU_FORWARD) {
		order.resize(num_blocks);
		for (unsigned i = 0; i < num_blocks; i++)
			order[i] = (int)i;
		cu_arrange(order.data(), (int)num_blocks);
	}
	for (unsigned k = 0; k < num_blocks; k++)
		run_block(k, order.empty() ? k : (unsigned)order[k], smem);
}

/* CUDA_HOST_STATS. */
static struct statistics {
	struct row {
		unsigned long launches = 0, threads = 0, switches = 0;
		double seconds = 0;
	};
	std::map<std::string, row> rows;

	~statistics()
	{
		if (cu_opt.stats)
			fprintf(stderr, "%lu waits of the host keep a core busy\n",
				cu_spinning_waits());
		for (auto &r : rows)
			fprintf(stderr,
				"%-32s %8lu launches %12lu threads %12lu switches %9.3f s\n",
				r.first.c_str(), r.second.launches, r.second.threads,
				r.second.switches, r.second.seconds);
	}
} statistics;

/* Processor time, since other programs share the processor. */
static double now(void)
{
	return (double)clock() / CLOCKS_PER_SEC;
}

static void count(double since, unsigned long switches_before)
{
	statistics::row &r = statistics.rows[cu_kernel];

	r.launches++;
	r.threads += (unsigned long)gridDim.x * gridDim.y * gridDim.z * (unsigned)cu_num_threads;
	r.switches += cu_switches - switches_before;
	r.seconds += now() - since;
}

void cu_run_grid(
	const char *kernel, dim3 grid, dim3 block, size_t smem, void (*loop)(void *), void *arg)
{
	double start = cu_opt.stats ? now() : 0;
	unsigned long switches = cu_switches;

	cu_kernel = kernel;
	gridDim = grid;
	set_block(block);
	grid_loop = loop;
	grid_arg = arg;
	cu_enter_device();
#if CU_TSAN
	static bool once = (__tsan_java_init((uintptr_t)shared_begin,
				    (uintptr_t)(shared_end - shared_begin) & ~7ull),
		true);
	(void)once;
	cu_main_fiber.tsan = __tsan_get_current_fiber();
	dynamic_shared = dynamic_area;
	__tsan_release(&start_mark);
#else
	size_t capacity = (smem + 15) & ~(size_t)15;
	std::unique_ptr<char, void (*)(void *)> memory(
		smem ? (char *)aligned_alloc(16, capacity) : nullptr, free);
	dynamic_shared = memory.get();
#if CU_ASAN
	if (smem)
		__asan_poison_memory_region(dynamic_shared + smem, capacity - smem);
#endif
#endif
	run_blocks(smem);
	TSAN(__tsan_acquire(&end_mark));
	dynamic_shared = nullptr;
	cu_leave_device();
	if (cu_opt.stats)
		count(start, switches);
}
