/*
 * ease-score: score items by a linear model of items from items, learned in closed form.
 * Reads interaction, rating or sample records, writes score, rank or top records; memory: a matrix
 * of items by items, see ease.h, and what every scorer needs (neumf-score.1).
 *   ease-score --train train.cof --all-items --seen train.cof --ranks test.cof | rank-eval
 */
#include "base/die.h"
#include "cli/score_options.h"
#include "linear/ease.h"
#include "stream/record.h"

static struct {
	const char *train;
	double l2;
} cfg = { .l2 = 200 };

static const struct opt options[] = {
	OPT_PATH(0, "train", &cfg.train, "FILE", "interactions to learn from (needed)"),
	OPT_REAL(0, "l2", &cfg.l2, 1e-6, 1e9, "L", "added to the diagonal of the matrix of counts"),
	OPT_END,
};

int main(int argc, char **argv)
{
	const struct opt_program program = {
		.name = "ease-score",
		.operands = "[INPUT]",
		.max_operands = 1,
		.summary =
			"Scores items by a linear model of items from items, learned in closed form.",
		.reads = SCORE_READS,
		.writes = SCORE_WRITES,
		.examples = { "ease-score --train train.cof --all-items --seen train.cof test.cof | rank-eval",
			"ease-score --train train.cof --l2 500 -a --seen train.cof --ranks \\\n"
			"    test.cof >ease.cof",
			"ease-score --train train.cof -a --seen train.cof --top 10 test.cof |\n"
			"    cof-cat --user-ids users.tsv --item-ids titles.tsv --names | head" },
		.tables = { options, score_options() },
	};
	char **operands = opt_parse(argc, argv, &program);
	struct rec_reader *train;
	struct score_run *run;
	struct scorer scorer;
	struct ease *ease;

	if (!cfg.train)
		die_usage("option --train is missing");
	run = score_run_open(operands[0]);
	train = rec_open(cfg.train, 1u << REC_INTERACTION);
	score_run_source(run, rec_name(train), rec_header(train));
	ease = ease_new(train, cfg.l2, score_run_pool(run));
	scorer = ease_scorer(ease);
	score_run(run, &scorer);
	ease_free(ease);
	score_run_close(run);
	rec_close(train, true);
	return 0;
}
