/*
 * ease-score: score items by a linear model of items from items, learned in closed form.
 * Reads interaction, rating or sample records, writes score, rank or top records; memory: a matrix
 * of items by items, see ease.h, and what every scorer needs (neumf-score.1).
 *   ease-score --train train.cof --all-items --seen train.cof --ranks test.cof | rank-eval
 */
#include "cli/item_options.h"
#include "cli/score_options.h"
#include "linear/ease.h"

static double l2 = 200;

static const struct opt settings[] = {
	OPT_REAL(0, "l2", &l2, 1e-6, 1e9, "L", "added to the diagonal of the matrix of counts"),
	OPT_END,
};

static void *learn(struct rec_reader *train, struct pool *pool)
{
	return ease_new(train, l2, pool);
}

static void *load(struct item_weights *w, struct pool *pool)
{
	return ease_load(w, pool);
}

static void save(const void *model, struct stream_out *out, const struct rec_header *train,
	const struct js *provenance)
{
	ease_save(model, out, train, provenance);
}

static struct scorer scorer(void *model)
{
	return ease_scorer(model);
}

static void release(void *model)
{
	ease_free(model);
}

int main(int argc, char **argv)
{
	static const struct item_method method = { EASE_METHOD, settings, NULL, learn, load, save,
		scorer, release };
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
		.tables = { item_options(), settings, score_options() },
	};
	char **operands = opt_parse(argc, argv, &program);

	item_options_run(&method, operands[0]);
	return 0;
}
