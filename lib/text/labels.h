/*
 * labels: what to print in place of a dense id: the second column of a file of `dense TAB label`
 * lines, as ml-split writes them (further columns are ignored).
 */
#ifndef LABELS_H
#define LABELS_H

#include <stddef.h>
#include <stdint.h>

struct labels;

/* How a label is to be written: as it is, quoted as RFC 4180
   says where it must be, or as a JSON string. */
enum labels_style { LABELS_PLAIN, LABELS_CSV, LABELS_JSON };

/*
 * Read the labels of `noun` ("item") 0..num-1, in whole; an id may lack one. Dies on a line that is
 * not one, an id out of bounds or named twice and, in JSON, on text that is not UTF-8. Memory: 8
 * bytes an id and the text.
 */
struct labels *labels_load(
	const char *path, const char *noun, uint32_t num, enum labels_style style);

/* The label of `id` (*length bytes, no NUL); dies naming the id where it has none. */
const char *labels_get(const struct labels *l, uint32_t id, size_t *length);
void labels_free(struct labels *l);

#endif
