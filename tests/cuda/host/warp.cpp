/* warp: barriers and warp collectives. All threads of a block must reach the same __syncthreads,
   all lanes of a mask the same collective with the same mask; anything else ends the program. */
#include "host.h"

static int num_waiting, warp_waiting[CU_MAX_THREADS / 32]; /* at a barrier, in a collective */
#if CU_TSAN
/* Two marks in turn: the first to leave a barrier may reach the next before the last has left. */
static char block_mark[2], warp_mark[32][2];
static int block_turn, warp_turn[32];
#endif

int cu_lane(void)
{
	return cu_thread & 31;
}

static void print_thread(int i)
{
	static const char *const op[] = { "__syncthreads", "__syncthreads_count",
		"__syncthreads_and", "__syncthreads_or", "__syncwarp", "a shuffle", "a ballot",
		"__match_any_sync" };
	const cu_threadinfo &t = cu_threads[i];

	if (t.state == CU_DONE)
		fprintf(stderr, "  thread %d..: returned\n", i);
	else if (t.state == CU_NEW)
		fprintf(stderr, "  thread %d..: not started\n", i);
	else if (t.state == CU_IN_WARP)
		fprintf(stderr, "  thread %d..: in %s, mask %08x, at %s:%d\n", i, op[t.op], t.mask,
			t.file, t.line);
	else
		fprintf(stderr, "  thread %d..: in %s at %s:%d\n", i, op[t.op], t.file, t.line);
}

void cu_deadlock(const char *why)
{
	int last = -1;

	fprintf(stderr, "cuda_host: kernel %s, block (%u,%u,%u): %s\n", cu_kernel, blockIdx.x,
		blockIdx.y, blockIdx.z, why);
	for (int i = 0, shown = 0; i < cu_num_threads && shown < 12; i++) {
		const cu_threadinfo &t = cu_threads[i], &l = cu_threads[last < 0 ? 0 : last];

		if (last >= 0 && l.state == t.state &&
			(t.state <= CU_NEW || t.state == CU_DONE ||
				(l.op == t.op && l.line == t.line && l.mask == t.mask)))
			continue;
		print_thread(i);
		last = i;
		shown++;
	}
	cu_end();
}

static bool elsewhere(const cu_threadinfo &a, const cu_threadinfo &b)
{
	return a.op != b.op || a.line != b.line || (a.file != b.file && strcmp(a.file, b.file));
}

/* All threads have arrived: compute the result of the barrier and let them go on. */
static void release_block(cu_op op, int me)
{
	int all[CU_MAX_THREADS], sum = 0, n = cu_num_threads;

	for (int i = 0; i < n; i++) {
		if (elsewhere(cu_threads[i], cu_threads[me]))
			cu_deadlock("threads of one block wait at different barriers");
		sum += cu_threads[i].predicate;
		all[i] = i;
	}
	for (int i = 0; i < n; i++)
		cu_threads[i].result = (uint64_t)(op == CU_COUNT ? sum
						  : op == CU_AND ? sum == n
								 : sum != 0);
	num_waiting = 0;
	TSAN(block_turn ^= 1);
	cu_make_ready(all, n);
}

int cu_sync(cu_op op, int predicate, const char *file, int line)
{
	int me = cu_thread;

	if (me < 0)
		cu_die("%s:%d: barrier outside a kernel", file, line);
	cu_threadinfo &t = cu_threads[me];
	t.op = op;
	t.file = file;
	t.line = line;
	t.predicate = predicate;
	t.state = CU_IN_BLOCK;
	TSAN(int turn = block_turn; __tsan_release(&block_mark[turn]));
	if (++num_waiting == cu_num_threads)
		release_block(op, me);
	cu_schedule();
	TSAN(__tsan_acquire(&block_mark[turn]));
	return (int)cu_threads[me].result;
}

static void shuffle(int lane, int first, int live)
{
	cu_threadinfo &t = cu_threads[lane];

	if (t.source < 0 || t.source >= live || !(t.mask >> t.source & 1))
		cu_die("%s:%d: lane %d reads lane %d, which is not in the shuffle (mask %08x, %d "
		       "lanes)",
			t.file, t.line, lane & 31, t.source, t.mask, live);
	t.result = cu_threads[first + t.source].value;
}

/* Most masks are full; counting bits is a call unless the machine is known to have popcnt. */
static int num_lanes(unsigned mask, int live)
{
	return mask == 0xffffffffu ? live : __builtin_popcountll(mask & ((1ull << live) - 1));
}

/* Have all lanes of t's mask arrived at the collective that t is in? */
static bool all_there(const cu_threadinfo &t, int first, int live)
{
	for (int l = 0; l < live; l++) {
		const cu_threadinfo &o = cu_threads[first + l];

		if (!(t.mask >> l & 1))
			continue;
		if (o.state != CU_IN_WARP)
			return false;
		if (o.mask != t.mask || elsewhere(o, t))
			cu_deadlock("lanes named in one mask are in different warp collectives");
	}
	return true;
}

static void release_warp(cu_op op, unsigned mask, int first, int live)
{
	int lanes[32], n = 0;
	unsigned vote = 0;

	for (int l = 0; l < live; l++)
		if (mask >> l & 1) {
			vote |= (unsigned)(cu_threads[first + l].value & 1) << l;
			lanes[n++] = first + l;
		}
	for (int i = 0; i < n; i++) {
		cu_threadinfo &t = cu_threads[lanes[i]];
		unsigned same = 0;

		for (int j = 0; op == CU_MATCH && j < n; j++)
			same |= (unsigned)(cu_threads[lanes[j]].value == t.value)
				<< (lanes[j] & 31);
		if (op == CU_SHUFFLE)
			shuffle(lanes[i], first, live);
		else
			t.result = op == CU_MATCH ? same : vote;
	}
	warp_waiting[first / 32] -= n;
	TSAN(warp_turn[first / 32] ^= 1);
	cu_make_ready(lanes, n);
}

uint64_t cu_warp(cu_op op, unsigned mask, uint64_t bits, int source, const char *file, int line)
{
	int me = cu_thread, first = me & ~31;
	int live = cu_num_threads - first < 32 ? cu_num_threads - first : 32;

	if (me < 0)
		cu_die("%s:%d: warp collective outside a kernel", file, line);
	if (!(mask >> (me & 31) & 1))
		cu_die("%s:%d: lane %d is not in its own mask %08x", file, line, me & 31, mask);
	cu_threadinfo &t = cu_threads[me];
	t.op = op;
	t.file = file;
	t.line = line;
	t.mask = mask;
	t.value = bits;
	t.source = source;
	t.state = CU_IN_WARP;
	TSAN(int turn = warp_turn[first / 32];
		if (op == CU_WARP_SYNC) __tsan_release(&warp_mark[first / 32][turn]));
	if (++warp_waiting[first / 32] >= num_lanes(mask, live) && all_there(t, first, live))
		release_warp(op, mask, first, live);
	cu_schedule();
	TSAN(if (op == CU_WARP_SYNC) __tsan_acquire(&warp_mark[first / 32][turn]));
	return cu_threads[me].result;
}
