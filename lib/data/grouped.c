#include "data/grouped.h"

#include "base/bitset.h"
#include "base/processor.h"
#include "base/progress.h"
#include "stream/record.h"

#include <stdlib.h>
#include <string.h>

enum {
	STEP = 64,
	WIDE_ROW = 16
}; /* rows compared at once; bytes of most kinds, scores among them */

void grouped_init(struct grouped *g, struct rec_reader *in)
{
	const struct rec_header *h = rec_header(in);

	*g = (struct grouped){ .in = in, .row_size = rec_info[h->kind].struct_size };
	g->done = bitset_new(h->num_users);
}

void grouped_release(struct grouped *g)
{
	free(g->done);
	g->done = NULL;
}

/* Is there another row? Reads on when all that were read are handed out. */
static bool has_row(struct grouped *g)
{
	if (g->next < g->num)
		return true;
	g->rows = rec_look_rows(g->in, GROUPED_MAX_ROWS, &g->num);
	g->next = 0;
	progress_at(rec_rows(g->in));
	return g->num > 0;
}

/* The user of row k of those read: the first member of every kind's struct. */
static uint32_t user_of(const struct grouped *g, size_t k)
{
	uint32_t user;

	memcpy(&user, g->rows + k * g->row_size, sizeof(user));
	return user;
}

bool grouped_next_user(struct grouped *g)
{
	if (!has_row(g))
		return false;
	g->user = user_of(g, g->next);
	if (!bitset_insert(g->done, g->user))
		rec_die(g->in, g->num - g->next, "user %u returns after another user", g->user);
	return true;
}

/* How many of n rows of WIDE_ROW bytes, from the first and STEP at a time, are of the user? */
static inline __attribute__((always_inline)) size_t same_user_inline(
	const unsigned char *rows, size_t n, uint32_t user)
{
	typedef uint32_t vector __attribute__((vector_size(64)));
	enum { ROWS = sizeof(vector) / WIDE_ROW };
	const vector same = (vector){ 0 } + user;
	size_t k = 0;

	for (; k + STEP <= n; k += STEP) {
		vector others = { 0 }, row;
		uint32_t other = 0;

		for (unsigned j = 0; j < STEP; j += ROWS) {
			memcpy(&row, rows + (k + j) * WIDE_ROW, sizeof(row));
			others |= row ^ same;
		}
		for (unsigned j = 0; j < ROWS; j++)
			other |= others[j * (WIDE_ROW / 4)];
		if (other)
			break;
	}
	return k;
}

PROCESSOR_LEVELS(
	size_t, same_user, (const unsigned char *rows, size_t n, uint32_t user), (rows, n, user))

const void *grouped_rows(struct grouped *g, size_t *n)
{
	size_t first, end;

	if (!has_row(g))
		return NULL;
	first = end = g->next;
	if (g->row_size == WIDE_ROW)
		end += same_user(g->rows + first * WIDE_ROW, g->num - first, g->user);
	while (end < g->num && user_of(g, end) == g->user)
		end++;
	*n = end - first;
	g->next = end;
	return *n > 0 ? g->rows + first * g->row_size : NULL;
}

uint64_t grouped_last_row(const struct grouped *g)
{
	return g->num - g->next + 1;
}
