/*
 * id_names: what to print in place of a dense id: the second column of a file of `dense TAB name`
 * lines, such as the id files that ml-split writes. Further columns are ignored.
 */
#ifndef ID_NAMES_H
#define ID_NAMES_H

#include <stddef.h>
#include <stdint.h>

struct id_names;

/* How a name is written: as it is, in quotes where RFC 4180 asks for them, or as a JSON string. */
enum id_names_style { ID_NAMES_PLAIN, ID_NAMES_CSV, ID_NAMES_JSON };

/*
 * Read the whole file: names of `noun` ("item") 0..num-1; an id may lack one. Dies on a malformed
 * line, an id that is out of bounds or named twice and, for JSON, a name that is not UTF-8.
 * Memory: 8 bytes per id, and the text.
 */
struct id_names *id_names_load(
	const char *path, const char *noun, uint32_t num, enum id_names_style style);

/* The name of `id` (*length bytes, no NUL); dies naming the id where it has none. */
const char *id_names_get(const struct id_names *l, uint32_t id, size_t *length);
void id_names_free(struct id_names *l);

#endif
