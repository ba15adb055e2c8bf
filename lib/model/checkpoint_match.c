#include "model/checkpoint_match.h"

#include "base/die.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

/* The text of a value that may be missing (NULL). */
static char *text_of(const struct js *v)
{
	return v ? js_dump(v, false) : xstrdup("");
}

static bool same(const struct js *a, const struct js *b)
{
	char *x = text_of(a), *y = text_of(b);
	const bool equal = !strcmp(x, y);

	free(x);
	free(y);
	return equal;
}

/* The first key whose values differ, NULL: none does. */
static const char *differing_key(const struct js *a, const struct js *b)
{
	for (void *it = js_first(a); it; it = js_next(a, it))
		if (!same(js_value(it), js_get(b, js_key(it))))
			return js_key(it);
	for (void *it = js_first(b); it; it = js_next(b, it))
		if (!js_get(a, js_key(it)))
			return js_key(it);
	return NULL;
}

/* "--seed 1", "--drop-last", "no --drop-last" */
static char *option_text(const struct js *options, const char *key)
{
	const struct js *v = js_get(options, key);
	char *value, *text;

	if (!v)
		return xasprintf("no --%s", key);
	value = js_text(v) ? xstrdup(js_text(v)) : js_dump(v, false);
	text = strcmp(value, "true") ? xasprintf("--%s %s", key, value) : xasprintf("--%s", key);
	free(value);
	return text;
}

void checkpoint_match_options(const char *file, const struct js *saved, const struct js *ours)
{
	const char *key = differing_key(saved, ours);

	if (key)
		die("'%s' was trained with %s, this run has %s", file, option_text(saved, key),
			option_text(ours, key));
}

/* Of an entry of provenance, NULL: there is none. */
static const char *program_of(const struct js *entry)
{
	const char *name = js_get_string(entry, "program");

	return !entry ? "missing" : name ? name : "nameless";
}

/* The streams were made in different ways: say which stage did what else. */
static _Noreturn void die_provenance(
	const char *file, const struct js *saved, const char *input, const struct js *ours)
{
	const char *key, *option = NULL;
	size_t k = 0;

	while (js_at(saved, k) && same(js_at(saved, k), js_at(ours, k)))
		k++;
	const struct js *a = js_at(saved, k), *b = js_at(ours, k);
	const char *name = program_of(a);
	if (strcmp(name, program_of(b)) != 0)
		die("'%s' is of another stream than '%s': stage %zu of its provenance is %s, not %s",
			file, input, k + 1, name, program_of(b));
	key = differing_key(a, b);
	if (!strcmp(key, "options"))
		option = differing_key(js_get(a, key), js_get(b, key));
	if (option)
		die("'%s' is of another stream than '%s': its %s had %s, not %s", file, input, name,
			option_text(js_get(a, key), option), option_text(js_get(b, key), option));
	die("'%s' is of another stream than '%s': \"%s\" of its %s is %s, not %s", file, input, key,
		name, text_of(js_get(a, key)), text_of(js_get(b, key)));
}

void checkpoint_match_streams(
	const char *file, const struct js *saved, const char *input, const struct js *ours)
{
	const char *key = differing_key(saved, ours);

	if (!key)
		return;
	const struct js *a = js_get(saved, key), *b = js_get(ours, key);
	if (!strcmp(key, "user_ids") || !strcmp(key, "item_ids"))
		die("'%s' and '%s' number their %ss differently: made from different id maps", file,
			input, key[0] == 'u' ? "user" : "item");
	if (!strcmp(key, "provenance"))
		die_provenance(file, a, input, b);
	if (!b)
		die("'%s' is of another stream than '%s', which has no \"%s\": its own is %s", file,
			input, key, text_of(a));
	if (!a)
		die("'%s' is of another stream than '%s': it has no \"%s\", there it is %s", file,
			input, key, text_of(b));
	die("'%s' is of another stream than '%s': its \"%s\" is %s, not %s", file, input, key,
		text_of(a), text_of(b));
}
