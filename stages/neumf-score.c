/*
 * neumf-score: score items by a model of neumf-train.
 * Reads interaction or sample records, writes score, rank or top records; memory: the model's parameters
 * and what every scorer needs (neumf-score.1).
 *   neumf-score --model m.safetensors --all-items --seen train.cof --ranks test.cof | rank-eval
 */
#include "base/die.h"
#include "base/pool.h"
#include "cli/score_options.h"
#include "model/backend.h"
#include "model/model_file.h"
#include "stream/record.h"

enum { BATCH_SIZE = 1 << 16 };

static struct {
	const char *model;
	unsigned device;
} cfg;

static const struct opt options[] = {
	OPT_PATH('m', "model", &cfg.model, "FILE", "the model, as neumf-train wrote it (needed)"),
	OPT_LOCAL_CHOICE('d', "device", &cfg.device, backend_device_names, "what computes"),
	OPT_END,
};

static const struct backend_ops *ops;

static void score_pairs(
	void *arg, size_t n, const uint32_t *user, const uint32_t *item, float *score)
{
	ops->score_pairs(arg, n, user, item, score);
}

static void score_block(
	void *arg, size_t n, const uint32_t *user, uint32_t first, uint32_t end, float *score)
{
	ops->score_block(arg, n, user, first, end, score);
}

static void rank_block(void *arg, size_t n, const uint32_t *user, uint32_t first, uint32_t end,
	const struct rank_lists *lists, uint32_t *bad, struct rank_place *place)
{
	ops->rank_block(arg, n, user, first, end, lists, bad, place);
}

static void top_block(void *arg, size_t n, const uint32_t *user, uint32_t first, uint32_t end,
	const struct rank_lists *lists, uint32_t *bad, uint32_t k, uint32_t *top, float *score,
	uint32_t *num)
{
	ops->top_block(arg, n, user, first, end, lists, bad, k, top, score, num);
}

static void close_model(void *arg)
{
	ops->destroy(arg);
}

static void open_model(struct scorer *s, struct pool *pool)
{
	struct backend_config config = { .batch_size = BATCH_SIZE, .pool = pool };

	config.params = model_file_load(cfg.model, &config.shape);
	ops = backend_select(cfg.device, die_quiet);
	*s = (struct scorer){ .num_users = config.shape.num_users,
		.num_items = config.shape.num_items,
		.arg = ops->create(&config),
		.score_pairs = score_pairs,
		.score_block = score_block,
		.rank_block = ops->rank_block ? rank_block : NULL,
		.top_block = ops->top_block ? top_block : NULL,
		.close = close_model };
}

int main(int argc, char **argv)
{
	const struct scorer_stage stage = {
		.name = "neumf-score",
		.summary = "Scores items by a model of neumf-train.",
		.example =
			"neumf-score --model m.safetensors --all-items --seen train.cof --ranks test.cof | rank-eval",
		.options = options,
		.source_option = "model",
		.source = &cfg.model,
		.open = open_model,
	};

	return scoring_main(argc, argv, &stage);
}
