#include "data/positive_index.h"

#include "base/bitset.h"
#include "base/mem.h"
#include "base/pool.h"

#include <stdbool.h>
#include <stdlib.h>

enum { CHUNK = 64, JOB_LINES = 1 << 14 };

/* Append an item: the first of user u, or another of the user appended last. */
static void append(struct positive_index *p, uint32_t item, bool first, uint32_t u)
{
	struct positive_index_line *line = &p->line[p->num / POSITIVES_PER_LINE];
	const unsigned at = p->num % POSITIVES_PER_LINE;

	if (at == 0) {
		line->before = p->num_users;
		line->begins = 0;
	}
	if (first) {
		line->begins |= 1u << at;
		p->user[p->num_users++] = u;
	}
	line->item[at] = item;
	p->num++;
}

struct lines {
	struct positive_index *p;
	const struct user_items *seen;
	uint32_t *rank; /* of each user, among those with a positive */
};

/* JOB_LINES lines: of the users from the first of them on. */
static void fill_lines(void *arg, size_t job, unsigned thread)
{
	const struct lines *l = arg;
	const struct positive_index *p = l->p;
	const uint64_t most = (uint64_t)JOB_LINES * POSITIVES_PER_LINE, first = job * most;
	const uint64_t end = p->num - first < most ? p->num : first + most;
	uint32_t at = l->rank[user_items_user_at(l->seen, first)];

	(void)thread;
	for (uint64_t k = first; k < end; at++) {
		const uint64_t *start = &l->seen->start[p->user[at]];

		for (; k < end && k < start[1]; k++) {
			struct positive_index_line *line = &p->line[k / POSITIVES_PER_LINE];
			const unsigned place = k % POSITIVES_PER_LINE;

			if (place == 0) {
				line->before = at + (k > start[0]);
				line->begins = 0;
			}
			line->begins |= (uint32_t)(k == start[0]) << place;
			line->item[place] = l->seen->item[k];
		}
	}
}

void positive_index_init(struct positive_index *p, const struct user_items *seen, struct pool *pool)
{
	const uint64_t num = user_items_size(seen), job = (uint64_t)JOB_LINES * POSITIVES_PER_LINE;
	struct lines l = { .seen = seen, .rank = xmalloc(seen->num_users, sizeof(*l.rank)) };

	*p = (struct positive_index){ .num = num };
	l.p = p;
	for (uint32_t u = 0; u < seen->num_users; u++) {
		l.rank[u] = p->num_users;
		p->num_users += seen->start[u + 1] > seen->start[u];
	}
	p->user = xmalloc(p->num_users, sizeof(*p->user));
	p->line = xmalloc_table(num / POSITIVES_PER_LINE + 1, sizeof(*p->line));
	for (uint32_t u = 0; u < seen->num_users; u++)
		if (seen->start[u + 1] > seen->start[u])
			p->user[l.rank[u]] = u;
	pool_run(pool, num / job + (num % job > 0), fill_lines, &l);
	free(l.rank);
}

void positive_index_release(struct positive_index *p)
{
	free(p->user);
	free(p->line);
}

/* In place: writing never overtakes reading; the bits of the line being read are kept aside. */
void positive_index_drop(struct positive_index *p, const unsigned char *skip)
{
	const uint64_t num = p->num;
	uint32_t begins = 0, next_user = 0, u = 0;
	bool keep = false;

	p->num = p->num_users = 0;
	for (uint64_t k = 0; k < num; k++) {
		const struct positive_index_line *line = &p->line[k / POSITIVES_PER_LINE];
		const uint32_t item = line->item[k % POSITIVES_PER_LINE];
		bool first;

		if (k % POSITIVES_PER_LINE == 0)
			begins = line->begins;
		first = begins >> k % POSITIVES_PER_LINE & 1;
		if (first) {
			u = p->user[next_user++];
			keep = !bitset_has(skip, u);
		}
		if (keep)
			append(p, item, first, u);
	}
}

static inline const struct positive_index_line *line_of(
	const struct positive_index *p, uint64_t number)
{
	return &p->line[number / POSITIVES_PER_LINE];
}

void positive_index_call(const struct positive_index *p, const uint64_t *number, size_t count)
{
	for (size_t k = 0; k < count; k++)
		__builtin_prefetch(line_of(p, number[k]), 0, 2); // see sampler_call
}

/* Has each user up to the last one a positive? They are their own numbers then. */
static inline bool every_user(const struct positive_index *p)
{
	return p->num_users == p->user[p->num_users - 1] + 1;
}

static void get_chunk(const struct positive_index *p, const uint64_t *number, size_t count,
	uint32_t *user, uint32_t *item)
{
	uint32_t begins[CHUNK];

	for (size_t k = 0; k < count; k++) {
		const struct positive_index_line *line = line_of(p, number[k]);
		const unsigned at = number[k] % POSITIVES_PER_LINE;

		item[k] = line->item[at];
		user[k] = line->before;
		begins[k] = line->begins << (31 - at); // those up to this positive
	}
	for (size_t k = 0; k < count; k++)
		user[k] += row_draws_bits(begins[k]) - 1;
	if (!every_user(p))
		for (size_t k = 0; k < count; k++)
			user[k] = p->user[user[k]];
}

void positive_index_get(const struct positive_index *p, const uint64_t *number, size_t count,
	uint32_t *user, uint32_t *item)
{
	for (size_t done = 0; done < count; done += CHUNK)
		get_chunk(p, number + done, count - done < CHUNK ? count - done : CHUNK,
			user + done, item + done);
}
