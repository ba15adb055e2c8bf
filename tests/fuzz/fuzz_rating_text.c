/* Text: rating logs in every format, and rows of records. The first byte chooses. */
#include "fuzz.h"
#include "text/import.h"
#include "text/rating_text.h"

#include <stdlib.h>

static unsigned choice;

static void read_ratings(const char *path)
{
	struct rating_text_row rows[64];
	struct rating_columns columns;
	struct rating_text *t;

	rating_columns_init(&columns, (enum rating_format)(choice % 4), NULL, NULL);
	t = rating_text_open(path, &columns);
	free(rating_columns_describe(rating_text_columns(t), path));
	while (rating_text_read(t, rows, 64))
		;
	rating_text_close(t);
}

static void read_rows(const char *path)
{
	static unsigned char rows[7 * REC_BLOCK_BYTES];
	struct import *in = import_open(
		path, (enum rec_kind)(choice % REC_NUM_KINDS), choice & 1 ? ',' : '\t', 1000, 1000);

	while (import_rows(in, rows, 7))
		;
	import_close(in);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const readers[])(const char *) = { read_ratings, read_rows };

	if (!size)
		return 0;
	choice = data[0] / 2;
	return fuzz_run(data + 1, size - 1, readers[data[0] % 2]);
}
