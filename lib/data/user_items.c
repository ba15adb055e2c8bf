#include "data/user_items.h"

#include "base/die.h"
#include "base/mem.h"
#include "stream/record.h"

#include <stdlib.h>
#include <string.h>

enum { MIN_PENDING = 1 << 17, READ_ROWS = 4096, INSERTION_MAX = 32 };

void user_items_init(struct user_items *h, uint32_t num_users, uint32_t num_items)
{
	*h = (struct user_items){ .num_users = num_users, .num_items = num_items };
	h->start = xcalloc((size_t)num_users + 1, sizeof(*h->start));
	h->item = xmalloc(0, sizeof(*h->item));
}

void user_items_release(struct user_items *h)
{
	free(h->start);
	free(h->item);
	free(h->pending);
	*h = (struct user_items){ 0 };
}

uint64_t user_items_size(const struct user_items *h)
{
	return h->start[h->num_users];
}

/*
 * Move the pending rows into the matrix: every user's items move up, last user first, to leave a
 * gap behind them for the new ones. start[u + 1] serves as the end of u's items so far until the
 * gaps are full.
 */
static void merge_pending(struct user_items *h)
{
	uint32_t *added = xcalloc(h->num_users, sizeof(*added));
	uint64_t end = user_items_size(h) + h->num_pending;

	for (size_t k = 0; k < h->num_pending; k++)
		added[h->pending[k] >> 32]++;
	h->item = xrealloc(h->item, end, sizeof(*h->item));
	for (uint32_t u = h->num_users; u-- > 0;) {
		const uint64_t old = h->start[u], n = h->start[u + 1] - old;

		end -= n + added[u];
		memmove(h->item + end, h->item + old, n * sizeof(*h->item));
		h->start[u + 1] = end + n;
	}
	for (size_t k = 0; k < h->num_pending; k++)
		h->item[h->start[(h->pending[k] >> 32) + 1]++] = (uint32_t)h->pending[k];
	h->num_pending = 0;
	free(added);
}

void user_items_add(struct user_items *h, uint32_t user, uint32_t item)
{
	if (user >= h->num_users || item >= h->num_items)
		BUG("user %u, item %u in a history of %u x %u", user, item, h->num_users,
			h->num_items);
	if (h->num_pending == h->capacity) {
		const uint64_t wanted = user_items_size(h) / 8;

		if (h->num_pending)
			merge_pending(h);
		h->capacity = wanted > MIN_PENDING ? wanted : MIN_PENDING;
		h->pending = xrealloc(h->pending, h->capacity, sizeof(*h->pending));
	}
	h->pending[h->num_pending++] = (uint64_t)user << 32 | item;
}

uint64_t user_items_add_stream(struct user_items *h, struct rec_reader *r)
{
	const struct rec_header *header = rec_header(r);
	struct interaction *rows;
	size_t n;

	if (header->num_users > h->num_users || header->num_items > h->num_items)
		die("'%s' is bounded by %u users and %u items, more than %u and %u", rec_name(r),
			header->num_users, header->num_items, h->num_users, h->num_items);
	rows = xmalloc(READ_ROWS, sizeof(*rows));
	while ((n = rec_read_rows(r, rows, READ_ROWS)) > 0)
		for (size_t k = 0; k < n; k++)
			user_items_add(h, rows[k].user, rows[k].item);
	free(rows);
	return rec_rows(r);
}

uint64_t user_items_add_file(struct user_items *h, const char *path)
{
	struct rec_reader *r = rec_open(path, 1u << REC_INTERACTION);
	uint64_t rows = user_items_add_stream(h, r);

	rec_close(r, true);
	return rows;
}

static void insertion_sort(uint32_t *item, uint64_t n)
{
	for (uint64_t k = 1; k < n; k++) {
		const uint32_t x = item[k];
		uint64_t j = k;

		for (; j > 0 && item[j - 1] > x; j--)
			item[j] = item[j - 1];
		item[j] = x;
	}
}

/* Sort by digits of 8 bits, lowest first; `spare` has room for n. */
static void radix_sort(uint32_t *item, uint64_t n, uint32_t num_items, uint32_t *spare)
{
	uint32_t *from = item, *to = spare;

	for (unsigned shift = 0; shift < 32 && (num_items - 1) >> shift; shift += 8) {
		uint64_t at[256] = { 0 }, sum = 0;
		uint32_t *swap = from;

		for (uint64_t k = 0; k < n; k++)
			at[from[k] >> shift & 255]++;
		for (unsigned d = 0; d < 256; d++) {
			const uint64_t count = at[d];

			at[d] = sum;
			sum += count;
		}
		for (uint64_t k = 0; k < n; k++)
			to[at[from[k] >> shift & 255]++] = from[k];
		from = to;
		to = swap;
	}
	if (from != item)
		memcpy(item, from, n * sizeof(*item));
}

void user_items_finish_all(struct user_items *h)
{
	uint64_t longest = 0;
	uint32_t *spare;

	if (h->num_pending)
		merge_pending(h);
	free(h->pending);
	h->pending = NULL;
	h->capacity = 0;
	for (uint32_t u = 0; u < h->num_users; u++)
		if (h->start[u + 1] - h->start[u] > longest)
			longest = h->start[u + 1] - h->start[u];
	spare = xmalloc(longest, sizeof(*spare));
	for (uint32_t u = 0; u < h->num_users; u++) {
		const uint64_t n = h->start[u + 1] - h->start[u];

		if (n <= INSERTION_MAX)
			insertion_sort(h->item + h->start[u], n);
		else
			radix_sort(h->item + h->start[u], n, h->num_items, spare);
	}
	free(spare);
}

uint64_t user_items_finish(struct user_items *h)
{
	uint64_t kept = 0, begin = 0, total;

	user_items_finish_all(h);
	total = user_items_size(h);
	for (uint32_t u = 0; u < h->num_users; u++) {
		const uint64_t end = h->start[u + 1], first = kept;

		for (uint64_t k = begin; k < end; k++)
			if (kept == first || h->item[kept - 1] != h->item[k])
				h->item[kept++] = h->item[k];
		h->start[u + 1] = kept;
		begin = end;
	}
	h->item = xrealloc(h->item, kept, sizeof(*h->item));
	return total - kept;
}

void user_items_copy(struct user_items *to, const struct user_items *from)
{
	const uint64_t size = user_items_size(from);

	user_items_init(to, from->num_users, from->num_items);
	memcpy(to->start, from->start, ((size_t)from->num_users + 1) * sizeof(*to->start));
	to->item = xrealloc(to->item, size, sizeof(*to->item));
	memcpy(to->item, from->item, size * sizeof(*to->item));
}

const uint32_t *user_items_get(const struct user_items *h, uint32_t user, uint32_t *n)
{
	*n = (uint32_t)(h->start[user + 1] - h->start[user]);
	return h->item + h->start[user];
}

bool user_items_has(const struct user_items *h, uint32_t user, uint32_t item)
{
	uint32_t n;
	const uint32_t *at = user_items_get(h, user, &n);

	while (n > 1) { // at[0] .. at[n - 1] has it, if any; no branch to mispredict
		const uint32_t half = n / 2;

		at += (at[half - 1] < item) * half;
		n -= half;
	}
	return n == 1 && *at == item;
}
