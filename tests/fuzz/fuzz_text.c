/* Text: rating logs in every format, label files, and rows of records. The first byte chooses. */
#include "fuzz.h"
#include "text/import.h"
#include "text/labels.h"
#include "text/text.h"

#include <stdlib.h>

static unsigned choice;

static void read_ratings(const char *path)
{
	struct text_row rows[64];
	struct layout layout;
	struct text *t;

	layout_init(&layout, (enum layout_format)(choice % 4), NULL, NULL);
	t = text_open(path, &layout);
	free(layout_describe(text_layout(t), path));
	while (text_read(t, rows, 64))
		;
	text_close(t);
}

static void read_labels(const char *path)
{
	struct labels *l = labels_load(path, "item", 1000, (enum labels_style)(choice % 3));
	size_t length;

	labels_get(l, 7, &length);
	labels_free(l);
}

static void read_rows(const char *path)
{
	unsigned char rows[7 * (REC_MAX_ROW + 8)];
	struct import *in = import_open(
		path, (enum rec_kind)(choice % REC_NUM_KINDS), choice & 1 ? ',' : '\t', 1000, 1000);

	while (import_rows(in, rows, 7))
		;
	import_close(in);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const readers[])(const char *) = { read_ratings, read_labels, read_rows };

	if (!size)
		return 0;
	choice = data[0] / 3;
	return fuzz_run(data + 1, size - 1, readers[data[0] % 3]);
}
