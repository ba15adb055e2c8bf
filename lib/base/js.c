#include "base/js.h"

#include "base/die.h"
#include "base/mem.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { DIGITS = 15 };

static void *allocate(size_t size)
{
	return xmalloc(size, 1);
}

/* Before main: jansson does not look at all failures of its own allocations, and would leave keys
   out of a text, or say of one that is right that it is wrong. So no allocation of it may fail. */
__attribute__((constructor)) static void set_allocator(void)
{
	json_set_alloc_funcs(allocate, free);
}

static json_t *in(const struct js *v)
{
	return (json_t *)(uintptr_t)v;
}

static struct js *out(json_t *v)
{
	if (!v)
		BUG("no JSON value");
	return (struct js *)v;
}

struct js *js_object(void)
{
	return out(json_object());
}

struct js *js_array(void)
{
	return out(json_array());
}

struct js *js_string(const char *s)
{
	json_t *v = json_string(s);

	if (!v)
		die("'%s' is not UTF-8", s);
	return out(v);
}

struct js *js_int(int64_t v)
{
	return out(json_integer(v));
}

struct js *js_real(double v)
{
	return out(isfinite(v) ? json_real(v) : json_null());
}

struct js *js_bool(bool v)
{
	return out(json_boolean(v));
}

struct js *js_null(void)
{
	return out(json_null());
}

void js_put(struct js *object, const char *key, struct js *value)
{
	if (json_object_set_new(in(object), key, in(value)))
		BUG("cannot set '%s'", key);
}

void js_append(struct js *array, struct js *value)
{
	if (json_array_append_new(in(array), in(value)))
		BUG("cannot append");
}

struct js *js_parse(const char *text, size_t length, char *why, size_t size)
{
	json_error_t error;
	json_t *v = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);

	if (!v && why)
		snprintf(why, size, "%s at byte %d", error.text, error.position);
	return (struct js *)v;
}

struct js *js_copy(const struct js *v)
{
	return out(json_deep_copy(in(v)));
}

void js_free(struct js *v)
{
	json_decref(in(v)); /* of NULL: nothing */
}

bool js_is_object(const struct js *v)
{
	return json_is_object(in(v));
}

bool js_is_array(const struct js *v)
{
	return json_is_array(in(v));
}

bool js_is_null(const struct js *v)
{
	return json_is_null(in(v));
}

bool js_is_bool(const struct js *v)
{
	return json_is_boolean(in(v));
}

bool js_get_true(const struct js *object, const char *key)
{
	return json_is_true(in(js_get(object, key)));
}

const struct js *js_get(const struct js *object, const char *key)
{
	return (const struct js *)json_object_get(in(object), key);
}

const char *js_get_string(const struct js *object, const char *key)
{
	return json_string_value(json_object_get(in(object), key));
}

bool js_get_uint(const struct js *object, const char *key, uint64_t *v)
{
	return js_uint(js_get(object, key), v);
}

size_t js_length(const struct js *array)
{
	return json_array_size(in(array));
}

const struct js *js_at(const struct js *array, size_t k)
{
	return (const struct js *)json_array_get(in(array), k);
}

const char *js_text(const struct js *string)
{
	return json_string_value(in(string));
}

bool js_uint(const struct js *value, uint64_t *v)
{
	if (!json_is_integer(in(value)) || json_integer_value(in(value)) < 0)
		return false;
	*v = (uint64_t)json_integer_value(in(value));
	return true;
}

bool js_int64(const struct js *value, int64_t *v)
{
	*v = json_integer_value(in(value));
	return json_is_integer(in(value));
}

bool js_number(const struct js *value, double *v)
{
	*v = json_number_value(in(value));
	return json_is_number(in(value));
}

void *js_first(const struct js *object)
{
	return json_object_iter(in(object));
}

void *js_next(const struct js *object, void *it)
{
	return json_object_iter_next(in(object), it);
}

const char *js_key(void *it)
{
	return json_object_iter_key(it);
}

const struct js *js_value(void *it)
{
	return (const struct js *)json_object_iter_value(it);
}

char *js_dump(const struct js *v, bool indent)
{
	size_t flags =
		JSON_ENCODE_ANY | JSON_REAL_PRECISION(DIGITS) | (indent ? JSON_INDENT(2) : 0);
	char *s = json_dumps(in(v), flags);

	if (!s)
		BUG("cannot write JSON");
	return s;
}
