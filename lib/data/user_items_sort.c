#include "base/mem.h"
#include "base/pool.h"
#include "data/user_items_parts.h"

#include <stdlib.h>

/* JOB_BITS: users of a job, whose items, about 20,000, stay in the second cache */
enum { JOB_BITS = 7, DIGIT = 8, STEP = 16 };

void user_items_sort_init(struct user_items_sort *s, const struct user_items *m)
{
	*s = (struct user_items_sort){ .m = m };
	while (m->num_items > UINT64_C(1) << s->item_bits)
		s->item_bits++;
	s->job_users = 1u << (s->item_bits <= 32 - JOB_BITS ? JOB_BITS : 32 - s->item_bits);
}

/* Sort by the digit at `shift`; equal ones stay in their order. */
static void sort_digit(const uint32_t *from, uint32_t *to, uint64_t n, unsigned shift)
{
	uint64_t at[1 << DIGIT] = { 0 }, sum = 0;

	for (uint64_t k = 0; k < n; k++)
		at[from[k] >> shift & ((1 << DIGIT) - 1)]++;
	for (unsigned d = 0; d < 1 << DIGIT; d++) {
		const uint64_t count = at[d];

		at[d] = sum;
		sum += count;
	}
	for (uint64_t k = 0; k < n; k++)
		to[at[from[k] >> shift & ((1 << DIGIT) - 1)]++] = from[k];
}

/* The items of `users` users from `first` on, each with the number of its user above its bits. */
static void tag(const struct user_items_sort *s, uint32_t first, uint32_t users, uint32_t *key)
{
	const struct user_items *m = s->m;
	uint64_t at = 0;

	for (uint32_t u = 0; u < users; u++) {
		const uint32_t above = (uint32_t)((uint64_t)u << s->item_bits);

		for (uint64_t k = m->start[first + u]; k < m->start[first + u + 1]; k++)
			key[at++] = above | m->item[k];
	}
}

/* Items that ascend go back to their users. */
static void untag(const struct user_items_sort *s, uint32_t first, uint32_t users,
	const uint32_t *key, uint64_t n)
{
	const struct user_items *m = s->m;
	const uint64_t mask = (UINT64_C(1) << s->item_bits) - 1;
	uint64_t at[1 << JOB_BITS];

	for (uint32_t u = 0; u < users; u++)
		at[u] = m->start[first + u];
	for (uint64_t k = 0; k < n; k++)
		m->item[at[(uint64_t)key[k] >> s->item_bits]++] = (uint32_t)(key[k] & mask);
}

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

void user_items_sort_job(void *sort, size_t job, unsigned thread)
{
	struct user_items_sort *s = sort;
	const struct user_items *m = s->m;
	const uint32_t first = (uint32_t)job * s->job_users, left = m->num_users - first;
	const uint32_t users = left < s->job_users ? left : s->job_users;
	const uint64_t n = m->start[first + users] - m->start[first];
	uint32_t *room = xmalloc(n, 2 * sizeof(*room)), *from = room, *to = room + n;

	(void)thread;
	tag(s, first, users, from);
	for (unsigned shift = 0; shift < s->item_bits; shift += DIGIT) {
		uint32_t *swap = from;

		sort_digit(from, to, n, shift);
		from = to;
		to = swap;
	}
	untag(s, first, users, from, n);
	free(room);
	for (uint32_t u = first; u < first + users; u++)
		if (has_repeat(m->item + m->start[u], m->start[u + 1] - m->start[u]))
			s->repeats = true;
}

struct rest {
	struct user_items_sort sort;
	size_t sorted; /* jobs */
};

static void sort_rest(void *arg, size_t job, unsigned thread)
{
	struct rest *r = arg;

	user_items_sort_job(&r->sort, r->sorted + job, thread);
}

void user_items_finish_all(struct user_items *m, struct pool *pool)
{
	struct rest r;
	size_t jobs;

	user_items_settle(m);
	user_items_sort_init(&r.sort, m);
	r.sorted = m->sorted / r.sort.job_users;
	jobs = ((size_t)m->num_users + r.sort.job_users - 1) / r.sort.job_users - r.sorted;
	if (m->sorted == m->num_users)
		return;
	if (pool)
		pool_run(pool, jobs, sort_rest, &r);
	else
		for (size_t k = 0; k < jobs; k++)
			sort_rest(&r, k, 0);
	m->sorted = m->num_users;
	m->repeats |= r.sort.repeats;
}
