#include "cli/item_options.h"

#include "base/die.h"
#include "base/pool.h"
#include "cli/score_options.h"
#include "linear/item_weights.h"
#include "stream/record.h"
#include "stream/stream.h"

#include <string.h>

static struct {
	const char *train, *model, *save_model;
} cfg;

static const struct opt options[] = {
	OPT_PATH(0, "train", &cfg.train, "FILE",
		"interactions to learn from (needed), or with --model those of the users"),
	OPT_PATH('m', "model", &cfg.model, "FILE", "what --save-model wrote, in place of learning"),
	OPT_OUTPUT(0, "save-model", &cfg.save_model, "FILE",
		"write what is learned here, and score nothing"),
	OPT_END,
};

const struct opt *item_options(void)
{
	return options;
}

static void check_options(const struct item_method *method, const char *input)
{
	const char *scoring = score_options_given();

	if (cfg.model && cfg.save_model)
		die_usage("options --model and --save-model exclude each other");
	if (cfg.save_model && scoring)
		die_usage("option --save-model: nothing is scored, --%s has no use", scoring);
	if (cfg.save_model && input)
		die_usage(
			"option --save-model: nothing is scored, the input '%s' has no use", input);
	if (!cfg.model && !cfg.train)
		die_usage("option --train is missing");
	if (cfg.model && !cfg.train && !score_options_user_items())
		die_usage("option --model: it knows no users: --train or --user-items says which "
			  "items they have");
	if (cfg.model && cfg.train && score_options_user_items())
		die_usage("option --model: the items of users come from --train or from "
			  "--user-items, not from both");
	for (const struct opt *o = method->settings; cfg.model && o->type != OPT_T_END; o++)
		if (opt_given(o->value))
			die_usage("option --%s goes with learning: a model that is read has its "
				  "own",
				o->name);
	if (!cfg.model && method->check)
		method->check();
}

static void learn_and_save(const struct item_method *method)
{
	struct stream_out *out = stream_create(cfg.save_model, true);
	struct rec_reader *train = rec_open(cfg.train, 1u << REC_INTERACTION);
	struct pool *pool = score_options_pool();
	struct js *entry, *provenance;
	void *model;

	rec_check_whole(rec_name(train), rec_header(train),
		"scores are learned from the rows of all users");
	model = method->learn(train, pool);
	entry = opt_provenance();
	rec_put_side(entry, "train", rec_header(train)->provenance);
	js_put(entry, "saves", js_bool(true)); /* it read no other stream, and scored nothing */
	provenance = rec_provenance(rec_header(train), entry);

	method->save(model, out, rec_header(train), provenance);
	js_free(provenance);
	method->free(model);
	pool_free(pool);
	rec_close(train, true);
}

/* The whole output, by a model that is released. */
static void score_by(const struct item_method *method, void *model, struct score_run *run)
{
	struct scorer scorer = method->scorer(model);

	score_run(run, &scorer);
	method->free(model);
	score_run_close(run);
}

static void learn_and_score(const struct item_method *method, struct score_run *run)
{
	struct rec_reader *train = rec_open(cfg.train, 1u << REC_INTERACTION);

	score_run_source(run, rec_name(train), rec_header(train));
	score_by(method, method->learn(train, score_run_pool(run)), run);
	rec_close(train, true);
}

/* The value of a setting, from JSON as opt_provenance made it. */
static bool take_value(const struct opt *o, const struct js *given)
{
	const struct js *v = js_get(given, o->name);
	uint64_t number;

	if (o->type == OPT_T_FLAG) { /* said where it was given */
		*(bool *)o->value = js_get_true(given, o->name);
		return !v || js_is_bool(v);
	}
	if (o->type == OPT_T_REAL)
		return js_number(v, o->value) && *(double *)o->value >= o->min &&
		       *(double *)o->value <= o->max;
	if (o->type == OPT_T_UINT && js_uint(v, &number) && number >= o->least &&
		number <= o->most) {
		*(uint32_t *)o->value = (uint32_t)number;
		return true;
	}
	for (unsigned k = 0; o->type == OPT_T_CHOICE && js_text(v) && o->choices[k]; k++)
		if (strcmp(o->choices[k], js_text(v)) == 0) {
			*(unsigned *)o->value = k;
			return true;
		}
	return false;
}

/* The settings become those that the weights were learned with, so that the output says them. */
static void take_settings(const struct item_method *method, const struct item_weights *w)
{
	const struct js *stages = item_weights_header(w)->provenance;
	const size_t num = js_length(stages);
	const struct js *entry = num > 0 ? js_at(stages, num - 1) : NULL;

	for (const struct opt *o = method->settings; o->type != OPT_T_END; o++)
		if (!entry || !take_value(o, js_get(entry, "options")))
			die("'%s' does not say its --%s", item_weights_name(w), o->name);
}

static void load_and_score(const struct item_method *method, struct score_run *run)
{
	struct item_weights *w = item_weights_open(cfg.model, method->name);

	take_settings(method, w);
	if (cfg.train)
		score_run_train(run, cfg.train);
	score_run_source(run, item_weights_name(w), item_weights_header(w));
	score_by(method, method->load(w, score_run_pool(run)), run);
	item_weights_close(w);
}

void item_options_run(const struct item_method *method, const char *input)
{
	check_options(method, input);
	if (cfg.save_model)
		learn_and_save(method);
	else if (cfg.model)
		load_and_score(method, score_run_open(input));
	else
		learn_and_score(method, score_run_open(input));
}
