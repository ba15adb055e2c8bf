#include "stream/user_ranges.h"

#include "base/mem.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

bool user_ranges_parse(struct user_ranges *r, const struct js *v, uint32_t num_users)
{
	const size_t num = js_length(v);

	*r = (struct user_ranges){ 0 };
	if (!v)
		return true;
	if (!js_is_array(v) || num == 0)
		return false;
	r->range = xmalloc(num, sizeof(*r->range));
	for (; r->num < num; r->num++) {
		const struct js *pair = js_at(v, r->num);
		uint64_t first, end;

		if (js_length(pair) != 2 || !js_uint(js_at(pair, 0), &first) ||
			!js_uint(js_at(pair, 1), &end) || end > num_users ||
			(num > 1 ? first >= end : first > end) ||
			(r->num && first <= r->range[r->num - 1].end)) {
			user_ranges_release(r);
			return false;
		}
		r->range[r->num] = (struct user_range){ (uint32_t)first, (uint32_t)end };
	}
	return true;
}

struct js *user_ranges_json(const struct user_ranges *r)
{
	struct js *v = js_array();

	for (size_t k = 0; k < r->num; k++) {
		struct js *pair = js_array();

		js_append(pair, js_int(r->range[k].first));
		js_append(pair, js_int(r->range[k].end));
		js_append(v, pair);
	}
	return v;
}

void user_ranges_copy(struct user_ranges *to, const struct user_ranges *from)
{
	*to = (struct user_ranges){ .num = from->num };
	if (from->num == 0)
		return;
	to->range = xmalloc(from->num, sizeof(*to->range));
	memcpy(to->range, from->range, from->num * sizeof(*to->range));
}

void user_ranges_release(struct user_ranges *r)
{
	free(r->range);
	*r = (struct user_ranges){ 0 };
}

/* Does one range of r hold first .. end - 1? */
static bool has_range(const struct user_ranges *r, uint32_t first, uint32_t end)
{
	size_t low = 0, high = r->num;

	while (low < high) { // the first range that ends behind `first`
		const size_t middle = low + (high - low) / 2;

		if (r->range[middle].end <= first)
			low = middle + 1;
		else
			high = middle;
	}
	return low < r->num && r->range[low].first <= first && end <= r->range[low].end;
}

bool user_ranges_has(const struct user_ranges *r, uint32_t user)
{
	return r->num == 0 || has_range(r, user, user + 1);
}

bool user_ranges_are_all(const struct user_ranges *r, uint32_t num_users)
{
	return r->num == 0 || has_range(r, 0, num_users);
}

bool user_ranges_cover(
	const struct user_ranges *r, const struct user_ranges *other, uint32_t num_users)
{
	if (r->num == 0)
		return true;
	if (other->num == 0)
		return user_ranges_are_all(r, num_users);
	for (size_t k = 0; k < other->num; k++) {
		const struct user_range *o = &other->range[k];

		if (o->first < o->end && !has_range(r, o->first, o->end))
			return false;
	}
	return true;
}

void user_ranges_keep(struct user_ranges *r, uint32_t first, uint32_t end, uint32_t num_users)
{
	size_t kept = 0;

	if (r->num == 0) {
		r->range = xmalloc(1, sizeof(*r->range));
		r->range[0] = (struct user_range){ 0, num_users };
		r->num = 1;
	}
	for (size_t k = 0; k < r->num; k++) {
		struct user_range part = r->range[k];

		part.first = part.first > first ? part.first : first;
		part.end = part.end < end ? part.end : end;
		if (part.first < part.end)
			r->range[kept++] = part;
	}
	if (kept == 0)
		r->range[kept++] = (struct user_range){ first, first };
	r->num = kept;
}

static int compare_first(const void *a, const void *b)
{
	const struct user_range *x = a, *y = b;

	return (x->first > y->first) - (x->first < y->first);
}

void user_ranges_add(struct user_ranges *r, const struct user_ranges *other, uint32_t num_users)
{
	struct user_range *all;
	size_t num = 0, kept = 0;

	if (r->num == 0 || other->num == 0) {
		user_ranges_release(r);
		return;
	}
	all = xmalloc(r->num + other->num, sizeof(*all));
	for (size_t k = 0; k < r->num + other->num; k++) {
		all[num] = k < r->num ? r->range[k] : other->range[k - r->num];
		num += all[num].first < all[num].end;
	}
	qsort(all, num, sizeof(*all), compare_first);
	for (size_t k = 1; k < num; k++)
		if (all[k].first > all[kept].end)
			all[++kept] = all[k];
		else if (all[k].end > all[kept].end)
			all[kept].end = all[k].end;
	if (num == 0)
		all[0] = r->range[0];
	free(r->range);
	*r = (struct user_ranges){ kept + 1, all };
	if (user_ranges_are_all(r, num_users))
		user_ranges_release(r);
}

void user_ranges_extend(struct user_ranges *r, uint32_t from, uint32_t to)
{
	struct user_range *last = r->num ? &r->range[r->num - 1] : NULL;

	if (last && last->first < from && last->end == from)
		last->end = to;
}

char *user_ranges_text(const struct user_ranges *r, uint32_t num_users)
{
	enum { SHOWN = 4 };
	char *text = xstrdup("users"), *longer;

	if (r->num == 1 && r->range[0].first == r->range[0].end) {
		free(text);
		return xasprintf("none of %" PRIu32 " users", num_users);
	}
	for (size_t k = 0; k < r->num && k < SHOWN; k++) {
		longer = xasprintf("%s%s %" PRIu32 " to %" PRIu32, text, k ? "," : "",
			r->range[k].first, r->range[k].end - 1);
		free(text);
		text = longer;
	}
	longer =
		xasprintf("%s%s of %" PRIu32, text, r->num > SHOWN ? " and others" : "", num_users);
	free(text);
	return longer;
}
