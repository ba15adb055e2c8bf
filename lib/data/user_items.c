#include "data/user_items.h"

#include "base/behind.h"
#include "base/die.h"
#include "base/draw.h"
#include "base/mem.h"
#include "data/user_items_parts.h"

#include <stdlib.h>
#include <string.h>

enum { MIN_PENDING = 1 << 17, AHEAD = 32 };

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

void user_items_merge(void *arg, void *pending)
{
	merge(arg, pending);
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
	m->sorted = 0;
}

void user_items_pend(struct user_items *m, const unsigned char *rows, size_t n, size_t row_size)
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
	m->sorted = 0;
}

void user_items_settle(struct user_items *m)
{
	if (m->pending[m->turn].num > 0)
		merge_pending(m);
	free_pending(m);
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

uint32_t user_items_active_users(const struct user_items *m)
{
	uint32_t users = 0;

	for (uint32_t u = 0; u < m->num_users; u++)
		users += m->start[u + 1] > m->start[u];
	return users;
}

uint32_t *user_items_count_users(const struct user_items *m)
{
	const uint64_t size = user_items_size(m);
	uint32_t *users = xcalloc(m->num_items, sizeof(*users));

	for (uint64_t k = 0; k < size; k++)
		users[m->item[k]]++;
	return users;
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
