#include "data/user_items.h"

#include "base/behind.h"
#include "base/die.h"
#include "base/draw.h"
#include "base/mem.h"
#include "base/pool.h"
#include "stream/record.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { MIN_PENDING = 1 << 17, AHEAD = 32, STEP = 16, INSERTION_MAX = 32, SORT_USERS = 256 };

void user_items_init(struct user_items *m, uint32_t num_users, uint32_t num_items)
{
	*m = (struct user_items){ .num_users = num_users, .num_items = num_items };
	m->start = xcalloc((size_t)num_users + 1, sizeof(*m->start));
	m->item = xmalloc(0, sizeof(*m->item));
}

static void free_pending(struct user_items *m)
{
	for (unsigned k = 0; k < 2; k++) {
		free(m->pending[k].row);
		free(m->pending[k].of_user);
		m->pending[k] = (struct user_items_pending){ 0 };
	}
}

void user_items_release(struct user_items *m)
{
	free(m->start);
	free(m->item);
	free_pending(m);
	*m = (struct user_items){ 0 };
}

uint64_t user_items_size(const struct user_items *m)
{
	return m->start[m->num_users];
}

/*
 * Move pending rows into the matrix: the items of every user move up, the last user first, and
 * leave a gap for the new ones. Until the gaps are full, start[u + 1] is where the items of u end
 * so far.
 */
static void merge(struct user_items *m, struct user_items_pending *p)
{
	uint64_t end = user_items_size(m) + p->num;

	m->item = xrealloc(m->item, end, sizeof(*m->item));
	for (uint32_t u = m->num_users; u-- > 0;) {
		const uint64_t old = m->start[u], n = m->start[u + 1] - old;

		end -= n + p->of_user[u];
		p->of_user[u] = 0;
		memmove(m->item + end, m->item + old, n * sizeof(*m->item));
		m->start[u + 1] = end + n;
	}
	for (size_t k = 0; k < p->num; k++) {
		const size_t soon = k + AHEAD < p->num ? k + AHEAD : k;

		__builtin_prefetch(&m->item[m->start[(p->row[soon] >> 32) + 1]], 1);
		m->item[m->start[(p->row[k] >> 32) + 1]++] = (uint32_t)p->row[k];
	}
}

static void merge_behind(void *arg, void *piece)
{
	merge(arg, piece);
}

/* Merge those that were added last, here or by the other thread, and go on with an empty array. */
static void merge_pending(struct user_items *m)
{
	struct user_items_pending *p = &m->pending[m->turn];

	m->merged += p->num;
	if (m->merger) {
		behind_give(m->merger, p);
		m->turn = 1 - m->turn;
	} else {
		merge(m, p);
	}
	m->pending[m->turn].num = 0;
}

/* Room for more pending rows. */
static struct user_items_pending *make_room(struct user_items *m)
{
	const uint64_t wanted = m->merged / (m->merger ? 8 : 4);
	struct user_items_pending *p;

	if (m->pending[m->turn].num > 0)
		merge_pending(m);
	p = &m->pending[m->turn];
	if (p->capacity < MIN_PENDING || p->capacity < wanted) {
		p->capacity = wanted > MIN_PENDING ? wanted : MIN_PENDING;
		p->row = xrealloc(p->row, p->capacity, sizeof(*p->row));
	}
	if (p->of_user == NULL)
		p->of_user = xcalloc(m->num_users, sizeof(*p->of_user));
	return p;
}

void user_items_add(struct user_items *m, uint32_t user, uint32_t item)
{
	struct user_items_pending *p = &m->pending[m->turn];

	if (user >= m->num_users || item >= m->num_items)
		BUG("user %u, item %u in a matrix of %u x %u", user, item, m->num_users,
			m->num_items);
	if (p->num == p->capacity)
		p = make_room(m);
	p->row[p->num++] = (uint64_t)user << 32 | item;
	p->of_user[user]++;
	m->sorted = false;
}

/* Add n rows of a stream, whose ids are below its bounds; all kinds begin with user and item. */
static void add_rows(struct user_items *m, const unsigned char *rows, size_t n, size_t row_size)
{
	while (n > 0) {
		struct user_items_pending *p = &m->pending[m->turn];
		size_t some;

		if (p->num == p->capacity)
			p = make_room(m);
		some = p->capacity - p->num < n ? p->capacity - p->num : n;
		for (size_t k = 0; k < some; k++) {
			uint32_t ids[2];

			memcpy(ids, rows + k * row_size, sizeof(ids));
			p->row[p->num + k] = (uint64_t)ids[0] << 32 | ids[1];
			p->of_user[ids[0]]++;
		}
		p->num += some;
		rows += some * row_size;
		n -= some;
	}
	m->sorted = false;
}

uint64_t user_items_add_stream(struct user_items *m, struct rec_reader *r, struct pool *pool)
{
	const struct rec_header *header = rec_header(r);
	const unsigned char *rows;
	size_t n;

	if (header->num_users > m->num_users || header->num_items > m->num_items)
		die("'%s' has %u users and %u items, more than %u and %u", rec_name(r),
			header->num_users, header->num_items, m->num_users, m->num_items);
	if (pool && pool_threads(pool) > 1)
		m->merger = behind_new(merge_behind, m);
	while ((rows = rec_look_rows(r, SIZE_MAX, &n)) != NULL)
		add_rows(m, rows, n, rec_info[header->kind].struct_size);
	if (m->merger)
		behind_free(m->merger);
	m->merger = NULL;
	return rec_rows(r);
}

uint64_t user_items_add_file(struct user_items *m, const char *path)
{
	struct rec_reader *r = rec_open(path, 1u << REC_INTERACTION);
	uint64_t rows = user_items_add_stream(m, r, NULL);

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
	atomic_bool repeats; /* has a user an item twice? */
	uint32_t *spare;     /* (threads, longest) */
	uint64_t longest;
};

static bool has_repeat(const uint32_t *item, uint64_t n)
{
	uint64_t k = 1;

	for (; k + STEP <= n; k += STEP) {
		uint32_t repeats = 0;

		for (unsigned j = 0; j < STEP; j++)
			repeats |= item[k + j] == item[k + j - 1];
		if (repeats)
			return true;
	}
	while (k < n && item[k] != item[k - 1])
		k++;
	return k < n;
}

/* The items of SORT_USERS users. */
static void sort_users(void *arg, size_t job, unsigned thread)
{
	struct sort *s = arg;
	const struct user_items *m = s->m;
	const uint32_t first = (uint32_t)(job * SORT_USERS), left = m->num_users - first;

	for (uint32_t u = first; u < first + (left < SORT_USERS ? left : SORT_USERS); u++) {
		const uint64_t n = m->start[u + 1] - m->start[u];

		if (n <= INSERTION_MAX)
			insertion_sort(m->item + m->start[u], n);
		else
			radix_sort(m->item + m->start[u], n, m->num_items,
				s->spare + thread * s->longest);
		if (has_repeat(m->item + m->start[u], n))
			s->repeats = true;
	}
}

void user_items_finish_all(struct user_items *m, struct pool *pool)
{
	const size_t jobs = m->num_users / SORT_USERS + (m->num_users % SORT_USERS > 0);
	struct sort s = { .m = m };

	if (m->pending[m->turn].num > 0)
		merge_pending(m);
	free_pending(m);
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
	m->repeats = s.repeats;
	free(s.spare);
}

uint64_t user_items_finish(struct user_items *m)
{
	uint64_t kept = 0, begin = 0, total;

	user_items_finish_all(m, NULL);
	if (!m->repeats)
		return 0;
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
	m->merged = kept;
	m->repeats = false;
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
