/*
 * neumf-train: train a NeuMF, GMF, MLP or MF model on a stream of triples, samples or groups, in
 * one pass. Reads triple, sample or group records, writes a safetensors file; memory does not grow
 * with the input.
 *   negsample --pairwise --epochs 10 train.cof | neumf-train -o model.safetensors
 * Reads interaction records too, and then does negsample's work itself: the same model, sooner.
 *   neumf-train --pairwise --epochs 10 -o model.safetensors train.cof
 */
#include "base/die.h"
#include "base/js.h"
#include "base/mem.h"
#include "base/number.h"
#include "base/pool.h"
#include "cli/opt.h"
#include "cli/sampling_options.h"
#include "model/exchange.h"
#include "model/session.h"
#include "stream/claim.h"
#include "stream/record.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_BATCH = 1 << 24 };

enum { KEEP_BEST, KEEP_LAST };
static const char *const keep_names[] = { "best", "last", NULL };

static struct {
	const char *output, *log, *epochs_prefix, *init_from, *on_epoch;
	const char *checkpoint, *checkpoint_every, *resume;
	uint64_t every_epochs; /* of checkpoint_every, either this */
	double every_seconds;  /* or this */
	enum neumf_model model;
	bool bias;
	uint32_t factors, mlp_factors;
	struct opt_uints hidden;
	enum neumf_loss loss;
	bool sigmoid_output, drop_last;
	enum neumf_optimizer_kind optimizer;
	double margin, negative_weight;
	double lr, weight_decay, l2, init_std, alpha, max_seconds;
	uint32_t batch_size, threads, patience;
	enum neumf_dense_init dense_init;
	uint64_t seed;
	enum backend_device device;
	enum exchange_choice processes;
	unsigned precision, keep;
} cfg = { .checkpoint_every = "10m",
	.factors = 8,
	.hidden = { { 32, 16, 8 }, 3 },
	.margin = NAN,
	.negative_weight = NAN,
	.lr = 0.001,
	.init_std = 0.01,
	.alpha = NAN,
	.max_seconds = INFINITY,
	.batch_size = 256,
	.seed = 1 };

/* clang-format off */
static const struct opt options[] = {
	OPT_OUTPUT('o', "output", &cfg.output, "MODEL", "write the model here (required)"),
	OPT_CHOICE(0, "model", &cfg.model, neumf_model_names, "model to train"),
	OPT_FLAG(0, "bias", &cfg.bias, "mf has a bias for each user, each item, and all"),
	OPT_UINT('f', "factors", &cfg.factors, 1, NEUMF_MAX_WIDTH, "K", "width of the gmf embeddings"),
	OPT_UINT(0, "mlp-factors", &cfg.mlp_factors, 1, NEUMF_MAX_WIDTH, "K", "width of the mlp embeddings; not given: --factors"),
	OPT_UINTS(0, "hidden", &cfg.hidden, 1, NEUMF_MAX_WIDTH, "A,B,C", "widths of the hidden layers"),
	OPT_CHOICE('l', "loss", &cfg.loss, neumf_loss_names, "loss; not given: bce for samples, bpr for triples and groups"),
	OPT_REAL(0, "margin", &cfg.margin, -1, 1, "M", "of ccl: cosines of negatives up to M cost nothing; not given: 0.9"),
	OPT_REAL(0, "negative-weight", &cfg.negative_weight, 0, FLT_MAX, "W", "of ccl: weight of the mean over a group's negatives; not given: 150"),
	OPT_FLAG(0, "sigmoid-output", &cfg.sigmoid_output, "the score is the sigmoid of the logit (bpr and hinge)"),
	OPT_CHOICE(0, "optimizer", &cfg.optimizer, neumf_optimizer_names, "optimizer"),
	OPT_REAL(0, "lr", &cfg.lr, 0, FLT_MAX, "R", "learning rate"),
	OPT_REAL(0, "weight-decay", &cfg.weight_decay, 0, FLT_MAX, "R", "added to every gradient: R x weight"),
	OPT_REAL(0, "l2", &cfg.l2, 0, FLT_MAX, "R", "the same for each occurrence of an embedding row, over the batch size"),
	OPT_UINT('b', "batch-size", &cfg.batch_size, 1, MAX_BATCH, "N", "rows of a batch"),
	OPT_FLAG(0, "drop-last", &cfg.drop_last, "leave out a short batch at the end of the stream"),
	OPT_REAL(0, "init-std", &cfg.init_std, 0, FLT_MAX, "R", "standard deviation of the first weights"),
	OPT_CHOICE(0, "dense-init", &cfg.dense_init, neumf_dense_init_names, "how hidden layers and head start"),
	OPT_STRING(0, "init-from", &cfg.init_from, "MODEL[,MODEL]", "start from this model; from a gmf and an mlp: a neumf"),
	OPT_REAL(0, "alpha", &cfg.alpha, 0, 1, "A", "share of the gmf in the head, of the mlp 1 - A; not given: 0.5"),
	OPT_LOCAL_FLAG(0, "ids-unchecked", &ids_unchecked, "start from a model, or take --exclude files, of another id map too"),
	OPT_OUTPUT_SERIES(0, "save-epochs", &cfg.epochs_prefix, SESSION_EPOCH_SUFFIX, "PREFIX", "save each epoch's model as PREFIX-0001.safetensors ..."),
	OPT_OUTPUT(0, "log", &cfg.log, "FILE", "write a JSON line an epoch here; may be a FIFO, - is stdout"),
	OPT_LOCAL_STRING(0, "on-epoch", &cfg.on_epoch, "COMMAND", "measure each epoch: prints one number for $COFILTER_MODEL, greater is better"),
	OPT_UINT(0, "patience", &cfg.patience, 1, UINT32_MAX, "N", "stop after N epochs without a better one; not given: 0, do not"),
	OPT_LOCAL_CHOICE(0, "keep", &cfg.keep, keep_names, "which epoch of --on-epoch becomes the model"),
	OPT_LOCAL_REAL(0, "max-seconds", &cfg.max_seconds, 0, FLT_MAX, "R", "stop after the batch in training when R seconds are over"),
	OPT_OUTPUT_REPLACING(0, "checkpoint", &cfg.checkpoint, "resume", "FILE", "save here, now and then, what --resume goes on from"),
	OPT_LOCAL_STRING(0, "checkpoint-every", &cfg.checkpoint_every, "N[s|m|h]", "how often: N epochs, or seconds, minutes, hours"),
	OPT_PATH(0, "resume", &cfg.resume, "FILE", "go on from this checkpoint of the same training"),
	OPT_UINT64('s', "seed", &cfg.seed, 0, OPT_UINT64_MAX, "S", "seed of the first weights"),
	OPT_LOCAL_UINT('t', "threads", &cfg.threads, 1, 1024, "N", "threads; never changes the result"),
	OPT_LOCAL_CHOICE(0, "processes", &cfg.processes, exchange_choice_names, "train with those that mpirun started; never changes the result"),
	OPT_LOCAL_CHOICE('d', "device", &cfg.device, backend_device_names, "what computes"),
	OPT_CHOICE(0, "precision", &cfg.precision, backend_precision_names, "of matrix products on a cuda device"),
	OPT_END
};

static const struct opt_program program = {
	.name = "neumf-train",
	.operands = "[INPUT]",
	.max_operands = 1,
	.summary = "Train a neural matrix factorization on a stream of examples, in one pass.",
	.reads = "triple (bpr, hinge), sample (bce) or group records (all), or interaction records, of which it makes these",
	.writes = "a model in the safetensors format",
	.stdout_is_named = true,
	.examples = {
"negsample --pairwise --epochs 10 train.cof | neumf-train -o model.safetensors",
"# the same without a pipe\n"
"neumf-train --pairwise --epochs 10 -o model.safetensors train.cof",
"# the best of 9 epochs\n"
"negsample --epochs 9 train.cof | neumf-train -o best.safetensors --on-epoch \\\n"
"    'neumf-score -q -m $COFILTER_MODEL -a --seen train.cof valid.cof |\n"
"     rank-eval -q --only NDCG@10'"
},
	.tables = {options},
	.apart = sampling_train_options,
};
/* clang-format on */

/* --checkpoint-every: a number of epochs, or of seconds; the other is 0. */
static void parse_interval(const char *text)
{
	static const struct {
		char letter;
		double seconds;
	} unit[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 } };
	const size_t n = strlen(text);
	char *digits = xstrdup(text);
	uint64_t number;

	for (size_t k = 0; k < sizeof(unit) / sizeof(*unit); k++)
		if (n > 0 && text[n - 1] == unit[k].letter) {
			digits[n - 1] = '\0';
			cfg.every_seconds = unit[k].seconds;
		}
	if (!number_parse_uint(digits, 1, UINT32_MAX, &number))
		die_usage(
			"option --checkpoint-every: '%s' is not a number from 1 on, with s, m or h behind it for a time",
			text);
	if (cfg.every_seconds > 0)
		cfg.every_seconds *= (double)number;
	else
		cfg.every_epochs = number;
	free(digits);
}

static void check_checkpoints(const char *input)
{
	parse_interval(cfg.checkpoint_every);
	if (opt_given(&cfg.checkpoint_every) && !cfg.checkpoint)
		die_usage("option --checkpoint-every needs --checkpoint");
	if (cfg.checkpoint && strcmp(cfg.checkpoint, "-") == 0)
		die_usage("option --checkpoint: it is a file, not standard output");
	if (cfg.resume && strcmp(cfg.resume, "-") == 0 && (!input || strcmp(input, "-") == 0))
		die_usage("option --resume: standard input holds the records");
}

/* --loss ccl and its options, which have values then. */
static void check_ccl(void)
{
	if (cfg.loss != LOSS_CCL) {
		if (opt_given(&cfg.margin) || opt_given(&cfg.negative_weight))
			die_usage("options --margin and --negative-weight go with --loss ccl");
		return;
	}
	if (cfg.model != MODEL_MF || cfg.bias || cfg.sigmoid_output)
		die_usage(
			"option --loss ccl is of cosines: it goes with --model mf, without --bias and --sigmoid-output");
	if (cfg.device == DEVICE_CUDA)
		die_usage("option --loss ccl runs on cpu and reference only");
	if (cfg.device == DEVICE_AUTO)
		cfg.device = DEVICE_CPU;
	cfg.margin = opt_given(&cfg.margin) ? cfg.margin : 0.9;
	cfg.negative_weight = opt_given(&cfg.negative_weight) ? cfg.negative_weight : 150;
}

static const char alpha_of_two[] =
	"option --alpha goes with --init-from MODEL,MODEL (of --sampler popularity it is --sampling-alpha)";

static void check_options(void)
{
	if (!cfg.output)
		die_usage("option --output is required");
	if (cfg.lr == 0)
		die_usage("option --lr: must be above 0");
	if (cfg.bias && cfg.model != MODEL_MF)
		die_usage("option --bias goes with --model mf");
	if (cfg.sigmoid_output && opt_given(&cfg.loss) && cfg.loss == LOSS_BCE)
		die_usage("option --sigmoid-output goes with --loss bpr or hinge");
	if (!cfg.on_epoch && (opt_given(&cfg.patience) || opt_given(&cfg.keep)))
		die_usage("options --patience and --keep go with --on-epoch");
	if (!cfg.init_from && opt_given(&cfg.alpha))
		die_usage("%s", alpha_of_two);
	if (exchange_wanted(cfg.processes) && cfg.device != DEVICE_AUTO && cfg.device != DEVICE_CPU)
		die_usage("option --device: several processes compute on cpu only");
	if (cfg.hidden.num > NEUMF_MAX_HIDDEN)
		die_usage("option --hidden: more than %d layers", NEUMF_MAX_HIDDEN);
}

/* What a failing command of --on-epoch leaves without --checkpoint. After a first failure --resume
   may have read that file. */
static const char *claim_kept(void)
{
	char *path = xasprintf("%s.checkpoint", cfg.output);

	claim_file(path, (struct claim_for){ .use = CLAIM_WRITE, .replaces = "resume" });
	return path;
}

/* Interactions: do the work of negsample. `kinds` are those that the loss can be computed from. */
static struct rec_reader *open_sampled(struct rec_reader *in, unsigned kinds)
{
	sampling_check_names(opt_given(&cfg.seed), cfg.init_from && opt_given(&cfg.alpha));
	if (opt_given(&cfg.loss) && !sampling_kind_given())
		sampling_set_kind(cfg.loss == LOSS_CCL	 ? REC_GROUP
				  : cfg.loss == LOSS_BCE ? REC_SAMPLE
							 : REC_TRIPLE);
	const struct sampling_choice choice = sampling_chosen();

	if (!(kinds >> choice.kind & 1))
		die_usage("option --loss: %s is not computed from %s records",
			neumf_loss_names[cfg.loss], rec_info[choice.kind].name);
	return sampling_source(in, &choice, sampling_entry());
}

/* The loss decides which records will do, or, where none is given, the records the loss. */
static struct rec_reader *open_input(const char *path)
{
	const unsigned pairwise = 1u << REC_TRIPLE, pointwise = 1u << REC_SAMPLE;
	unsigned kinds = pairwise | pointwise;

	if (opt_given(&cfg.loss))
		kinds = cfg.loss == LOSS_CCL ? 0 : cfg.loss == LOSS_BCE ? pointwise : pairwise;
	kinds |= 1u << REC_GROUP;
	struct rec_reader *in = rec_open(path, kinds | 1u << REC_INTERACTION);
	rec_check_whole(
		rec_name(in), rec_header(in), "a model is learned from the rows of all users");
	const char *sampling = opt_first_given(sampling_train_options);
	if (rec_header(in)->kind == REC_INTERACTION)
		in = open_sampled(in, kinds);
	else if (sampling)
		die_usage("option --%s goes with interaction records, '%s' holds %s records",
			sampling, rec_name(in), rec_info[rec_header(in)->kind].name);
	if (!opt_given(&cfg.loss))
		cfg.loss = rec_header(in)->kind == REC_SAMPLE ? LOSS_BCE : LOSS_BPR;
	if (cfg.sigmoid_output && cfg.loss == LOSS_BCE)
		die_usage(
			"option --sigmoid-output goes with triple or group records, '%s' holds samples",
			rec_name(in));
	if (rec_header(in)->first_row > 0 && !cfg.resume)
		die("'%s' begins with row %" PRIu64
		    " of its epochs: training starts with the first, unless --resume goes on",
			rec_name(in), rec_header(in)->first_row + 1);
	return in;
}

/* The models of --init-from. In the provenance their checksums stand for them, not their names. */
static struct warm_start *load_init(void)
{
	char *paths[WARM_START_MAX_MODELS] = { 0 }, *next = xstrdup(cfg.init_from);
	unsigned num = 0;

	for (; next; num++) {
		char *comma = strchr(next, ',');

		if (num == WARM_START_MAX_MODELS || *next == ',' || *next == '\0')
			die_usage("option --init-from: '%s' is not MODEL or MODEL,MODEL",
				cfg.init_from);
		if (comma)
			*comma = '\0';
		paths[num] = next;
		next = comma ? comma + 1 : NULL;
	}
	if (num == 1 && opt_given(&cfg.alpha))
		die_usage("%s", alpha_of_two);
	if (num == 2 && !opt_given(&cfg.alpha))
		cfg.alpha = 0.5;
	struct warm_start *init = warm_start_open((const char *const *)paths, num);
	cfg.init_from = warm_start_checksums(init);
	free(paths[0]);
	return init;
}

/* This run's entry of the provenance. */
static struct js *make_entry(const struct warm_start *init)
{
	struct js *entry = opt_provenance();

	for (unsigned k = 0; init && k < warm_start_num(init); k++)
		rec_put_side(entry, "init-from", warm_start_provenance(init, k));
	return entry;
}

static struct neumf_shape make_shape(const struct rec_header *h)
{
	struct neumf_shape s = { .model = cfg.model,
		.loss = cfg.loss,
		.sigmoid_output = cfg.sigmoid_output,
		.num_users = h->num_users,
		.num_items = h->num_items,
		.bias = cfg.bias };
	const char *why;

	if (cfg.loss == LOSS_CCL) {
		s.ccl = (struct neumf_ccl){ h->negatives, cfg.margin, cfg.negative_weight };
		if (neumf_items_per_row(&s) > UINT32_MAX / cfg.batch_size)
			die("cannot train: a batch of %" PRIu32 " groups of %" PRIu32
			    " negatives is too large",
				cfg.batch_size, h->negatives);
	}
	if (neumf_has_gmf(&s))
		s.factors = cfg.factors;
	if (neumf_has_mlp(&s)) {
		s.mlp_factors = opt_given(&cfg.mlp_factors) ? cfg.mlp_factors : cfg.factors;
		s.num_hidden = cfg.hidden.num;
		memcpy(s.hidden, cfg.hidden.value, s.num_hidden * sizeof(*s.hidden));
	}
	if ((why = neumf_check(&s)))
		die("cannot train: %s", why);
	return s;
}

/* What a process does that another one leads. A training with a checkpoint ends as that one does
   when signals come, which its launcher may send to all. */
static int follow(struct exchange *x)
{
	static const int answered[] = { SIGTERM, SIGINT, SIGUSR1 };
	struct pool *pool = pool_new(cfg.threads);

	for (size_t k = 0; cfg.checkpoint && k < sizeof(answered) / sizeof(*answered); k++)
		signal(answered[k], SIG_IGN);
	backend_follow(x, pool);
	x->end(x);
	pool_free(pool);
	return 0;
}

int main(int argc, char **argv)
{
	exchange_hush_followers();
	cfg.threads = pool_cores();
	char **operands = opt_parse(argc, argv, &program);
	check_options();
	check_ccl();
	check_checkpoints(operands[0]);
	const char *kept = cfg.on_epoch && !cfg.checkpoint ? claim_kept() : NULL;
	struct exchange *exchange = exchange_start(cfg.processes);
	if (exchange && exchange->rank > 0)
		return follow(exchange);

	struct rec_reader *in = open_input(operands[0]);
	struct warm_start *init = cfg.init_from ? load_init() : NULL;
	struct js *provenance = rec_provenance(rec_header(in), make_entry(init));
	const struct session_config config = { .in = in,
		.provenance = provenance,
		.shape = make_shape(rec_header(in)),
		.optimizer = { .kind = cfg.optimizer,
			.lr = cfg.lr,
			.weight_decay = cfg.weight_decay,
			.l2 = cfg.l2,
			.beta1 = 0.9,
			.beta2 = 0.999,
			.eps = 1e-8 },
		.batch_size = cfg.batch_size,
		.drop_last = cfg.drop_last,
		.init_std = cfg.init_std,
		.dense_init = cfg.dense_init,
		.seed = cfg.seed,
		.init = init,
		.alpha = cfg.alpha,
		.kept = kept,
		.on_epoch = cfg.on_epoch,
		.patience = cfg.patience,
		.keep_best = cfg.on_epoch && cfg.keep == KEEP_BEST,
		.max_seconds = cfg.max_seconds,
		.device = cfg.device,
		.precision = cfg.precision,
		.threads = cfg.threads,
		.exchange = exchange,
		.output = cfg.output,
		.epochs_prefix = cfg.epochs_prefix,
		.log = cfg.log,
		.checkpoint = cfg.checkpoint,
		.every_epochs = cfg.every_epochs,
		.every_seconds = cfg.every_seconds,
		.resume = cfg.resume };
	session_run(&config);
	if (exchange)
		exchange->end(exchange);
	js_free(provenance);
	return 0;
}
