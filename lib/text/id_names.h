/*
 * id_names: what to print in place of a dense id: its raw id, or its name, from an id file
 * (text/id_file.h).
 */
#ifndef ID_NAMES_H
#define ID_NAMES_H

#include "stream/id_family.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct id_names;

/* How a name is written: as it is, in quotes where RFC 4180 asks for them, or as a JSON string. */
enum id_names_style { ID_NAMES_PLAIN, ID_NAMES_CSV, ID_NAMES_JSON };

/* What to load. */
struct id_names_source {
	const char *path;
	const char *noun; /* "item" */
	bool names;	  /* the third column, where a line has one; else the second */

	/* of the stream whose ids are printed */
	uint32_t bound;
	const struct id_family *family;
};

/*
 * Read the whole file. Where the family of the stream is known, the file must be a map of it, but
 * under --ids-unchecked; where it is not, any ids below the bound may have a line. Dies on a
 * malformed line, an id that is out of bounds or stands twice and, for JSON, a name that is not
 * UTF-8. Memory: 8 bytes per id, and the text.
 */
struct id_names *id_names_load(const struct id_names_source *source, enum id_names_style style);

/* The name of `id` (*length bytes, no NUL); dies naming the id where it has none. */
const char *id_names_get(const struct id_names *names, uint32_t id, size_t *length);
void id_names_free(struct id_names *names);

#endif
