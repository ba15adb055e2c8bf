#include "stream/replay_chain.h"

#include <string.h>

/* An entry of ml-split as that of another part of its run; NULL: train, which does not say so. */
static struct js *replay_of_part(const struct js *entry, const char *part)
{
	struct js *other = js_object();

	for (void *it = js_first(entry); it; it = js_next(entry, it))
		if (strcmp(js_key(it), "part") != 0)
			js_put(other, js_key(it), js_copy(js_value(it)));
	if (part)
		js_put(other, "part", js_string(part));
	return other;
}

struct js *replay_first_entries(const struct js *chain, size_t n)
{
	struct js *prefix = js_array();

	for (size_t k = 0; k < n; k++)
		js_append(prefix, js_copy(js_at(chain, k)));
	return prefix;
}

char *replay_key_of(const struct js *chain, size_t n)
{
	struct js *prefix = replay_first_entries(chain, n);
	char *text = js_dump(prefix, false);

	js_free(prefix);
	return text;
}

char *replay_key_of_part(const struct js *chain, size_t n, const char *part)
{
	struct js *prefix = replay_first_entries(chain, n - 1);
	char *text;

	js_append(prefix, replay_of_part(js_at(chain, n - 1), part));
	text = js_dump(prefix, false);
	js_free(prefix);
	return text;
}

bool replay_is_run(const struct js *entry)
{
	const char *program = js_get_string(entry, "program");

	return program && strcmp(program, "ml-split") == 0;
}

bool replay_is_saved(const struct js *entry)
{
	return js_get(entry, "saves") != NULL;
}

bool replay_is_start(const struct js *entry)
{
	return js_get(js_get(entry, "side"), "FILE") || replay_is_saved(entry);
}
