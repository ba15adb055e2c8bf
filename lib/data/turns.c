#include "data/turns.h"

#include "base/mem.h"
#include "stream/record.h"

#include <stdlib.h>

void turns_init(struct turns *t, uint32_t num_users)
{
	t->user = UINT32_MAX;
	t->done = xcalloc((size_t)num_users / 8 + 1, 1);
}

void turns_release(struct turns *t)
{
	free(t->done);
	t->done = NULL;
}

void turns_next(struct turns *t, const struct rec_reader *r, uint64_t back, uint32_t user)
{
	unsigned char bit = (unsigned char)(1u << user % 8);

	if (t->done[user / 8] & bit)
		rec_die(r, back, "user %u returns after another user", user);
	t->done[user / 8] |= bit;
	t->user = user;
}
