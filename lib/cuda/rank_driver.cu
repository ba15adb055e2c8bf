/*
 * ranked: blocks of scores that are ranked on the device, so that a place a user comes back and not
 * a score an item: 4 bytes a pair over PCIe cost more than a narrow network's arithmetic.
 */
#include "cuda/device.h"

/* Room for n numbers, at least one. */
static uint32_t *list_room(struct backend *b, int which, size_t n)
{
	struct list *l = &b->list[which];

	if (l->room > n)
		return l->at;
	CUDA(cudaFree(l->at));
	CUDA(cudaMalloc((void **)&l->at, (n + 1) * sizeof(*l->at)));
	l->room = n + 1;
	return l->at;
}

void ranked_free(struct backend *b)
{
	for (int i = 0; i < NUM_LISTS; i++)
		CUDA(cudaFree(b->list[i].at));
}

static const uint32_t *put(struct backend *b, int which, const uint32_t *from, size_t n)
{
	uint32_t *to = list_room(b, which, n);

	CUDA(cudaMemcpyAsync(to, from, n * sizeof(*to), cudaMemcpyHostToDevice, b->stream));
	return to;
}

static void get(struct backend *b, void *to, const void *from, size_t n, size_t size)
{
	CUDA(cudaMemcpyAsync(to, from, n * size, cudaMemcpyDeviceToHost, b->stream));
}

/* Score the block, find the bad scores and take the removed out. */
static struct rank_rows mask_block(struct backend *b, size_t n, const uint32_t *user,
	uint32_t first, uint32_t end, const struct rank_lists *lists, uint32_t *bad)
{
	struct rank_rows a;

	scoring_device(b, n, user, first, end);
	memset(&a, 0, sizeof(a));
	a.score = b->scores.score;
	a.rows = (uint32_t)n;
	a.width = end - first;
	a.removed_start = put(b, LIST_REMOVED_START, lists->removed_start, n + 1);
	a.removed = put(b, LIST_REMOVED, lists->removed, lists->removed_start[n]);
	a.bad = list_room(b, LIST_BAD, n);
	rank_mask_cuda(b->stream, &a);
	get(b, bad, a.bad, n, sizeof(*bad));
	return a;
}

void ranked_places(void *backend, size_t n, const uint32_t *user, uint32_t first, uint32_t end,
	const struct rank_lists *lists, uint32_t *bad, struct rank_place *place)
{
	struct backend *b = (struct backend *)backend;

	if (!n || first == end)
		return;
	struct rank_rows a = mask_block(b, n, user, first, end, lists, bad);
	uint32_t wanted = lists->wanted_start[n];
	const uint32_t *start = put(b, LIST_WANTED_START, lists->wanted_start, n + 1);
	const uint32_t *at = put(b, LIST_WANTED, lists->wanted, wanted);
	struct rank_place *out = (struct rank_place *)list_room(
		b, LIST_PLACE, (size_t)wanted * sizeof(*out) / sizeof(uint32_t));

	rank_count_cuda(b->stream, &a, start, at, out);
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

void ranked_top(void *backend, size_t n, const uint32_t *user, uint32_t first, uint32_t end,
	const struct rank_lists *lists, uint32_t *bad, uint32_t k, uint32_t *top, float *score,
	uint32_t *num)
{
	struct backend *b = (struct backend *)backend;

	if (!n || first == end)
		return;
	struct rank_rows a = mask_block(b, n, user, first, end, lists, bad);
	uint32_t *dev_top = list_room(b, LIST_TOP, n * k), *dev_num = list_room(b, LIST_NUM, n);
	float *dev_best = (float *)list_room(b, LIST_BEST, n * k);
	struct best *row = (struct best *)xmalloc(k, sizeof(*row));

	rank_top_cuda(b->stream, &a, k, dev_top, dev_best, dev_num);
	get(b, top, dev_top, n * k, sizeof(*top));
	get(b, score, dev_best, n * k, sizeof(*score));
	get(b, num, dev_num, n, sizeof(*num));
	CUDA(cudaStreamSynchronize(b->stream));
	for (size_t r = 0; r < n; r++)
		sort_row(top + r * k, score + r * k, num[r], row);
	free(row);
}
