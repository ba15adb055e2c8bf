/* Model files. */
#include "fuzz.h"
#include "model/model_file.h"

#include <stdlib.h>

static void load(const char *path)
{
	struct model m;

	model_file_load(&m, path);
	model_release(&m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return fuzz_run(data, size, load);
}
