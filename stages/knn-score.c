/*
 * knn-score: score items by their similarity to the items of a user.
 * Reads interaction, rating or sample records, writes score, rank or top records; memory: see
 * item_knn.h, and what every scorer needs (neumf-score.1).
 *   knn-score --train train.cof --all-items --seen train.cof --ranks test.cof | rank-eval
 */
#include "base/die.h"
#include "cli/item_options.h"
#include "cli/score_options.h"
#include "linear/item_knn.h"

static struct item_knn_config knn = { .neighbours = 20, .shrink = 10, .alpha = 1, .beta = 0.6 };

static const struct opt settings[] = {
	OPT_CHOICE(
		0, "similarity", &knn.similarity, item_similarity_names, "how alike two items are"),
	OPT_UINT(0, "neighbours", &knn.neighbours, 1, 1000000, "K",
		"score by this many nearest items"),
	OPT_REAL(0, "shrink", &knn.shrink, 0, 1e9, "S",
		"added to the denominator of cosine and jaccard"),
	OPT_FLAG(0, "center", &knn.center,
		"divide by the sum over the neighbours, less the items' means (cosine, jaccard)"),
	OPT_REAL(0, "alpha", &knn.alpha, 0, 10, "R", "power of the steps of a walk (rp3beta)"),
	OPT_REAL(0, "beta", &knn.beta, 0, 10, "R",
		"power by which popular items count less (rp3beta)"),
	OPT_END,
};

static void check_settings(void)
{
	const bool walks = knn.similarity == SIMILARITY_RP3BETA;

	if (walks && opt_given(&knn.shrink))
		die_usage("option --shrink goes with --similarity cosine or jaccard");
	if (walks && knn.center)
		die_usage("option --center goes with --similarity cosine or jaccard");
	if (!walks && opt_given(&knn.alpha))
		die_usage("option --alpha goes with --similarity rp3beta");
	if (!walks && opt_given(&knn.beta))
		die_usage("option --beta goes with --similarity rp3beta");
}

static void *learn(struct rec_reader *train, struct pool *pool)
{
	return item_knn_new(train, &knn, pool);
}

static void *load(struct item_weights *w, struct pool *pool)
{
	return item_knn_load(w, pool);
}

static void save(const void *model, struct stream_out *out, const struct rec_header *train,
	const struct js *provenance)
{
	item_knn_save(model, out, train, provenance);
}

static struct scorer scorer(void *model)
{
	return item_knn_scorer(model);
}

static void release(void *model)
{
	item_knn_free(model);
}

int main(int argc, char **argv)
{
	static const struct item_method method = { ITEM_KNN_METHOD, settings, check_settings, learn,
		load, save, scorer, release };
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
		.tables = { item_options(), settings, score_options() },
	};
	char **operands = opt_parse(argc, argv, &program);

	item_options_run(&method, operands[0]);
	return 0;
}
