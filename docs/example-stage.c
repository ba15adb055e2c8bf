/*
 * since: keep the interactions from a time on, in one pass.
 *   cc $(pkg-config --cflags cofilter) since.c $(pkg-config --libs cofilter) -o since
 */
#include "base/die.h"
#include "cli/opt.h"
#include "stream/record.h"

static uint64_t least;

static const struct opt options[] = {
	OPT_UINT64(0, "time", &least, 0, OPT_UINT64_MAX, "T", "keep from this Unix time on"),
	OPT_END,
};

static const struct opt_program program = {
	.name = "since",
	.operands = "[INPUT]",
	.max_operands = 1,
	.summary = "Keep the interactions from a time on.",
	.reads = "interaction records",
	.writes = "interaction records",
	.examples = { "since --time 880000000 train.cof >late.cof" },
	.tables = { options },
};

int main(int argc, char **argv)
{
	char **operands = opt_parse(argc, argv, &program);
	struct rec_reader *in = rec_open(operands[0], 1U << REC_INTERACTION);
	struct rec_header header;
	struct interaction row;

	if (!opt_given(&least))
		die_usage("option --time is missing");
	rec_header_init(&header, REC_INTERACTION, rec_header(in), opt_provenance());
	struct rec_writer *out = rec_create("-", &header);
	while (rec_read(in, &row)) /* or it dies, with one line that says where the damage is */
		if (row.time >= (int64_t)least)
			rec_write(out, &row);
	rec_close(in, true);
	rec_finish(out); /* the trailer: without it no reader takes what was written */
	return 0;
}
