/*
 * binarize: keep the ratings at or above a threshold as interactions.
 * Reads rating records, writes interaction records; memory does not grow with the input.
 *   ml-split --test test.cof u.data | binarize --min-rating 4 >train.cof
 */
#include "cli/opt.h"
#include "stream/record.h"

#include <float.h>
#include <math.h>

enum { ROWS = 1024 }; /* at a time */

static double min_rating = -INFINITY;

static const struct opt options[] = {
	OPT_REAL('r', "min-rating", &min_rating, -FLT_MAX, FLT_MAX, "R", "drop ratings below R"),
	OPT_END,
};

static const struct opt_program program = {
	.name = "binarize",
	.operands = "[INPUT]",
	.max_operands = 1,
	.summary =
		"Turn ratings into interactions: all of them, or those of at least --min-rating.",
	.reads = "rating records",
	.writes = "interaction records",
	.examples = { "ml-split --test test.cof u.data | binarize --min-rating 4 >train.cof",
		"binarize ratings.cof | cof-cat --count",
		"cof-import ratings.csv | binarize | ials-train -o model.safetensors" },
	.tables = { options },
};

int main(int argc, char **argv)
{
	static struct rating in[ROWS];
	static struct interaction out[ROWS];
	char **operands = opt_parse(argc, argv, &program);
	struct rec_reader *reader = rec_open(operands[0], 1U << REC_RATING);
	struct rec_writer *writer;
	struct rec_header header;
	const float least = (float)min_rating; /* as ratings are: 4.1 is not below 4.1 */
	size_t n;

	rec_header_init(&header, REC_INTERACTION, rec_header(reader), opt_provenance());
	writer = rec_create("-", &header);
	rec_header_release(&header);
	while ((n = rec_read_rows(reader, in, ROWS)) > 0) {
		size_t kept = 0;

		for (size_t k = 0; k < n; k++)
			if (in[k].rating >= least)
				out[kept++] =
					(struct interaction){ in[k].user, in[k].item, in[k].time };
		rec_write_rows(writer, out, kept);
	}
	rec_close(reader, true);
	rec_finish(writer);
	return 0;
}
