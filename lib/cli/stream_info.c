#include "cli/stream_info.h"

#include "stream/record.h"
#include "stream/stream.h"

#include <inttypes.h>
#include <stdlib.h>

enum { ANY_KIND = (1u << REC_NUM_KINDS) - 1 };

void stream_info_headers(char **files)
{
	struct stream_out *out = stream_create("-", false);

	for (; *files; files++) {
		struct rec_reader *r = rec_open(*files, ANY_KIND);
		struct js *json = rec_header_json(rec_header(r));
		char *text = js_dump(json, true);

		stream_printf(out, "%s\n", text);
		free(text);
		js_free(json);
		rec_close(r, false);
	}
	stream_commit(out);
}

void stream_info_verify(char **files, bool count)
{
	uint64_t rows = 0;

	for (; *files; files++) {
		struct rec_reader *r = rec_open(*files, ANY_KIND);

		rec_skip(r);
		rows += rec_rows(r);
		rec_close(r, false);
	}
	if (count) {
		struct stream_out *out = stream_create("-", false);

		stream_printf(out, "%" PRIu64 "\n", rows);
		stream_commit(out);
	}
}
