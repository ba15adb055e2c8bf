/* Text: rating logs in every format, id files, and rows of records. The first byte chooses. */
#include "fuzz.h"
#include "stream/stream.h"
#include "text/id_names.h"
#include "text/import.h"
#include "text/rating_text.h"

#include <stdlib.h>

static unsigned choice;

static void read_ratings(const char *path)
{
	struct rating_text_row rows[64];
	struct rating_options options = { .format = choice % (FORMAT_NEGATIVE + 1) };
	struct rating_text *t = rating_text_open(stream_open(path), &options);

	free(rating_columns_describe(rating_text_columns(t)));
	while (rating_text_read(t, rows, 64))
		;
	rating_text_check_end(t);
	rating_text_close(t);
}

static void read_names(const char *path)
{
	struct id_names *l = id_names_load(path, "item", 1000, (enum id_names_style)(choice % 3));
	size_t length;

	id_names_get(l, 7, &length);
	id_names_free(l);
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
	static void (*const readers[])(const char *) = { read_ratings, read_names, read_rows };

	if (!size)
		return 0;
	choice = data[0] / 3;
	return fuzz_run(data + 1, size - 1, readers[data[0] % 3]);
}
