#include "linear/packed_items.h"

#include "base/mem.h"
#include "data/user_items.h"

#include <stdlib.h>

/* How many bytes a number takes. */
static unsigned length(uint32_t v)
{
	unsigned n = 1;

	while (v >>= 7)
		n++;
	return n;
}

static unsigned char *put(unsigned char *to, uint32_t v)
{
	for (; v > 127; v >>= 7)
		*to++ = (unsigned char)(v | 128);
	*to++ = (unsigned char)v;
	return to;
}

void packed_items_init(struct packed_items *p, const struct user_items *users)
{
	const uint32_t *item;
	unsigned char *to;
	uint32_t n;

	*p = (struct packed_items){ .num_users = users->num_users };
	p->start = xmalloc((size_t)p->num_users + 1, sizeof(*p->start));
	p->start[0] = 0;
	for (uint32_t u = 0; u < p->num_users; u++) {
		uint64_t size = 0;

		item = user_items_get(users, u, &n);
		for (uint32_t a = 0, next = 0; a < n; next = item[a++] + 1)
			size += length(item[a] - next);
		p->start[u + 1] = p->start[u] + size;
		p->longest = n > p->longest ? n : p->longest;
	}
	p->bytes = to = xmalloc(p->start[p->num_users], 1);
	for (uint32_t u = 0; u < p->num_users; u++) {
		item = user_items_get(users, u, &n);
		for (uint32_t a = 0, next = 0; a < n; next = item[a++] + 1)
			to = put(to, item[a] - next);
	}
}

void packed_items_release(struct packed_items *p)
{
	free(p->start);
	free(p->bytes);
	*p = (struct packed_items){ 0 };
}

uint32_t packed_items_get(const struct packed_items *p, uint32_t user, uint32_t *to)
{
	const unsigned char *from = p->bytes + p->start[user], *end = p->bytes + p->start[user + 1];
	uint32_t n = 0, next = 0;

	while (from < end) {
		uint32_t v = *from & 127;

		for (unsigned shift = 7; *from++ > 127; shift += 7)
			v |= (uint32_t)(*from & 127) << shift;
		to[n] = next + v;
		next = to[n++] + 1;
	}
	return n;
}
