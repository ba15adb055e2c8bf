/* Id files: names of dense ids in each style, and maps that are known. The first byte chooses. */
#include "fuzz.h"
#include "text/id_map.h"
#include "text/id_names.h"

enum { BOUND = 1000, MAP = 3 };

static unsigned choice;

static void read_names(const char *path)
{
	const struct id_family not_known = { 0 };
	const struct id_names_source source = { .path = path,
		.noun = "item",
		.names = choice / 4 % 2,
		.bound = BOUND,
		.family = &not_known };
	struct id_names *names = id_names_load(&source, (enum id_names_style)(choice % 4));
	size_t length;

	id_names_get(names, 7, &length);
	id_names_free(names);
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
	return fuzz_run(data + 1, size - 1, choice % 4 == MAP ? read_map : read_names);
}
