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
	struct item_knn_config knn;
} cfg = { .knn = { .neighbours = 20, .shrink = 10, .alpha = 1, .beta = 0.6 } };

static const struct opt options[] = {
	OPT_PATH(0, "train", &cfg.train, "FILE", "interactions to learn from (needed)"),
	OPT_CHOICE(0, "similarity", &cfg.knn.similarity, item_similarity_names,
		"how alike two items are"),
	OPT_UINT(0, "neighbours", &cfg.knn.neighbours, 1, 1000000, "K",
		"score by this many nearest items"),
	OPT_REAL(0, "shrink", &cfg.knn.shrink, 0, 1e9, "S",
		"added to the denominator of cosine and jaccard"),
	OPT_REAL(0, "alpha", &cfg.knn.alpha, 0, 10, "R", "power of the steps of a walk (rp3beta)"),
	OPT_REAL(0, "beta", &cfg.knn.beta, 0, 10, "R",
		"power by which popular items count less (rp3beta)"),
	OPT_END,
};

static void check_options(void)
{
	const bool walks = cfg.knn.similarity == SIMILARITY_RP3BETA;

	if (!cfg.train)
		die_usage("option --train is missing");
	if (walks && opt_given(&cfg.knn.shrink))
		die_usage("option --shrink goes with --similarity cosine or jaccard");
	if (!walks && opt_given(&cfg.knn.alpha))
		die_usage("option --alpha goes with --similarity rp3beta");
	if (!walks && opt_given(&cfg.knn.beta))
		die_usage("option --beta goes with --similarity rp3beta");
}

int main(int argc, char **argv)
{
	const struct opt_program program = {
		.name = "knn-score",
		.operands = "[INPUT]",
		.max_operands = 1,
		.summary = "Scores items by their similarity to the items of a user.",
		.reads = SCORE_READS,
		.writes = SCORE_WRITES,
		.examples = { "knn-score --train train.cof --all-items --seen train.cof test.cof | rank-eval",
			"knn-score --train train.cof --similarity rp3beta --neighbours 100 -a \\\n"
			"    --seen train.cof --ranks test.cof >rp3.cof",
			"knn-score --train train.cof -a --seen train.cof --top 10 test.cof |\n"
			"    cof-cat --user-ids users.tsv --item-ids titles.tsv --names | head" },
		.tables = { options, score_options() },
	};
	char **operands = opt_parse(argc, argv, &program);
	struct rec_reader *train;
	struct score_run *run;
	struct item_knn *knn;
	struct scorer scorer;

	check_options();
	run = score_run_open(operands[0]);
	train = rec_open(cfg.train, 1u << REC_INTERACTION);
	score_run_source(run, rec_name(train), rec_header(train));
	knn = item_knn_new(train, &cfg.knn, score_run_pool(run));
	scorer = item_knn_scorer(knn);
	score_run(run, &scorer);
	item_knn_free(knn);
	score_run_close(run);
	rec_close(train, true);
	return 0;
}
