/* Text: rating logs in every format, and rows of records. The first byte chooses; for logs it may
   let the second choose options. */
#include "fuzz.h"
#include "stream/stream.h"
#include "text/import.h"
#include "text/rating_text.h"

#include <stdlib.h>

enum { OPTIONS_FROM = 64, TREC_FROM = 96 };

static const char *const columns[] = { NULL, "user,item", "user,item,rating,time",
	"time,-,item,user", "user=a,item=b", "user=2,item=1,rating=3",
	"user=user,item=item,time=time" };
static const char *const delimiters[] = { NULL, ",", "::", "tab" };
static const char *const time_formats[] = { NULL, "iso", "unix", "%d/%m/%y %I:%M:%S.%f %p %z" };

static unsigned choice, second;

static void read_ratings(const char *path)
{
	struct rating_text_row rows[64];
	struct rating_options options = { .format = choice % (FORMAT_NEGATIVE + 1) };
	struct rating_text *t;

	if (choice >= OPTIONS_FROM) {
		options.columns = columns[second % 7];
		options.delimiter = delimiters[second / 7 % 4];
		options.time_format = time_formats[second / 28 % 4];
		options.header = second / 112;
		options.empty_ids = second & 1;
	}
	t = rating_text_open(stream_open(path), &options);
	free(rating_columns_describe(rating_text_columns(t)));
	while (rating_text_read(t, rows, 64))
		;
	rating_text_check_end(t);
	rating_text_close(t);
}

static void read_rows(const char *path)
{
	static unsigned char rows[7 * REC_BLOCK_BYTES];
	const bool trec = choice >= TREC_FROM;
	const enum rec_kind kind = !trec	? (enum rec_kind)(choice % REC_NUM_KINDS)
				   : choice & 1 ? REC_TOP
						: REC_INTERACTION;
	struct import *in = import_open(path, kind,
		trec	     ? IMPORT_TREC
		: choice & 1 ? IMPORT_CSV
			     : IMPORT_TSV);

	import_set_ids(in, &(struct import_ids){ 1000, 1000, NULL, NULL });
	while (import_rows(in, rows, 7))
		;
	import_close(in);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	bool ratings = size > 0 && data[0] % 2 == 0, options;

	if (!size)
		return 0;
	choice = data[0] / 2;
	options = ratings && choice >= OPTIONS_FROM && size > 1;
	second = options ? data[1] : 0;
	return fuzz_run(data + 1 + options, size - 1 - options, ratings ? read_ratings : read_rows);
}
