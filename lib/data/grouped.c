#include "data/grouped.h"

#include "base/mem.h"
#include "stream/record.h"

#include <stdlib.h>

void grouped_init(struct grouped *t, uint32_t num_users)
{
	t->user = UINT32_MAX;
	t->done = xcalloc((size_t)num_users / 8 + 1, 1);
}

void grouped_release(struct grouped *t)
{
	free(t->done);
	t->done = NULL;
}

void grouped_next(struct grouped *t, const struct rec_reader *r, uint64_t back, uint32_t user)
{
	unsigned char bit = (unsigned char)(1u << user % 8);

	if (t->done[user / 8] & bit)
		rec_die(r, back, "user %u returns after another user", user);
	t->done[user / 8] |= bit;
	t->user = user;
}
