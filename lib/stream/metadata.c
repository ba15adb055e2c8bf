#include "stream/metadata.h"

#include "base/die.h"
#include "base/number.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void metadata_put_uint(struct js *m, const char *key, uint64_t v)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, v);
	js_put(m, key, js_string(text));
}

void metadata_put_json(struct js *m, const char *key, const struct js *v)
{
	char *text = js_dump(v, false);

	js_put(m, key, js_string(text));
	free(text);
}

void metadata_put_family(struct js *m, const char *key, const struct id_family *f)
{
	if (!f || f->num == 0)
		return;
	struct js *v = id_family_json(f);
	metadata_put_json(m, key, v);
	js_free(v);
}

const char *metadata_text(const char *file, const struct js *m, const char *key)
{
	const char *value = js_get_string(m, key);

	if (!value)
		die("metadata of '%s' has no \"%s\"", file, key);
	return value;
}

_Noreturn void metadata_die(const char *file, const char *key, const char *value)
{
	die("metadata of '%s': \"%s\" is '%s'", file, key, value);
}

unsigned metadata_choice(
	const char *file, const struct js *m, const char *key, const char *const *names)
{
	const char *value = metadata_text(file, m, key);

	for (unsigned k = 0; names[k]; k++)
		if (strcmp(value, names[k]) == 0)
			return k;
	metadata_die(file, key, value);
}

uint32_t metadata_uint(const char *file, const struct js *m, const char *key)
{
	const char *value = metadata_text(file, m, key);
	uint64_t v;

	if (!number_parse_uint(value, 0, UINT32_MAX, &v))
		metadata_die(file, key, value);
	return (uint32_t)v;
}

void metadata_family(const char *file, const struct js *m, const char *key, struct id_family *f)
{
	const char *text = js_get_string(m, key);
	struct js *v = NULL;
	char why[160];

	if (text && !(v = js_parse(text, strlen(text), why, sizeof(why))))
		die("metadata of '%s': \"%s\": %s", file, key, why);
	if (!id_family_parse(f, v))
		metadata_die(file, key, text);
	js_free(v);
}

struct js *metadata_provenance(const struct js *m)
{
	const char *text = js_get_string(m, "provenance");
	struct js *v = text ? js_parse(text, strlen(text), NULL, 0) : NULL;

	if (v && !js_is_array(v)) {
		js_free(v);
		v = NULL;
	}
	return v;
}
