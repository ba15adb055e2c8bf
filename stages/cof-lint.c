/*
 * cof-lint: what spoils an experiment, found before anybody believes its numbers.
 * Reads train, and valid, test, candidate lists and a model where they are given; writes a table or
 * JSON. Memory: 4 bytes per row, 24 per user (lib/data/lint_part.h).
 *   cof-lint train.cof --test test.cof
 */
#include "base/die.h"
#include "base/number.h"
#include "cli/opt.h"
#include "data/lint.h"
#include "stream/record.h"
#include "stream/safetensors.h"
#include "stream/stream.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static struct {
	const char *valid, *test, *candidates, *model;
	bool json;
} cfg;

static const struct opt options[] = {
	OPT_PATH(0, "valid", &cfg.valid, "FILE", "the valid part"),
	OPT_PATH(0, "test", &cfg.test, "FILE", "the test part"),
	OPT_PATH(0, "candidates", &cfg.candidates, "FILE", "lists of test items and negatives"),
	OPT_PATH('m', "model", &cfg.model, "FILE", "a model that is to be tested"),
	OPT_FLAG(0, "json", &cfg.json, "print JSON"),
	OPT_END,
};

static const struct opt_program program = {
	.name = "cof-lint",
	.operands = "[TRAIN]",
	.max_operands = 1,
	.summary = "Looks for what spoils an experiment: leaks, duplicates, ids, times.",
	.reads = "rating or interaction records; of --candidates, sample records",
	.writes = "a text table or JSON; exit status 1 where a check says error",
	.examples = { "cof-lint --test test.cof train.cof",
		"cof-lint --test test.cof --model model.safetensors --json train.cof |\n"
		"    jq -r '.checks[] | select(.verdict != \"ok\").text'",
		"negsample --candidates 99 --exclude train.cof test.cof >lists.cof &&\n"
		"    cof-lint --test test.cof --candidates lists.cof train.cof" },
	.tables = { options },
};

/* What a model file says of its ids and rows. Only its header is read. */
static void read_model(struct rec_header *h)
{
	struct safetensors_in *file = safetensors_open(cfg.model);
	const struct js *metadata = safetensors_metadata(file);
	const char *const key[] = { "users", "items" };
	const char *provenance = js_get_string(metadata, "provenance");
	uint64_t bound[2];
	char why[128];

	for (unsigned k = 0; k < 2; k++) {
		const char *text = js_get_string(metadata, key[k]);

		if (!text || !number_parse_uint(text, 1, UINT32_MAX, &bound[k]))
			die("'%s' is no model: its metadata lack a number of %s", cfg.model,
				key[k]);
	}
	*h = (struct rec_header){ .num_users = (uint32_t)bound[0],
		.num_items = (uint32_t)bound[1] };
	for (unsigned k = 0; k < 2; k++) {
		const char *text = js_get_string(metadata, k ? "item_ids" : "user_ids");
		struct js *pairs = text ? js_parse(text, strlen(text), why, sizeof(why)) : NULL;

		if (text && (!pairs || !id_family_parse(k ? &h->item_ids : &h->user_ids, pairs)))
			die("'%s': its metadata have %s ids that are no list of [count, hash]",
				cfg.model, k ? "item" : "user");
		js_free(pairs);
	}
	if (provenance)
		h->provenance = js_parse(provenance, strlen(provenance), why, sizeof(why));
}

static void print_table(const struct lint *l, struct stream_out *out)
{
	for (unsigned k = 0; k < l->num; k++) {
		const struct lint_check *c = &l->check[k];

		stream_printf(out, "%-8s %-20s %" PRIu64 " of %" PRIu64 "\n",
			lint_verdict_names[c->verdict], c->id, c->count, c->of);
		if (c->verdict != LINT_OK)
			stream_printf(out, "         %s\n         %s\n", c->what, c->mend);
	}
}

static void print_json(const struct lint *l, struct stream_out *out)
{
	struct js *v = js_object(), *checks = js_array();
	char *text;

	for (unsigned k = 0; k < l->num; k++) {
		const struct lint_check *c = &l->check[k];
		struct js *one = js_object();

		js_put(one, "id", js_string(c->id));
		js_put(one, "verdict", js_string(lint_verdict_names[c->verdict]));
		js_put(one, "count", js_int((int64_t)c->count));
		js_put(one, "of", js_int((int64_t)c->of));
		js_put(one, "text", js_string(c->what));
		if (c->verdict != LINT_OK)
			js_put(one, "mend", js_string(c->mend));
		js_append(checks, one);
	}
	js_put(v, "checks", checks);
	text = js_dump(v, true);
	stream_printf(out, "%s\n", text);
	free(text);
	js_free(v);
}

int main(int argc, char **argv)
{
	char **operands = opt_parse(argc, argv, &program);
	struct lint_part train, valid = { 0 }, test = { 0 };
	struct lint_lists candidates = { 0 };
	struct rec_header model = { 0 };
	struct stream_out *out;
	struct lint lint;
	unsigned errors = 0;

	lint_part_read(&train, operands[0], NULL);
	if (cfg.valid)
		lint_part_read(&valid, cfg.valid, &train);
	if (cfg.test)
		lint_part_read(&test, cfg.test, &train);
	if (cfg.candidates)
		lint_lists_read(&candidates, cfg.candidates, &train);
	if (cfg.model)
		read_model(&model);
	lint_run(&lint,
		&(struct lint_input){ &train, cfg.valid ? &valid : NULL, cfg.test ? &test : NULL,
			cfg.candidates ? &candidates : NULL, cfg.model ? &model : NULL });
	out = stream_create("-", false);
	(cfg.json ? print_json : print_table)(&lint, out);
	stream_commit(out);
	for (unsigned k = 0; k < lint.num; k++)
		errors += lint.check[k].verdict == LINT_ERROR;
	if (errors)
		die("'%s': %u check%s found an error", train.name, errors, errors > 1 ? "s" : "");
	lint_part_release(&train);
	lint_part_release(&valid);
	lint_part_release(&test);
	lint_lists_release(&candidates);
	rec_header_release(&model);
	return 0;
}
