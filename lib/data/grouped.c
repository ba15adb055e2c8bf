#include "data/grouped.h"

#include "base/bitset.h"
#include "stream/record.h"

#include <stdlib.h>

void grouped_init(struct grouped *t, uint32_t num_users)
{
	t->user = UINT32_MAX;
	t->done = bitset_new(num_users);
}

void grouped_release(struct grouped *t)
{
	free(t->done);
	t->done = NULL;
}

void grouped_next(struct grouped *t, const struct rec_reader *r, uint64_t back, uint32_t user)
{
	if (!bitset_insert(t->done, user))
		rec_die(r, back, "user %u returns after another user", user);
	t->user = user;
}
