/*
 * js: JSON, a thin layer over jansson, so that only this module knows the library.
 *
 * Values are trees: js_put and js_append hand a value over to its parent, which frees it. Getters
 * return borrowed values.
 */
#ifndef JS_H
#define JS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct js;

struct js *js_object(void);
struct js *js_array(void);
struct js *js_string(const char *s); /* dies unless UTF-8 */
struct js *js_int(int64_t v);
struct js *js_real(double v); /* null unless finite */
struct js *js_bool(bool v);
struct js *js_null(void);

/* Keys keep the order in which they were put. */
void js_put(struct js *object, const char *key, struct js *value);
void js_append(struct js *array, struct js *value);

/* NULL, and the reason in `why` (size bytes), unless text is exactly one JSON value without
   duplicate keys. */
struct js *js_parse(const char *text, size_t length, char *why, size_t size);
struct js *js_copy(const struct js *v);
void js_free(struct js *v);

bool js_is_object(const struct js *v);
bool js_is_array(const struct js *v);
bool js_is_null(const struct js *v);
bool js_is_bool(const struct js *v);
const struct js *js_get(const struct js *object, const char *key); /* NULL: none */
const char *js_get_string(
	const struct js *object, const char *key); /* NULL: none, or not a string */
/* False: none, or not an integer >= 0. */
bool js_get_uint(const struct js *object, const char *key, uint64_t *v);
bool js_get_true(const struct js *object, const char *key); /* is it there, and true? */
size_t js_length(const struct js *array);
const struct js *js_at(const struct js *array, size_t k);
const char *js_text(const struct js *string);	   /* NULL: not a string */
bool js_uint(const struct js *value, uint64_t *v); /* false: not an integer >= 0 */
bool js_int64(const struct js *value, int64_t *v); /* false: not an integer */
bool js_number(const struct js *value, double *v); /* false: not a number */

/* Walk an object's keys in order: for (it = js_first(o); it; it = js_next(o, it)). */
void *js_first(const struct js *object);
void *js_next(const struct js *object, void *it);
const char *js_key(void *it);
const struct js *js_value(void *it);

/* The text of v in a new string, on one line or indented. Reals have 15 digits: what was typed
   comes back. */
char *js_dump(const struct js *v, bool indent);

#endif
