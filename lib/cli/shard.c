#include "cli/shard.h"

#include "base/die.h"
#include "base/mem.h"
#include "base/number.h"

#include <stdlib.h>
#include <string.h>

void shard_parse(struct shard *s, const char *text)
{
	const char *slash = text ? strchr(text, '/') : NULL;
	char *part;

	*s = (struct shard){ 0 };
	if (!text)
		return;
	part = xstrdup(text);
	part[slash ? slash - text : 0] = '\0';
	if (!slash || !number_parse_uint(slash + 1, 1, UINT32_MAX, &s->of) ||
		!number_parse_uint(part, 1, s->of, &s->part))
		die_usage(
			"option --shard: '%s' is not I/N, whole numbers with I from 1 to N", text);
	free(part);
}

void shard_set_users(struct shard *s, uint32_t num_users)
{
	if (s->of == 0)
		return;
	s->first = (uint32_t)((s->part - 1) * num_users / s->of);
	s->end = (uint32_t)(s->part * num_users / s->of);
}

void shard_set_ranges(const struct shard *s, struct user_ranges *users, uint32_t num_users)
{
	if (s->of)
		user_ranges_keep(users, s->first, s->end, num_users);
}

size_t shard_select(const struct shard *s, void *rows, size_t n, size_t row_size)
{
	char *row = rows;
	size_t kept = 0;

	if (s->of == 0)
		return n;
	for (size_t k = 0; k < n; k++) {
		uint32_t user;

		memcpy(&user, row + k * row_size, sizeof(user));
		if (user < s->first || user >= s->end)
			continue;
		memmove(row + kept++ * row_size, row + k * row_size, row_size);
	}
	return kept;
}
