/*
 * pop-score: score items by their number of interactions, the same for every user.
 * Reads interaction, rating or sample records, writes score, rank or top records; memory: 4 bytes
 * per item and what every scorer needs (neumf-score.1).
 *   pop-score --train train.cof --all-items --seen train.cof --ranks test.cof | rank-eval
 */
#include "base/die.h"
#include "base/mem.h"
#include "cli/score_options.h"
#include "stream/record.h"

#include <stdlib.h>
#include <string.h>

static struct {
	const char *train;
} cfg;

static const struct opt options[] = {
	OPT_PATH(0, "train", &cfg.train, "FILE", "interactions to count (needed)"), OPT_END
};

static void score_pairs(
	void *arg, size_t n, const uint32_t *user, const uint32_t *item, float *score)
{
	const float *count = arg;

	(void)user;
	for (size_t k = 0; k < n; k++)
		score[k] = count[item[k]];
}

/* The same row n times. */
static void copy_counts(const float *count, size_t n, uint32_t first, uint32_t end, float *score)
{
	const size_t width = end - first;

	for (size_t k = 0; k < n; k++)
		memcpy(score + k * width, count + first, width * sizeof(*score));
}

static void score_block(
	void *arg, size_t n, const uint32_t *user, uint32_t first, uint32_t end, float *score)
{
	(void)user;
	copy_counts(arg, n, first, end, score);
}

static void score_from_items(
	void *arg, const struct item_lists *lists, uint32_t first, uint32_t end, float *score)
{
	copy_counts(arg, lists->num, first, end, score);
}

/* Count in integers: adding 1 to a float ends at 2^24. */
static float *count_items(struct rec_reader *train)
{
	const uint32_t num_items = rec_header(train)->num_items;
	uint32_t *count = xcalloc(num_items, sizeof(*count));
	float *score = xmalloc(num_items, sizeof(*score));
	struct interaction row;

	while (rec_read(train, &row))
		count[row.item]++;
	for (uint32_t i = 0; i < num_items; i++)
		score[i] = (float)count[i];
	free(count);
	return score;
}

int main(int argc, char **argv)
{
	const struct opt_program program = {
		.name = "pop-score",
		.operands = "[INPUT]",
		.max_operands = 1,
		.summary = "Scores items by their number of interactions.",
		.reads = SCORE_READS,
		.writes = SCORE_WRITES,
		.examples = { "pop-score --train train.cof --all-items --seen train.cof test.cof | rank-eval",
			"pop-score --train train.cof -a --seen train.cof --ranks test.cof >pop.cof",
			"pop-score --train train.cof -a --top 10 test.cof |\n"
			"    cof-cat --item-ids titles.tsv --names | head" },
		.tables = { options, score_options() },
	};
	char **operands = opt_parse(argc, argv, &program);
	struct scorer scorer = { .score_pairs = score_pairs,
		.score_block = score_block,
		.score_from_items = score_from_items };
	struct rec_reader *train;
	struct score_run *run;

	if (!cfg.train)
		die_usage("option --train is missing");
	run = score_run_open(operands[0]);
	train = rec_open(cfg.train, 1u << REC_INTERACTION);
	score_run_source(run, rec_name(train), rec_header(train));
	scorer.num_users = rec_header(train)->num_users;
	scorer.num_items = rec_header(train)->num_items;
	scorer.arg = count_items(train);
	score_run(run, &scorer);
	score_run_close(run);
	rec_close(train, true);
	free(scorer.arg);
	return 0;
}
