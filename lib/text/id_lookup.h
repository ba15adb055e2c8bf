/*
 * id_lookup: the dense id that a text stands for: a raw id, or a name, of an id file that is a whole
 * map (text/id_map.h). Memory: that of the map, and as much again for names.
 */
#ifndef ID_LOOKUP_H
#define ID_LOOKUP_H

#include "stream/id_family.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct id_lookup;

/* With `names` a text is the name of an id, or the raw id of one that has no name. */
struct id_lookup *id_lookup_load(const char *path, bool names);
void id_lookup_free(struct id_lookup *l);

/* The ids of the map, and its fingerprint: one pair. */
uint32_t id_lookup_num(const struct id_lookup *l);
const struct id_family *id_lookup_family(const struct id_lookup *l);

/* Is the map of the family of a stream? */
bool id_lookup_related(const struct id_lookup *l, const struct id_family *f);

/* False where no id, or more than one, has this text, with the reason: "is not in 'users.tsv'". */
bool id_lookup_find(
	const struct id_lookup *l, const char *text, uint32_t *id, char *why, size_t size);

#endif
