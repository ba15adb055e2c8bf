/*
 * negsample: turn interactions into training examples, or candidate lists, with drawn negatives.
 * Reads interaction records to their end, then writes triple, sample or group records.
 *   negsample --pairwise --epochs 10 --seed 1 train.cof | neumf-train -o model.safetensors
 */
#include "base/die.h"
#include "base/mem.h"
#include "base/pool.h"
#include "base/progress.h"
#include "cli/opt.h"
#include "cli/sampling_options.h"
#include "data/sampling.h"
#include "stream/id_family.h"
#include "stream/record.h"
#include "stream/split_id.h"

#include <inttypes.h>
#include <stdlib.h>

enum { MAX_THREADS = 8 };

static struct {
	uint32_t from_epoch, candidates;
} cfg = { .from_epoch = 1 };

/* clang-format off */
static const struct opt options[] = {
	OPT_LOCAL_UINT(0, "from-epoch", &cfg.from_epoch, 1, UINT32_MAX, "E", "begin with this epoch of --epochs, the first being 1"),
	OPT_UINT(0, "candidates", &cfg.candidates, 1, UINT32_MAX, "N", "write each user's positives and N distinct negatives for each"),
	OPT_LOCAL_FLAG(0, "ids-unchecked", &ids_unchecked, "take --exclude files of another id map too"),
	OPT_LOCAL_FLAG(0, "splits-unchecked", &splits_unchecked, "take --exclude files of another run of ml-split too"),
	OPT_END
};

static const struct opt_program program = {
	.name = "negsample",
	.operands = "[INPUT]",
	.max_operands = 1,
	.summary = "Turn interactions into training examples with drawn negatives, epoch after epoch.",
	.reads = "interaction records",
	.writes = "triple records; sample records with --pointwise or --candidates, group records with --grouped",
	.examples = {
"negsample --epochs 10 train.cof | neumf-train -o model.safetensors",
"negsample --pointwise --negatives 4 --epochs 9 train.cof | gzip >s.cof.gz",
"# rank each held-out item among 99 that the user has not\n"
"negsample --candidates 99 --exclude train.cof test.cof |\n"
"    neumf-score --model model.safetensors | rank-eval -k 10" },
	.tables = {sampling_options, options, sampling_seed_option},
};
/* clang-format on */

static void check_options(const struct sampling_choice *c)
{
	if (cfg.candidates && sampling_kind_given())
		die_usage(
			"option --candidates does not go with --pairwise, --pointwise or --grouped");
	if (cfg.candidates && (sampling_rows_given() || opt_given(&cfg.from_epoch)))
		die_usage(
			"option --candidates does not go with --negatives, --epochs or --from-epoch");
	if (cfg.from_epoch > c->epochs)
		die_usage("option --from-epoch: there are %" PRIu32 " epochs", c->epochs);
}

static void write_epochs(
	struct rec_reader *in, const struct sampling_choice *choice, struct pool *pool)
{
	struct rec_reader *rows = sampling_source(in, choice, opt_provenance());
	const struct rec_header *h = rec_header(rows);
	const void *block;
	size_t n;

	rec_prepare(rows, pool);
	rec_begin_at(rows, (cfg.from_epoch - 1) * h->rows_per_epoch);
	struct rec_writer *out = rec_create("-", h);
	progress_start("rows", h->epochs * h->rows_per_epoch - h->first_row);
	while ((block = rec_look_rows(rows, SIZE_MAX, &n)) != NULL) {
		rec_write_rows(out, block, n);
		progress_at(rec_written(out));
	}
	progress_end();
	rec_finish(out);
	rec_close(rows, true);
}

/* `seen` has no duplicates. */
static void write_lists(
	struct rec_writer *out, const struct user_items *seen, struct sampler *sampler)
{
	uint32_t *negative = xmalloc(seen->num_items, sizeof(*negative)), n;
	uint32_t short_users = 0, skipped = 0;

	progress_start("users", seen->num_users);
	for (uint32_t u = 0; u < seen->num_users; u++) {
		const uint32_t *item = user_items_get(seen, u, &n);
		const uint64_t wanted = (uint64_t)n * cfg.candidates;
		uint32_t given;

		if (n == 0)
			continue;
		if (!sampler_can_draw(sampler, u)) {
			skipped++;
			continue;
		}
		given = sampler_distinct(sampler, u, wanted, negative);
		short_users += given < wanted;
		for (uint32_t k = 0; k < n; k++)
			rec_write(out, &(struct sample){ u, item[k], 1 });
		for (uint32_t k = 0; k < given; k++)
			rec_write(out, &(struct sample){ u, negative[k], 0 });
		progress_at(u);
	}
	progress_end();
	rec_finish(out);
	if (skipped)
		warn(SAMPLING_SKIPPED, skipped);
	if (short_users)
		warn("users with fewer items left than wanted, who got all of them: %" PRIu32,
			short_users);
	free(negative);
}

static void write_candidates(
	struct rec_reader *in, const struct sampling_choice *choice, struct pool *pool)
{
	struct js *entry = opt_provenance();
	struct sampling_inputs inputs = sampling_open(in, entry);
	struct sampling sampling;
	struct rec_header header;

	rec_header_init(&header, REC_SAMPLE, rec_header(in), entry);
	sampling_candidates(&sampling, &choice->config, &inputs, pool);
	note("seed %" PRIu64 ", %" PRIu64 " interactions", choice->config.seed,
		sampling.interactions); // no input can fail now
	write_lists(rec_create("-", &header), &sampling.seen, sampling.sampler);
	sampling_release(&sampling);
	rec_header_release(&header);
}

int main(int argc, char **argv)
{
	char **operands = opt_parse(argc, argv, &program);
	const struct sampling_choice choice = sampling_chosen();
	const unsigned cores = pool_cores();

	check_options(&choice);
	struct rec_reader *in = rec_open(operands[0], 1u << REC_INTERACTION);
	if (!cfg.candidates || choice.config.popularity)
		rec_check_whole(
			rec_name(in), rec_header(in), "order and draws hang on the rows of all");
	struct pool *pool = pool_new(cores < MAX_THREADS ? cores : MAX_THREADS);
	if (cfg.candidates)
		write_candidates(in, &choice, pool);
	else
		write_epochs(in, &choice, pool);
	pool_free(pool);
	return 0;
}
