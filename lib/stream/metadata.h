/*
 * metadata: "__metadata__" of a safetensors file, whose values are strings, as numbers, id maps and
 * JSON. What reads it dies with one line that names the file and the key.
 */
#ifndef METADATA_H
#define METADATA_H

#include "base/js.h"
#include "stream/id_family.h"

#include <stdint.h>

void metadata_put_uint(struct js *m, const char *key, uint64_t v);

/* A JSON value as text. */
void metadata_put_json(struct js *m, const char *key, const struct js *v);

/* Nothing where f is NULL or not known. */
void metadata_put_family(struct js *m, const char *key, const struct id_family *f);

/* The value of a key that must be there. */
const char *metadata_text(const char *file, const struct js *m, const char *key);
uint32_t metadata_uint(const char *file, const struct js *m, const char *key);

/* One of the names, a NULL-terminated list. */
unsigned metadata_choice(
	const char *file, const struct js *m, const char *key, const char *const *names);

/* The id map that `key` tells of; a file need not say. */
void metadata_family(const char *file, const struct js *m, const char *key, struct id_family *f);

/* The array of stages, a new value; NULL where the file does not say. */
struct js *metadata_provenance(const struct js *m);

/* Dies: nothing can have this value. */
_Noreturn void metadata_die(const char *file, const char *key, const char *value);

#endif
