/*
 * cof-stat: what a stream holds: users, items, density, activity and popularity, times, values.
 * Reads records of any kind, writes a text table or JSON; 24 bytes per user and item at most
 * (lib/data/census.h).
 *   cof-stat train.cof
 */
#include "base/progress.h"
#include "cli/census_print.h"
#include "cli/opt.h"
#include "data/census.h"
#include "stream/record.h"
#include "stream/stream.h"

static bool json;

static const struct opt options[] = {
	OPT_FLAG(0, "json", &json, "print JSON"),
	OPT_END,
};

static const struct opt_program program = {
	.name = "cof-stat",
	.operands = "[INPUT]",
	.max_operands = 1,
	.summary = "Says what a stream holds: users, items, activity, popularity, times, values.",
	.reads = "records of any kind",
	.writes = "a text table or JSON",
	.examples = { "cof-stat train.cof",
		"negsample --candidates 99 --exclude train.cof test.cof | cof-stat",
		"ml-split -q --test held-out.cof u.data | cof-stat --json | jq .density" },
	.tables = { options },
};

int main(int argc, char **argv)
{
	char **operands = opt_parse(argc, argv, &program);
	struct rec_reader *in = rec_open(operands[0], (1u << REC_NUM_KINDS) - 1);
	struct stream_out *out;
	struct census census;

	progress_start("rows", 0);
	census_read(&census, in);
	progress_end();
	rec_close(in, true);
	out = stream_create("-", false);
	(json ? census_json : census_table)(&census, out);
	stream_commit(out);
	census_release(&census);
	return 0;
}
