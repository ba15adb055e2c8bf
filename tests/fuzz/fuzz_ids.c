/* Id files: names of dense ids, in each style. The first byte chooses the style. */
#include "fuzz.h"
#include "text/id_names.h"

enum { NUM_IDS = 1000 };

static unsigned choice;

static void read_names(const char *path)
{
	struct id_names *names =
		id_names_load(path, "item", NUM_IDS, (enum id_names_style)(choice % 3));
	size_t length;

	id_names_get(names, 7, &length);
	id_names_free(names);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!size)
		return 0;
	choice = data[0];
	return fuzz_run(data + 1, size - 1, read_names);
}
