#include "positives.h"

#include "mem.h"

#include <stdlib.h>

/* Bits set in x (Warren, Hacker's Delight, 5-1); compilers know it. */
static inline uint32_t count_bits(uint32_t x)
{
	x -= x >> 1 & 0x55555555;
	x = (x & 0x33333333) + (x >> 2 & 0x33333333);
	return ((x + (x >> 4)) & 0x0f0f0f0f) * 0x01010101 >> 24;
}

/* Drop the items of the users to skip and close the gaps; returns how many users have any left. */
static uint32_t compact(struct history *h, const unsigned char *skip)
{
	uint64_t kept = 0, begin = 0;
	uint32_t users = 0;

	for (uint32_t u = 0; u < h->num_users; u++) {
		const uint64_t end = h->start[u + 1];

		if (!(skip[u / 8] >> u % 8 & 1)) {
			users += end > begin;
			for (uint64_t k = begin; k < end; k++)
				h->item[kept++] = h->item[k];
		}
		begin = end;
		h->start[u + 1] = kept;
	}
	return users;
}

void positives_init(struct positives *p, struct history *h, const unsigned char *skip)
{
	uint32_t users = compact(h, skip);
	uint64_t words;

	p->num = history_size(h);
	p->item = h->item;
	h->item = NULL;
	p->user = xmalloc(users, sizeof(*p->user));
	words = p->num / 32 + 1;
	p->word = xcalloc(words, sizeof(*p->word));
	users = 0;
	for (uint32_t u = 0; u < h->num_users; u++)
		if (h->start[u + 1] > h->start[u]) {
			p->word[h->start[u] / 32].begins |= 1u << h->start[u] % 32;
			p->user[users++] = u;
		}
	for (uint64_t w = 1; w < words; w++)
		p->word[w].users = p->word[w - 1].users + count_bits(p->word[w - 1].begins);
	history_release(h);
}

void positives_release(struct positives *p)
{
	free(p->item);
	free(p->user);
	free(p->word);
}

void positives_get(const struct positives *p, const uint64_t *number, size_t count, uint32_t *user,
	uint32_t *item)
{
	for (size_t k = 0; k < count; k++) {
		const struct positives_word *w = &p->word[number[k] / 32];
		const uint32_t up_to = (2u << number[k] % 32) - 1;

		user[k] = p->user[w->users + count_bits(w->begins & up_to) - 1];
		item[k] = p->item[number[k]];
	}
}
