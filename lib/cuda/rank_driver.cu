/*
 * rank_driver: ranks blocks of scores on the device, so that only places come back and not every
 * score: 4 bytes per pair over PCIe cost more than the arithmetic of a narrow network.
 */
#include "cuda/device.h"

void rank_free(struct backend *b)
{
	struct rank_scratch *r = &b->ranks;
	device_array<uint32_t> *numbers[] = { &r->removed_start, &r->removed, &r->wanted_start,
		&r->wanted, &r->bad, &r->top, &r->num };

	for (auto *a : numbers)
		device_release(a);
	device_release(&r->place);
	device_release(&r->best);
}

static const uint32_t *put(
	struct backend *b, device_array<uint32_t> *a, const uint32_t *from, size_t n)
{
	uint32_t *to = device_reserve(a, n);

	CUDA(cudaMemcpyAsync(to, from, n * sizeof(*to), cudaMemcpyHostToDevice, b->stream));
	return to;
}

static void get(struct backend *b, void *to, const void *from, size_t n, size_t size)
{
	CUDA(cudaMemcpyAsync(to, from, n * size, cudaMemcpyDeviceToHost, b->stream));
}

/* Score the block, find the bad scores and mask the removed items. Nothing comes back yet: the host
   would wait for it, and the device then for the host. */
static struct rank_rows mask_block(struct backend *b, size_t n, const uint32_t *user,
	uint32_t first, uint32_t end, const struct rank_lists *lists)
{
	struct rank_scratch *r = &b->ranks;
	struct rank_rows a;

	score_on_device(b, n, user, first, end);
	memset(&a, 0, sizeof(a));
	a.score = b->scores.score;
	a.rows = (uint32_t)n;
	a.width = end - first;
	a.removed_start = put(b, &r->removed_start, lists->removed_start, n + 1);
	a.removed = put(b, &r->removed, lists->removed, lists->removed_start[n]);
	a.bad = device_reserve(&r->bad, n);
	rank_mask_cuda(b->stream, &a);
	return a;
}

void rank_block(void *backend, size_t n, const uint32_t *user, uint32_t first, uint32_t end,
	const struct rank_lists *lists, uint32_t *bad, struct rank_place *place)
{
	struct backend *b = (struct backend *)backend;

	if (!n || first == end)
		return;
	struct rank_rows a = mask_block(b, n, user, first, end, lists);
	uint32_t wanted = lists->wanted_start[n];
	const uint32_t *start = put(b, &b->ranks.wanted_start, lists->wanted_start, n + 1);
	const uint32_t *at = put(b, &b->ranks.wanted, lists->wanted, wanted);
	struct rank_place *out = device_reserve(&b->ranks.place, wanted);

	rank_count_cuda(b->stream, &a, start, at, out);
	get(b, bad, a.bad, n, sizeof(*bad));
	get(b, place, out, wanted, sizeof(*place));
	CUDA(cudaStreamSynchronize(b->stream));
}

struct best {
	uint32_t place;
	float score;
};

/* Best first, of equal ones the smaller place. */
static int compare_best(const void *x, const void *y)
{
	const struct best *a = (const struct best *)x, *b = (const struct best *)y;

	if (a->score != b->score)
		return a->score < b->score ? 1 : -1;
	return a->place < b->place ? -1 : a->place > b->place;
}

static void sort_row(uint32_t *top, float *score, uint32_t num, struct best *row)
{
	for (uint32_t i = 0; i < num; i++) {
		row[i].place = top[i];
		row[i].score = score[i];
	}
	qsort(row, num, sizeof(*row), compare_best);
	for (uint32_t i = 0; i < num; i++) {
		top[i] = row[i].place;
		score[i] = row[i].score;
	}
}

void top_block(void *backend, size_t n, const uint32_t *user, uint32_t first, uint32_t end,
	const struct rank_lists *lists, uint32_t *bad, uint32_t k, uint32_t *top, float *score,
	uint32_t *num)
{
	struct backend *b = (struct backend *)backend;

	if (!n || first == end)
		return;
	struct rank_rows a = mask_block(b, n, user, first, end, lists);
	uint32_t *dev_top = device_reserve(&b->ranks.top, n * k);
	uint32_t *dev_num = device_reserve(&b->ranks.num, n);
	float *dev_best = device_reserve(&b->ranks.best, n * k);
	struct best *row = (struct best *)xmalloc(k, sizeof(*row));

	rank_top_cuda(b->stream, &a, k, dev_top, dev_best, dev_num);
	get(b, bad, a.bad, n, sizeof(*bad));
	get(b, top, dev_top, n * k, sizeof(*top));
	get(b, score, dev_best, n * k, sizeof(*score));
	get(b, num, dev_num, n, sizeof(*num));
	CUDA(cudaStreamSynchronize(b->stream));
	for (size_t r = 0; r < n; r++)
		sort_row(top + r * k, score + r * k, num[r], row);
	free(row);
}
