/* Id files: what stands for a dense id, in each style, the dense id of a text, and maps that are
   known. The first byte chooses. */
#include "fuzz.h"
#include "text/id_lookup.h"
#include "text/id_map.h"
#include "text/id_names.h"

enum { NUM_IDS = 1000, STYLES = 3, WAYS = 2 * STYLES + 3 };

static unsigned choice;

static void read_names(const char *path)
{
	struct id_pair pair = { 2, 0 };
	const struct id_family family = { choice / WAYS % 2, &pair };
	const struct id_names_source source = { path, "item", choice % WAYS / STYLES, NUM_IDS,
		&family };
	struct id_names *names =
		id_names_load(&source, (enum id_names_style)(choice % WAYS % STYLES));
	size_t length;

	id_names_get(names, 7, &length);
	id_names_free(names);
}

static void look_up(const char *path)
{
	struct id_lookup *lookup = id_lookup_load(path, choice & 1);
	char why[64];
	uint32_t id;

	id_lookup_related(lookup, id_lookup_family(lookup));
	id_lookup_find(lookup, "7", &id, why, sizeof(why));
	id_lookup_find(lookup, "Toy Story", &id, why, sizeof(why));
	id_lookup_free(lookup);
}

static void read_map(const char *path)
{
	struct id_map map;

	id_map_init(&map);
	id_map_know(&map, path);
	id_map_know(&map, path); /* a map continues itself */
	id_map_release(&map);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!size)
		return 0;
	choice = data[0];
	const unsigned way = choice % WAYS;
	return fuzz_run(data + 1, size - 1,
		way < 2 * STYLES  ? read_names
		: way == WAYS - 1 ? read_map
				  : look_up);
}
