/*
 * knn-score: score items by their similarity to the items of a user.
 * Reads interaction, rating or sample records, writes score, rank or top records; memory: see
 * item_knn.h, and what every scorer needs (neumf-score.1).
 *   knn-score --train train.cof --all-items --seen train.cof --ranks test.cof | rank-eval
 */
#include "base/die.h"
#include "cli/score_options.h"
#include "linear/item_knn.h"
#include "stream/record.h"

static struct {
	const char *train;
	uint32_t neighbours;
	double shrink;
} cfg = { .neighbours = 20, .shrink = 10 };

static const struct opt options[] = {
	OPT_PATH(0, "train", &cfg.train, "FILE", "interactions to learn from (needed)"),
	OPT_UINT(0, "neighbours", &cfg.neighbours, 1, 1000000, "K",
		"score an item by this many nearest items"),
	OPT_REAL(0, "shrink", &cfg.shrink, 0, 1e9, "S", "added to the denominator of a similarity"),
	OPT_END,
};

int main(int argc, char **argv)
{
	const struct opt_program program = {
		.name = "knn-score",
		.operands = "[INPUT]",
		.max_operands = 1,
		.summary = "Scores items by their similarity to the items of a user.",
		.reads = SCORE_READS,
		.writes = SCORE_WRITES,
		.example =
			"knn-score --train train.cof --all-items --seen train.cof --ranks test.cof | rank-eval",
		.tables = { options, score_options() },
	};
	char **operands = opt_parse(argc, argv, &program);
	struct rec_reader *train;
	struct score_run *run;
	struct item_knn *knn;
	struct scorer scorer;

	if (!cfg.train)
		die_usage("option --train is missing");
	run = score_run_open(operands[0]);
	train = rec_open(cfg.train, 1u << REC_INTERACTION);
	score_run_source(run, rec_name(train), rec_header(train));
	knn = item_knn_new(train, cfg.neighbours, cfg.shrink, score_run_pool(run));
	scorer = item_knn_scorer(knn);
	score_run(run, &scorer);
	item_knn_free(knn);
	score_run_close(run);
	rec_close(train, true);
	return 0;
}
