/* ahead: every piece is made once, in its own slot, and comes in order, with any number of threads
   and slots; its taker may stop at any time. */
#include "base/ahead.h"
#include "base/mem.h"
#include "base/pool.h"
#include "check.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

struct work {
	atomic_uint *made; // of each piece
	atomic_uint held;  // the most pieces that were claimed and not taken yet
	atomic_ullong claimed, taken;
	unsigned slow; // pieces whose number it divides take a while; 0: none
};

static void make(void *arg, uint64_t piece, void *slot)
{
	struct work *w = arg;
	const uint64_t held = atomic_fetch_add(&w->claimed, 1) + 1 - w->taken;

	if (held > w->held)
		w->held = (unsigned)held;
	if (w->slow > 0 && piece % w->slow == 0)
		nanosleep(&(struct timespec){ .tv_nsec = 200000 }, NULL);
	w->made[piece]++;
	for (unsigned k = 0; k < 16; k++)
		((uint64_t *)slot)[k] = piece * 16 + k;
}

static void take_all(unsigned threads, unsigned slots, uint64_t first, uint64_t end, unsigned slow,
	uint64_t most)
{
	struct work w = { .made = xcalloc(end + 1, sizeof(*w.made)), .slow = slow };
	struct pool *pool = pool_new(threads);
	const struct ahead_config config = { .pool = pool,
		.slots = slots,
		.slot_size = 16 * sizeof(uint64_t),
		.first = first,
		.end = end,
		.make = make,
		.arg = &w };
	struct ahead *a = ahead_new(&config);
	uint64_t n = 0, wrong = 0, *slot = NULL;

	for (; n < most && (slot = ahead_next(a)) != NULL; n++) {
		for (unsigned k = 0; k < 16; k++)
			wrong += slot[k] != (first + n) * 16 + k;
		w.taken++;
	}
	CHECK(wrong == 0, "%u threads, %u slots: %llu wrong words", threads, slots,
		(unsigned long long)wrong);
	if (most > end - first) {
		CHECK(n == end - first && ahead_next(a) == NULL,
			"%u threads, %u slots: %llu pieces", threads, slots, (unsigned long long)n);
		for (uint64_t k = 0; k < end; k++)
			wrong += w.made[k] != (k >= first);
		CHECK(wrong == 0, "%u threads, %u slots: %llu pieces not made once", threads, slots,
			(unsigned long long)wrong);
	}
	ahead_free(a);
	pool_free(pool);
	CHECK(w.held <= slots, "%u threads: %u pieces at once in %u slots", threads, w.held, slots);
	free(w.made);
}

int main(void)
{
	for (unsigned threads = 1; threads <= 5; threads += 2)
		for (unsigned slots = 2; slots <= 32; slots *= 4)
			for (unsigned slow = 0; slow <= 14; slow += 7) {
				take_all(threads, slots, 0, 2000, slow, UINT64_MAX);
				take_all(threads, slots, 5, 6, slow, UINT64_MAX);
				take_all(threads, slots, 7, 7, slow, UINT64_MAX);
				take_all(threads, slots, 3, 2000, slow, 100);
				take_all(threads, slots, 3, 2000, slow, 0);
			}
	ahead_free(NULL);
	return CHECK_EXIT;
}
