/*
 * ials-train: factorize interactions by alternating least squares.
 * Reads interaction records, writes a model of kind mf, which neumf-score serves; memory: see
 * ials.h.
 *   ials-train --factors 64 -o model.safetensors train.cof
 */
#include "base/die.h"
#include "base/pool.h"
#include "base/progress.h"
#include "cli/opt.h"
#include "linear/ials.h"
#include "model/model_file.h"
#include "stream/record.h"
#include "stream/stream.h"

#include <math.h>

static struct {
	const char *output;
	struct ials_config ials;
	uint32_t epochs, threads;
} cfg = { .ials = { .factors = 64,
		  .l2 = 0.003,
		  .l2_exponent = 1,
		  .unobserved_weight = 0.1,
		  .seed = 1 },
	.epochs = 16 };

/* clang-format off */
static const struct opt options[] = {
	OPT_OUTPUT('o', "output", &cfg.output, "MODEL", "write the model here (required)"),
	OPT_UINT('f', "factors", &cfg.ials.factors, 1, NEUMF_MAX_WIDTH, "K", "width of the embeddings"),
	OPT_REAL(0, "l2", &cfg.ials.l2, 1e-9, 1e9, "R", "penalty on the squares of an embedding, times its weight"),
	OPT_REAL(0, "l2-exponent", &cfg.ials.l2_exponent, 0, 4, "R", "the weight is the number of interactions, observed and not, to this power"),
	OPT_REAL(0, "unobserved-weight", &cfg.ials.unobserved_weight, 1e-9, 1e9, "R", "of a user and item without an interaction; one with it has 1 more"),
	OPT_UINT('e', "epochs", &cfg.epochs, 1, 1000000, "E", "times that all users and all items are solved for"),
	OPT_UINT64('s', "seed", &cfg.ials.seed, 0, OPT_UINT64_MAX, "S", "seed of the first item embeddings"),
	OPT_LOCAL_UINT('t', "threads", &cfg.threads, 1, 1024, "N", "threads; never changes the result"),
	OPT_END
};
/* clang-format on */

static const struct opt_program program = {
	.name = "ials-train",
	.operands = "[INPUT]",
	.max_operands = 1,
	.summary = "Factorize interactions by alternating least squares.",
	.reads = "interaction records",
	.writes = "a model in the safetensors format, of kind mf",
	.examples = { "ials-train --factors 64 -o model.safetensors train.cof",
		"ials-train --l2 0.01 --unobserved-weight 0.3 -e 8 -o m.safetensors train.cof",
		"ials-train -q -o ials.safetensors train.cof &&\n"
		"    neumf-score -m ials.safetensors -a --seen train.cof test.cof | rank-eval" },
	.tables = { options },
};

static void train(struct ials *ials)
{
	double loss;

	progress_start("epochs", cfg.epochs);
	for (uint32_t e = 0; e < cfg.epochs; e++) {
		ials_epoch(ials);
		progress_at(e + 1);
	}
	progress_end();
	loss = ials_loss(ials);
	if (!isfinite(loss))
		die("the loss is not finite after %u epochs: --l2 is too small", cfg.epochs);
	note("loss %.8g after %u epochs", loss, cfg.epochs);
}

int main(int argc, char **argv)
{
	cfg.threads = pool_cores();
	char **operands = opt_parse(argc, argv, &program);
	struct rec_reader *in;
	struct pool *pool;
	struct ials *ials;

	if (!cfg.output)
		die_usage("option --output is required");
	in = rec_open(operands[0], 1u << REC_INTERACTION);
	rec_check_whole(
		rec_name(in), rec_header(in), "a model is learned from the rows of all users");
	if (rec_header(in)->num_users == 0 || rec_header(in)->num_items == 0)
		die("'%s' has no users or no items", rec_name(in));
	struct stream_out *model = stream_create(cfg.output, true);
	struct js *provenance = rec_provenance(rec_header(in), opt_provenance());
	pool = pool_new(cfg.threads);
	ials = ials_new(in, &cfg.ials, pool);
	train(ials);

	const struct model_info info = { .seed = cfg.ials.seed,
		.device = "cpu",
		.compute = "ials",
		.provenance = provenance,
		.user_ids = &rec_header(in)->user_ids,
		.item_ids = &rec_header(in)->item_ids };
	const struct neumf_shape shape = ials_shape(ials);
	model_file_save(model, &shape, &info, ials_values, ials);
	rec_close(in, true);
	ials_free(ials);
	pool_free(pool);
	js_free(provenance);
	return 0;
}
