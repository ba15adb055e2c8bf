#include "base/behind.h"
#include "base/die.h"
#include "base/mem.h"
#include "base/pool.h"
#include "data/user_items_parts.h"
#include "stream/record.h"

#include <string.h>

enum { FIRST_ROWS = 1 << 17, MOST_FIRST_ROWS = 1 << 28 };

/*
 * Rows whose users ascend, as those of most files do, lie in the matrix as they come. A user whose
 * successor has come is whole: idle threads of the pool sort the items of such users meanwhile.
 */
struct ascent {
	struct user_items *m;
	struct pool *pool; /* NULL: no other thread */
	uint64_t num, capacity;
	uint32_t user; /* of the last row */
	struct user_items_sort sort;
	atomic_uint whole;   /* users, from the first */
	atomic_uint claimed; /* of them, to be sorted */
};

/* The pool's idle work. */
static bool sort_whole(void *arg)
{
	struct ascent *a = arg;
	const uint32_t users = a->sort.job_users;
	uint32_t first = atomic_load(&a->claimed);

	do
		if (atomic_load(&a->whole) - first < users)
			return false;
	while (!atomic_compare_exchange_weak(&a->claimed, &first, first + users));
	user_items_sort_job(&a->sort, first / users, 0);
	return true;
}

static void set_idle(struct ascent *a, bool (*step)(void *arg))
{
	if (a->pool)
		pool_set_idle(a->pool, step, a);
}

/* Room for n more; while the matrix moves, nobody sorts. */
static void make_room(struct ascent *a, size_t n)
{
	if (a->capacity - a->num >= n)
		return;
	set_idle(a, NULL);
	a->capacity += a->capacity > n ? a->capacity : n;
	a->m->item = xrealloc(a->m->item, a->capacity, sizeof(*a->m->item));
	set_idle(a, sort_whole);
}

/* Append rows up to the first whose user is less than the one before; returns how many. */
static size_t append(struct ascent *a, const unsigned char *rows, size_t n, size_t row_size)
{
	uint64_t *start = a->m->start;
	uint32_t *item = a->m->item + a->num, user = a->user;
	size_t k;

	for (k = 0; k < n; k++) {
		uint32_t ids[2];

		memcpy(ids, rows + k * row_size, sizeof(ids));
		if (ids[0] < user)
			break;
		while (user < ids[0])
			start[++user] = a->num + k;
		item[k] = ids[1];
	}
	a->num += k;
	a->user = user;
	return k;
}

static void say_whole(struct ascent *a)
{
	const uint32_t before = atomic_load(&a->whole);

	if (!a->pool || a->user - before < a->sort.job_users)
		return;
	atomic_store(&a->whole, a->user);
	pool_wake(a->pool);
}

/* Of an empty matrix. Returns the rest of the block where the rows do not ascend any more, *n rows;
   NULL at the end. */
static const unsigned char *add_ascending(
	struct user_items *m, struct rec_reader *r, struct pool *pool, size_t row_size, size_t *n)
{
	const uint64_t most = rec_most_rows(r);
	struct ascent a = { .m = m, .pool = pool };
	const unsigned char *rows;

	a.capacity = most == 0 ? FIRST_ROWS : most < MOST_FIRST_ROWS ? most : MOST_FIRST_ROWS;
	m->item = xrealloc(m->item, a.capacity, sizeof(*m->item));
	user_items_sort_init(&a.sort, m);
	set_idle(&a, sort_whole);
	while ((rows = rec_look_rows(r, SIZE_MAX, n)) != NULL) {
		size_t taken;

		make_room(&a, *n);
		taken = append(&a, rows, *n, row_size);
		rows += taken * row_size;
		*n -= taken;
		if (*n > 0)
			break;
		say_whole(&a);
	}
	set_idle(&a, NULL);
	while (a.user < m->num_users)
		m->start[++a.user] = a.num;
	m->merged = a.num;
	m->sorted = a.claimed;
	m->repeats = a.sort.repeats;
	return rows;
}

static bool is_empty(const struct user_items *m)
{
	return user_items_size(m) == 0 && m->pending[m->turn].num == 0;
}

uint64_t user_items_add_stream(struct user_items *m, struct rec_reader *r, struct pool *pool)
{
	const struct rec_header *header = rec_header(r);
	const size_t row_size = rec_info[header->kind].struct_size;
	const unsigned char *rows = NULL;
	size_t n = 0;

	if (header->num_users > m->num_users || header->num_items > m->num_items)
		die("'%s' has %u users and %u items, more than %u and %u", rec_name(r),
			header->num_users, header->num_items, m->num_users, m->num_items);
	if (pool && pool_threads(pool) == 1)
		pool = NULL;
	rows = is_empty(m) ? add_ascending(m, r, pool, row_size, &n)
			   : rec_look_rows(r, SIZE_MAX, &n);
	if (pool && rows)
		m->merger = behind_new(user_items_merge, m);
	for (; rows; rows = rec_look_rows(r, SIZE_MAX, &n))
		user_items_pend(m, rows, n, row_size);
	if (m->merger)
		behind_free(m->merger);
	m->merger = NULL;
	return rec_rows(r);
}
