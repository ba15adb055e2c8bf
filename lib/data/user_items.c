#include "data/user_items.h"

#include "base/die.h"
#include "base/draw.h"
#include "base/mem.h"
#include "base/pool.h"
#include "stream/record.h"

#include <stdlib.h>
#include <string.h>

enum { MIN_PENDING = 1 << 17, READ_ROWS = 4096, INSERTION_MAX = 32, SORT_USERS = 256 };

void user_items_init(struct user_items *m, uint32_t num_users, uint32_t num_items)
{
	*m = (struct user_items){ .num_users = num_users, .num_items = num_items };
	m->start = xcalloc((size_t)num_users + 1, sizeof(*m->start));
	m->item = xmalloc(0, sizeof(*m->item));
}

void user_items_release(struct user_items *m)
{
	free(m->start);
	free(m->item);
	free(m->pending);
	*m = (struct user_items){ 0 };
}

uint64_t user_items_size(const struct user_items *m)
{
	return m->start[m->num_users];
}

/*
 * Move the pending rows into the matrix: the items of every user move up, the last user first, and
 * leave a gap for the new ones. Until the gaps are full, start[u + 1] is where the items of u end
 * so far.
 */
static void merge_pending(struct user_items *m)
{
	uint32_t *added = xcalloc(m->num_users, sizeof(*added));
	uint64_t end = user_items_size(m) + m->num_pending;

	for (size_t k = 0; k < m->num_pending; k++)
		added[m->pending[k] >> 32]++;
	m->item = xrealloc(m->item, end, sizeof(*m->item));
	for (uint32_t u = m->num_users; u-- > 0;) {
		const uint64_t old = m->start[u], n = m->start[u + 1] - old;

		end -= n + added[u];
		memmove(m->item + end, m->item + old, n * sizeof(*m->item));
		m->start[u + 1] = end + n;
	}
	for (size_t k = 0; k < m->num_pending; k++)
		m->item[m->start[(m->pending[k] >> 32) + 1]++] = (uint32_t)m->pending[k];
	m->num_pending = 0;
	free(added);
}

void user_items_add(struct user_items *m, uint32_t user, uint32_t item)
{
	if (user >= m->num_users || item >= m->num_items)
		BUG("user %u, item %u in a matrix of %u x %u", user, item, m->num_users,
			m->num_items);
	if (m->num_pending == m->capacity) {
		const uint64_t wanted = user_items_size(m) / 4;

		if (m->num_pending)
			merge_pending(m);
		m->capacity = wanted > MIN_PENDING ? wanted : MIN_PENDING;
		m->pending = xrealloc(m->pending, m->capacity, sizeof(*m->pending));
	}
	m->pending[m->num_pending++] = (uint64_t)user << 32 | item;
	m->sorted = false;
}

uint64_t user_items_add_stream(struct user_items *m, struct rec_reader *r)
{
	const struct rec_header *header = rec_header(r);
	const size_t row_size = rec_info[header->kind].struct_size;
	unsigned char *rows;
	uint32_t ids[2];
	size_t n;

	if (header->num_users > m->num_users || header->num_items > m->num_items)
		die("'%s' has %u users and %u items, more than %u and %u", rec_name(r),
			header->num_users, header->num_items, m->num_users, m->num_items);
	rows = xmalloc(READ_ROWS, row_size);
	while ((n = rec_read_rows(r, rows, READ_ROWS)) > 0) {
		for (size_t k = 0; k < n; k++) { /* both kinds begin with user and item */
			memcpy(ids, rows + k * row_size, sizeof(ids));
			user_items_add(m, ids[0], ids[1]);
		}
	}
	free(rows);
	return rec_rows(r);
}

uint64_t user_items_add_file(struct user_items *m, const char *path)
{
	struct rec_reader *r = rec_open(path, 1u << REC_INTERACTION);
	uint64_t rows = user_items_add_stream(m, r);

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

/* Sort by digits of 8 bits, lowest first; `spare` holds n. */
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

struct sort {
	struct user_items *m;
	uint32_t *spare; /* (threads, longest) */
	uint64_t longest;
};

/* The items of SORT_USERS users. */
static void sort_users(void *arg, size_t job, unsigned thread)
{
	const struct sort *s = arg;
	const struct user_items *m = s->m;
	const uint32_t first = (uint32_t)(job * SORT_USERS), left = m->num_users - first;

	for (uint32_t u = first; u < first + (left < SORT_USERS ? left : SORT_USERS); u++) {
		const uint64_t n = m->start[u + 1] - m->start[u];

		if (n <= INSERTION_MAX)
			insertion_sort(m->item + m->start[u], n);
		else
			radix_sort(m->item + m->start[u], n, m->num_items,
				s->spare + thread * s->longest);
	}
}

void user_items_finish_all(struct user_items *m, struct pool *pool)
{
	const size_t jobs = m->num_users / SORT_USERS + (m->num_users % SORT_USERS > 0);
	struct sort s = { .m = m };

	if (m->num_pending)
		merge_pending(m);
	free(m->pending);
	m->pending = NULL;
	m->capacity = 0;
	if (m->sorted)
		return;
	m->sorted = true;
	for (uint32_t u = 0; u < m->num_users; u++)
		if (m->start[u + 1] - m->start[u] > s.longest)
			s.longest = m->start[u + 1] - m->start[u];
	s.spare = xmalloc(s.longest * (pool ? pool_threads(pool) : 1), sizeof(*s.spare));
	if (pool)
		pool_run(pool, jobs, sort_users, &s);
	else
		for (size_t k = 0; k < jobs; k++)
			sort_users(&s, k, 0);
	free(s.spare);
}

uint64_t user_items_finish(struct user_items *m)
{
	uint64_t kept = 0, begin = 0, total;

	user_items_finish_all(m, NULL);
	total = user_items_size(m);
	for (uint32_t u = 0; u < m->num_users; u++) {
		const uint64_t end = m->start[u + 1], first = kept;

		for (uint64_t k = begin; k < end; k++)
			if (kept == first || m->item[kept - 1] != m->item[k])
				m->item[kept++] = m->item[k];
		m->start[u + 1] = kept;
		begin = end;
	}
	m->item = xrealloc(m->item, kept, sizeof(*m->item));
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

void user_items_transpose(struct user_items *items, const struct user_items *users)
{
	uint64_t *at;

	user_items_init(items, users->num_items, users->num_users);
	for (uint64_t k = 0; k < user_items_size(users); k++)
		items->start[users->item[k] + 1]++;
	for (uint32_t i = 0; i < users->num_items; i++)
		items->start[i + 1] += items->start[i];
	items->item = xrealloc(items->item, user_items_size(users), sizeof(*items->item));
	at = xmalloc(users->num_items, sizeof(*at));
	memcpy(at, items->start, users->num_items * sizeof(*at));
	for (uint32_t u = 0; u < users->num_users; u++)
		for (uint64_t k = users->start[u]; k < users->start[u + 1]; k++)
			items->item[at[users->item[k]]++] = u;
	free(at);
}

const uint32_t *user_items_get(const struct user_items *m, uint32_t user, uint32_t *n)
{
	*n = (uint32_t)(m->start[user + 1] - m->start[user]);
	return m->item + m->start[user];
}

uint32_t user_items_user_at(const struct user_items *m, uint64_t place)
{
	uint32_t low = 0, high = m->num_users;

	while (low < high) {
		const uint32_t middle = low + (high - low) / 2;

		if (m->start[middle + 1] <= place)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

bool user_items_has(const struct user_items *m, uint32_t user, uint32_t item)
{
	uint32_t n;
	const uint32_t *at = user_items_get(m, user, &n);

	return draw_list_has((struct draw_list){ at, n }, item);
}
