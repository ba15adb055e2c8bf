/* record_shards: which shards, joined, are the whole again, to the byte. */
#include "stream/record.h"
#include "stream/record_format.h"

#include <stdlib.h>
#include <string.h>

/* Did a program of this name make the entry? */
static bool is_by(const struct js *entry, const char *program)
{
	const char *name = js_get_string(entry, "program");

	return name && strcmp(name, program) == 0;
}

/* Is it cof-cat of one stream, with nothing that changes rows but --shard? Then its rows are those
   of its users, in their order. */
static bool keeps_users(const struct js *entry)
{
	const struct js *options = js_get(entry, "options");
	const char *from = js_get_string(options, "from");
	uint64_t head;

	return is_by(entry, "cof-cat") && from && strcmp(from, "cof") == 0 &&
	       js_get_uint(options, "head", &head) && head == 0 && !js_get(entry, "side") &&
	       !js_get(entry, "as_whole");
}

static bool divides(const struct js *entry)
{
	return keeps_users(entry) && js_get_string(js_get(entry, "options"), "shard");
}

static struct js *without_shards(const struct js *provenance);

/* Side inputs of which a stage takes the rows of its users only: it does not matter whether they
   are shards too. */
static struct js *without_shards_aside(const struct js *entry)
{
	static const char *const of_users[] = { "seen", "user-items", "exclude" };
	struct js *copy = js_copy(entry);
	struct js *side = (struct js *)js_get(copy, "side"); // the copy is ours

	for (size_t k = 0; side && k < sizeof(of_users) / sizeof(*of_users); k++) {
		const struct js *files = js_get(side, of_users[k]);
		struct js *list = js_array();

		for (size_t f = 0; f < js_length(files); f++)
			js_append(list, without_shards(js_at(files, f)));
		if (files)
			js_put(side, of_users[k], list);
		else
			js_free(list);
	}
	return copy;
}

/* The first entry from which on shards come off: behind the last cof-cat that did more than keep
   users. First rows of a shard, or a shard taken for a whole, are not what all rows would give. */
static size_t divided_from(const struct js *provenance)
{
	size_t k = js_length(provenance);

	while (k > 0 && (!is_by(js_at(provenance, k - 1), "cof-cat") ||
				keeps_users(js_at(provenance, k - 1))))
		k--;
	return k;
}

static struct js *without_shards(const struct js *provenance)
{
	const size_t from = divided_from(provenance);
	struct js *kept = js_array();

	if (!js_is_array(provenance)) { // of a text
		js_free(kept);
		return js_copy(provenance);
	}
	for (size_t k = 0; k < js_length(provenance); k++)
		if (k < from || !divides(js_at(provenance, k)))
			js_append(kept, without_shards_aside(js_at(provenance, k)));
	return kept;
}

/* Did a stage write its users ascending, and none behind it change the order? */
static bool ascends(const struct js *provenance)
{
	bool ascending = false;
	uint64_t candidates;

	for (size_t k = 0; k < js_length(provenance); k++) {
		const struct js *entry = js_at(provenance, k), *options = js_get(entry, "options");

		if (is_by(entry, "cof-cat"))
			ascending = false;
		else if (js_get_uint(options, "candidates", &candidates) ||
			 js_get_true(options, "all-items"))
			ascending = true;
	}
	return ascending;
}

/* Do the streams have all users, each of them a range that begins where the one before it ends? */
static bool are_in_order(const struct rec_header *const *from, size_t num)
{
	uint32_t end = 0;

	for (size_t k = 0; k < num; k++) {
		const struct user_ranges *users = &from[k]->user_ranges;

		if (users->num != 1 || users->range[0].first != end || from[k]->epochs)
			return false;
		end = users->range[0].end;
	}
	return end == from[0]->num_users;
}

struct js *rec_shards_provenance(const struct rec_header *const *from, size_t num)
{
	struct js *whole;
	char *text;
	bool same;

	if (!are_in_order(from, num))
		return NULL;
	whole = without_shards(from[0]->provenance);
	text = js_dump(whole, false);
	same = ascends(whole);
	for (size_t k = 1; same && k < num; k++) {
		struct js *other = without_shards(from[k]->provenance);
		char *other_text = js_dump(other, false);

		same = strcmp(text, other_text) == 0;
		free(other_text);
		js_free(other);
	}
	free(text);
	if (same)
		return whole;
	js_free(whole);
	return NULL;
}
