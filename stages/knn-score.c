/*
 * knn-score: score items by their likeness to the items a user has.
 * Reads interaction or sample records, writes score, rank or top records; memory: see item_knn.h, and what
 * every scorer needs (knn-score.1).
 *   knn-score --train train.cof --all-items --seen train.cof --ranks test.cof | rank-eval
 */
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
		"nearest items an item is scored by"),
	OPT_REAL(0, "shrink", &cfg.shrink, 0, 1e9, "S", "added to the denominator of a similarity"),
	OPT_END,
};

static void score_pairs(
	void *arg, size_t n, const uint32_t *user, const uint32_t *item, float *score)
{
	item_knn_score_pairs(arg, n, user, item, score);
}

static void score_block(
	void *arg, size_t n, const uint32_t *user, uint32_t first, uint32_t end, float *score)
{
	item_knn_score_block(arg, n, user, first, end, score);
}

static void close_knn(void *arg)
{
	item_knn_free(arg);
}

static void open_train(struct scorer *s, struct pool *pool)
{
	struct item_knn *m = item_knn_new(cfg.train, cfg.neighbours, cfg.shrink, pool);

	*s = (struct scorer){ .num_users = item_knn_num_users(m),
		.num_items = item_knn_num_items(m),
		.arg = m,
		.score_pairs = score_pairs,
		.score_block = score_block,
		.close = close_knn };
}

int main(int argc, char **argv)
{
	const struct scorer_stage stage = {
		.name = "knn-score",
		.summary = "Scores items by their likeness to the items a user has.",
		.example =
			"knn-score --train train.cof --all-items --seen train.cof --ranks test.cof | rank-eval",
		.options = options,
		.source_option = "train",
		.source = &cfg.train,
		.open = open_train,
	};

	return scoring_main(argc, argv, &stage);
}
