/* score: scoring in jobs of a few users and a range of items, or of a run of pairs. */
#include "cpu/cpu.h"

#include "base/mem.h"

enum {
	SCORE_ITEMS = 4096, /* items of a job; a multiple of the items in a panel of any kernel */
	SCORE_PAIRS = 2048  /* pairs of a job */
};

struct call {
	struct backend *b;
	size_t n;
	const uint32_t *user, *item;
	uint32_t first, end;
	float *score;
};

static void items_job(void *arg, size_t k, unsigned thread)
{
	struct backend *b = arg;
	const uint32_t first = (uint32_t)k * SCORE_ITEMS, n = b->shape.num_items;
	const uint32_t end = n - first < SCORE_ITEMS ? n : first + SCORE_ITEMS;

	b->kernels->item_halves(b, cpu_thread_scratch(b, thread), first, end);
}

/* Compute the item half of the network for all items, once after each change of parameters. */
static void item_halves(struct backend *b)
{
	const uint32_t n = b->shape.num_items;

	if (b->item_half_valid)
		return;
	if (b->item_half == NULL)
		b->item_half = xcalloc_aligned(b->kernels->item_half_size(b), sizeof(float));
	pool_run(b->pool, n / SCORE_ITEMS + (n % SCORE_ITEMS > 0), items_job, b);
	b->item_half_valid = true;
}

/* Ranges of items start at multiples of SCORE_ITEMS, so that the kernels have whole panels. */
static void block_job(void *arg, size_t k, unsigned thread)
{
	const struct call *c = arg;
	const size_t chunks = (c->n + CPU_SCORE_USERS - 1) / CPU_SCORE_USERS;
	const size_t u = k % chunks * CPU_SCORE_USERS;
	const uint32_t range = (uint32_t)(c->first / SCORE_ITEMS + k / chunks) * SCORE_ITEMS;
	const uint32_t first = range < c->first ? c->first : range;
	const uint32_t end = c->end - range < SCORE_ITEMS ? c->end : range + SCORE_ITEMS;
	const uint32_t users = c->n - u < CPU_SCORE_USERS ? (uint32_t)(c->n - u) : CPU_SCORE_USERS;
	const size_t ld = c->end - c->first;
	float *score = c->score + u * ld + (first - c->first);

	c->b->kernels->score_block(
		c->b, cpu_thread_scratch(c->b, thread), c->user + u, users, first, end, score, ld);
}

void cpu_score_block(
	void *backend, size_t n, const uint32_t *user, uint32_t first, uint32_t end, float *score)
{
	struct backend *b = backend;
	struct call c = { b, n, user, NULL, first, end, score };

	if (n == 0 || first == end)
		return;
	item_halves(b);
	pool_run(b->pool,
		(n + CPU_SCORE_USERS - 1) / CPU_SCORE_USERS *
			((end - 1) / SCORE_ITEMS - first / SCORE_ITEMS + 1),
		block_job, &c);
}

static void pairs_job(void *arg, size_t k, unsigned thread)
{
	const struct call *c = arg;
	const size_t first = k * SCORE_PAIRS;
	const size_t n = c->n - first < SCORE_PAIRS ? c->n - first : SCORE_PAIRS;

	c->b->kernels->score_pairs(c->b, cpu_thread_scratch(c->b, thread), n, c->user + first,
		c->item + first, c->score + first);
}

void cpu_score_pairs(
	void *backend, size_t n, const uint32_t *user, const uint32_t *item, float *score)
{
	struct backend *b = backend;
	struct call c = { b, n, user, item, 0, 0, score };

	if (n == 0)
		return;
	item_halves(b);
	pool_run(b->pool, (n + SCORE_PAIRS - 1) / SCORE_PAIRS, pairs_job, &c);
}
