/*
 * user_ranges: the users whose rows a stream has, where it is a shard: a part of the rows of another
 * stream, all those of some users. Kept ascending, apart and without gaps that hold nobody.
 */
#ifndef USER_RANGES_H
#define USER_RANGES_H

#include "base/js.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct user_range {
	uint32_t first, end; /* users first .. end - 1; first == end: nobody */
};

struct user_ranges {
	size_t num; /* 0: no shard, any user may have rows */
	struct user_range *range;
};

/* From [[first, end], ...], as user_ranges_json writes it; NULL gives num 0. False where v is
   anything else, or a user is not below num_users; then r has num 0. */
bool user_ranges_parse(struct user_ranges *r, const struct js *v, uint32_t num_users);
struct js *user_ranges_json(const struct user_ranges *r);

/* `to` is overwritten, not released. */
void user_ranges_copy(struct user_ranges *to, const struct user_ranges *from);
void user_ranges_release(struct user_ranges *r); /* and then num is 0 */

bool user_ranges_has(const struct user_ranges *r, uint32_t user);

/* Do they hold all of num_users? */
bool user_ranges_are_all(const struct user_ranges *r, uint32_t num_users);

/* Does r hold all users that `other` holds? */
bool user_ranges_cover(
	const struct user_ranges *r, const struct user_ranges *other, uint32_t num_users);

/* Keep the users first .. end - 1 of r, which is a shard afterwards. */
void user_ranges_keep(struct user_ranges *r, uint32_t first, uint32_t end, uint32_t num_users);

/* Add the users of `other`: no shard where they are all of num_users now. */
void user_ranges_add(struct user_ranges *r, const struct user_ranges *other, uint32_t num_users);

/* There are `to` users, who were `from`: the last one's range is that of all who are new. */
void user_ranges_extend(struct user_ranges *r, uint32_t from, uint32_t to);

/* "users 0 to 313, 628 to 942 of 943", or "none of 943 users", in a new string. */
char *user_ranges_text(const struct user_ranges *r, uint32_t num_users);

#endif
