#include "cli/sampling_options.h"

#include "base/die.h"
#include "base/mem.h"
#include "data/epoch_source.h"
#include "stream/split_id.h"

enum sampler_kind { SAMPLER_UNIFORM, SAMPLER_POPULARITY };
static const char *const sampler_names[] = { "uniform", "popularity", NULL };

static struct {
	bool pairwise, pointwise, grouped;
	uint32_t negatives, epochs;
	enum sampler_kind sampler;
	double alpha;
	struct opt_paths exclude;
	uint64_t seed;
} cfg = { .negatives = 1, .epochs = 1, .alpha = 0.75, .seed = 1 };

/* clang-format off */
#define SEED_HELP "seed of the draws and the order"
#define ROWS_OPTIONS(what, usual, alpha_name) \
	OPT_FLAG(0, "pairwise", &cfg.pairwise, what " triples: user, positive, negative " usual), \
	OPT_FLAG(0, "pointwise", &cfg.pointwise, what " samples: user, item, label"), \
	OPT_FLAG(0, "grouped", &cfg.grouped, what " groups: user, positive, its --negatives in one row"), \
	OPT_UINT(0, "negatives", &cfg.negatives, 1, 1 << 20, "N", "negatives for each positive"), \
	OPT_UINT('e', "epochs", &cfg.epochs, 1, UINT32_MAX, "E", "epochs, each in its own order with its own negatives"), \
	OPT_CHOICE(0, "sampler", &cfg.sampler, sampler_names, "how negatives are drawn"), \
	OPT_REAL(0, alpha_name, &cfg.alpha, 0, 16, "A", "popularity: an item's weight is its count to this power"), \
	OPT_PATHS('x', "exclude", &cfg.exclude, "FILE", "interactions that are no negatives either")

const struct opt sampling_options[] = { ROWS_OPTIONS("write", "(this is the default)", "alpha"), OPT_END };
const struct opt sampling_seed_option[] = {
	OPT_UINT64('s', "seed", &cfg.seed, 0, OPT_UINT64_MAX, "S", SEED_HELP),
	OPT_END
};
const struct opt sampling_train_options[] = {
	ROWS_OPTIONS("interactions: make", "(the default, but for bce and ccl)", "sampling-alpha"),
	OPT_UINT64(0, "sampling-seed", &cfg.seed, 0, OPT_UINT64_MAX, "S", SEED_HELP),
	OPT_LOCAL_FLAG(0, "splits-unchecked", &splits_unchecked, "take --exclude files of another run of ml-split too"),
	OPT_END
};
/* clang-format on */

struct sampling_choice sampling_chosen(void)
{
	if (cfg.pairwise + cfg.pointwise + cfg.grouped > 1)
		die_usage("options --pairwise, --pointwise and --grouped exclude each other");
	if (cfg.grouped && cfg.negatives > REC_MAX_NEGATIVES)
		die_usage("option --negatives: a group has at most %d", REC_MAX_NEGATIVES);
	if (opt_given(&cfg.alpha) && cfg.sampler != SAMPLER_POPULARITY)
		die_usage("option --%s needs --sampler popularity", opt_name(&cfg.alpha));
	return (struct sampling_choice){
		.kind = cfg.grouped	? REC_GROUP
			: cfg.pointwise ? REC_SAMPLE
					: REC_TRIPLE,
		.negatives = cfg.negatives,
		.epochs = cfg.epochs,
		.config = { cfg.sampler == SAMPLER_POPULARITY, cfg.alpha, cfg.seed },
	};
}

bool sampling_kind_given(void)
{
	return cfg.pairwise || cfg.pointwise || cfg.grouped;
}

bool sampling_rows_given(void)
{
	return sampling_kind_given() || opt_given(&cfg.negatives) || opt_given(&cfg.epochs);
}

void sampling_check_names(bool seed, bool alpha)
{
	if (seed && !opt_given(&cfg.seed))
		die_usage(
			"option --seed is of the first weights: with interaction records, --sampling-seed is to be said beside it");
	if (alpha && cfg.sampler == SAMPLER_POPULARITY && !opt_given(&cfg.alpha))
		die_usage(
			"option --alpha is of --init-from: with --sampler popularity, --sampling-alpha is to be said beside it");
}

void sampling_set_kind(enum rec_kind kind)
{
	cfg.pointwise = kind == REC_SAMPLE;
	cfg.grouped = kind == REC_GROUP;
}

struct sampling_inputs sampling_open(struct rec_reader *in, struct js *entry)
{
	struct sampling_inputs inputs = { .in = in,
		.exclude = xcalloc(cfg.exclude.num, sizeof(struct rec_reader *)),
		.num_exclude = cfg.exclude.num };

	for (unsigned k = 0; k < cfg.exclude.num; k++) {
		struct rec_reader *other = rec_open(cfg.exclude.path[k], 1u << REC_INTERACTION);

		rec_check_families(
			rec_name(in), rec_header(in), rec_name(other), rec_header(other));
		split_id_check(rec_name(in), rec_header(in), rec_name(other), rec_header(other));
		rec_check_covers(rec_name(other), rec_header(other), rec_name(in), rec_header(in));
		rec_put_side(entry, "exclude", rec_header(other)->provenance);
		inputs.exclude[k] = other;
	}
	return inputs;
}

struct rec_reader *sampling_source(
	struct rec_reader *in, const struct sampling_choice *choice, struct js *entry)
{
	struct epoch_source_config config = { .inputs = sampling_open(in, entry),
		.name = rec_name(in),
		.negatives = choice->negatives,
		.sampling = choice->config,
		.seed_name = opt_name(&cfg.seed) };
	struct rec_header header;

	rec_header_init(&header, choice->kind, rec_header(in), entry);
	header.epochs = choice->epochs;
	header.negatives = choice->kind == REC_GROUP ? choice->negatives : 0;
	config.header = &header;
	return epoch_source_open(&config);
}

struct js *sampling_entry(void)
{
	static const struct opt *const tables[] = { sampling_options, sampling_seed_option, NULL };

	return opt_entry("negsample", tables);
}
