#include "text/id_lookup.h"

#include "base/mem.h"
#include "text/id_map.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEVERAL UINT32_MAX

struct id_lookup {
	const char *path;
	struct id_map map;
	struct raw_ids *names; /* NULL: raw ids are looked up */
	uint32_t *id;	       /* of each name, SEVERAL where more than one has it */
};

static struct raw_id id_of(const char *text)
{
	return raw_id_of(text, strlen(text));
}

static void index_names(struct id_lookup *l)
{
	l->names = raw_ids_new(RAW_IDS_MAX);
	l->id = xmalloc(l->map.num_known, sizeof(*l->id));
	for (uint32_t id = 0; id < l->map.num_known; id++) {
		const char *name = id_map_name(&l->map, id);
		const struct raw_id text = id_of(name ? name : raw_ids_get(l->map.ids, id));
		const uint32_t before = raw_ids_size(l->names), k = raw_ids_add(l->names, &text);

		l->id[k] = k < before ? SEVERAL : id;
	}
}

struct id_lookup *id_lookup_load(const char *path, bool names)
{
	struct id_lookup *l = xcalloc(1, sizeof(*l));

	l->path = path;
	id_map_init(&l->map);
	id_map_know(&l->map, path);
	if (names)
		index_names(l);
	return l;
}

void id_lookup_free(struct id_lookup *l)
{
	if (!l)
		return;
	id_map_release(&l->map);
	raw_ids_free(l->names);
	free(l->id);
	free(l);
}

uint32_t id_lookup_num(const struct id_lookup *l)
{
	return l->map.num_known;
}

const struct id_family *id_lookup_family(const struct id_lookup *l)
{
	return &l->map.known;
}

bool id_lookup_related(const struct id_lookup *l, const struct id_family *f)
{
	return id_map_related(&l->map, f);
}

bool id_lookup_find(
	const struct id_lookup *l, const char *text, uint32_t *id, char *why, size_t size)
{
	const struct raw_id raw = id_of(text);
	const uint32_t found = raw_ids_find(l->names ? l->names : l->map.ids, &raw);

	if (found == UINT32_MAX) {
		snprintf(why, size, "is not in '%s'", l->path);
		return false;
	}
	*id = l->names ? l->id[found] : found;
	if (*id == SEVERAL) {
		snprintf(why, size, "is the name of several ids in '%s'", l->path);
		return false;
	}
	return true;
}
