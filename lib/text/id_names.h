/*
 * labels: what to print in place of a dense id: the second column of a file of `dense TAB label`
 * lines, as ml-split writes them (further columns are ignored).
 */
#ifndef ID_NAMES_H
#define ID_NAMES_H

#include <stddef.h>
#include <stdint.h>

struct id_names;

/* How a label is to be written: as it is, quoted as RFC 4180
   says where it must be, or as a JSON string. */
enum id_names_style { ID_NAMES_PLAIN, ID_NAMES_CSV, ID_NAMES_JSON };

/*
 * Read the labels of `noun` ("item") 0..num-1, in whole; an id may lack one. Dies on a line that is
 * not one, an id out of bounds or named twice and, in JSON, on text that is not UTF-8. Memory: 8
 * bytes an id and the text.
 */
struct id_names *id_names_load(
	const char *path, const char *noun, uint32_t num, enum id_names_style style);

/* The label of `id` (*length bytes, no NUL); dies naming the id where it has none. */
const char *id_names_get(const struct id_names *l, uint32_t id, size_t *length);
void id_names_free(struct id_names *l);

#endif
