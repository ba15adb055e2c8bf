/* import_ids: what the users and items of a text are: dense ids, or the texts of id files. */
#ifndef IMPORT_IDS_H
#define IMPORT_IDS_H

#include "text/id_lookup.h"
#include "text/text_lines.h"

#include <stdbool.h>
#include <stdint.h>

struct import_ids {
	uint32_t num_users, num_items;	 /* ids are below */
	struct id_lookup *users, *items; /* whose texts they are; NULL: dense ids */
};

/* The user, or the item, that `text` of the current line stands for; dies, calling it `field`, where
   it is none. */
uint32_t import_ids_parse(const struct import_ids *ids, bool item, const struct text_lines *line,
	const char *field, const char *text);

#endif
