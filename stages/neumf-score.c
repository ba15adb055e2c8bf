/*
 * neumf-score: score items by a model of neumf-train.
 * Reads interaction, rating or sample records, writes score, rank or top records; memory: the
 * model's parameters and what every scorer needs (neumf-score.1).
 *   neumf-score --model m.safetensors --all-items --seen train.cof --ranks test.cof | rank-eval
 */
#include "base/die.h"
#include "cli/score_options.h"
#include "linear/ials_fold_in.h"
#include "model/backend.h"
#include "model/fold_in.h"
#include "model/model_file.h"
#include "stream/record.h"

enum { BATCH_SIZE = 1 << 16 }; /* pairs scored at a time */

static struct {
	const char *model;
	unsigned device;
} cfg;

static const struct opt options[] = {
	OPT_PATH('m', "model", &cfg.model, "FILE", "the model, as neumf-train wrote it (needed)"),
	OPT_LOCAL_CHOICE('d', "device", &cfg.device, backend_device_names, "what computes"),
	OPT_END,
};

/* The users of m become those given by their items. */
static void add_users(struct model *m, const struct item_lists *users,
	const struct backend_ops *ops, struct pool *pool)
{
	struct ials_config ials;
	struct neumf_layout layout;

	if (neumf_cosine(&m->shape))
		die("'%s' was trained by ccl: users that it does not have (--user-items) cannot be folded in",
			cfg.model);
	if (!ials_settings(cfg.model, m->provenance, &ials)) {
		fold_in(m, users, ops, pool);
		return;
	}
	fold_in_means(m, users);
	neumf_layout(&m->shape, &layout);
	ials_fold_in(&ials, m->shape.num_items, m->shape.factors,
		neumf_param(&layout, m->params, TENSOR_GMF_ITEM), users, pool,
		neumf_param(&layout, m->params, TENSOR_GMF_USER));
}

int main(int argc, char **argv)
{
	const struct opt_program program = {
		.name = "neumf-score",
		.operands = "[INPUT]",
		.max_operands = 1,
		.summary = "Scores items by a model of neumf-train.",
		.reads = SCORE_READS,
		.writes = SCORE_WRITES,
		.examples = { "neumf-score --model m.safetensors --all-items --seen train.cof test.cof |\n"
			      "    rank-eval",
			"neumf-score -m m.safetensors -a --seen train.cof --top 10 test.cof |\n"
			"    cof-cat --user-ids users.tsv --item-ids titles.tsv --names | head",
			"# among 99 items that the user does not have, as in He et al. 2017\n"
			"negsample --candidates 99 --exclude train.cof test.cof |\n"
			"    neumf-score -m m.safetensors | rank-eval -k 10" },
		.tables = { options, score_options() },
	};
	char **operands = opt_parse(argc, argv, &program);
	struct backend_config config = { .batch_size = BATCH_SIZE };
	struct rec_header header = { 0 };
	const struct backend_ops *ops;
	struct backend *backend;
	struct score_run *run;
	struct item_lists users;
	struct scorer scorer;
	struct model m;

	if (!cfg.model)
		die_usage("option --model is missing");
	run = score_run_open(operands[0]);
	model_file_load(&m, cfg.model);
	header.num_users = m.shape.num_users;
	header.num_items = m.shape.num_items;
	header.user_ids = m.user_ids;
	header.item_ids = m.item_ids;
	header.provenance = m.provenance;
	score_run_source(run, cfg.model, &header);
	config.pool = score_run_pool(run);
	ops = backend_select(cfg.device, die_quiet);
	if (score_run_fold_in(run, &users))
		add_users(&m, &users, ops, config.pool);
	config.shape = m.shape;
	config.params = m.params;
	m.params = NULL; /* the backend's from here on */
	backend = ops->create(&config);
	scorer = backend_scorer(ops, backend, &m.shape);
	score_run(run, &scorer);
	ops->destroy(backend);
	score_run_close(run);
	model_release(&m);
	return 0;
}
