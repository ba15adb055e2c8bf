/*
 * rank-cmp: paired comparison of rankings of the same users.
 * Reads score or rank records of two or more systems, writes a text table or JSON; memory: a few
 * numbers per user, system and metric, and per resample and metric.
 *   rank-cmp pop.cof knn.cof neumf.cof
 */
#include "base/die.h"
#include "base/mem.h"
#include "base/pool.h"
#include "base/progress.h"
#include "cli/input_report.h"
#include "cli/opt.h"
#include "rank/comparison.h"
#include "rank/user_ranks.h"
#include "stream/id_family.h"
#include "stream/record.h"
#include "stream/stream.h"

#include <stdlib.h>
#include <string.h>

static struct {
	const char *metrics;
	unsigned ties;
	bool all_pairs, json, strict;
	uint32_t resamples, threads;
	uint64_t seed;
} cfg = { .metrics = "HR@10,NDCG@10", .resamples = 10000, .seed = 1 };

static const struct opt options[] = {
	OPT_STRING(0, "metrics", &cfg.metrics, "METRIC,...", "what to compare"),
	OPT_CHOICE(0, "ties", &cfg.ties, tie_policy_names, "order of items of equal score"),
	OPT_FLAG(0, "all-pairs", &cfg.all_pairs,
		"compare every two systems, not each with the first"),
	OPT_UINT(0, "resamples", &cfg.resamples, 100, 10000000, "N",
		"of the bootstrap, and assignments of the randomization test"),
	OPT_UINT64('s', "seed", &cfg.seed, 0, OPT_UINT64_MAX, "S", "seed of the resampling"),
	OPT_FLAG(0, "json", &cfg.json, "print JSON"),
	OPT_LOCAL_FLAG(0, "ids-unchecked", &ids_unchecked, "take files of different id maps"),
	OPT_FLAG(0, "strict", &cfg.strict, "what is reported about the input is an error"),
	OPT_LOCAL_UINT('t', "threads", &cfg.threads, 1, 1024, "N",
		"threads; the output never depends on them"),
	OPT_END,
};

static const struct opt_program program = {
	.name = "rank-cmp",
	.operands = "BASELINE [INPUT]...",
	.max_operands = COMPARISON_MAX_SYSTEMS,
	.summary = "Compares rankings of the same users: differences, intervals, p values.",
	.reads = "score or rank records, the rows of a user together",
	.writes = "a text table or JSON",
	.examples = { "rank-cmp pop.cof knn.cof",
		"rank-cmp --metrics NDCG@10,AUC --json pop.cof knn.cof | jq '.comparisons'",
		"pop-score --train train.cof -a --seen train.cof test.cof | rank-cmp knn.cof -" },
	.tables = { options },
};

/* The metrics of --metrics, each once. */
static void parse_metrics(struct comparison *c)
{
	char *copy = xstrdup(cfg.metrics), *next = copy;

	while (next) {
		char *comma = strchr(next, ',');
		struct evaluation_name name;

		if (comma)
			*comma = '\0';
		if (c->num_metrics == COMPARISON_MAX_METRICS)
			die_usage("option --metrics: more than %d", COMPARISON_MAX_METRICS);
		if (!evaluation_parse_name(next, &c->cutoffs, &name))
			die_usage("option --metrics: '%s' is not " EVALUATION_NAMES, next);
		for (unsigned m = 0; m < c->num_metrics; m++)
			if (c->metric[m].metric == name.metric &&
				c->metric[m].cutoff == name.cutoff)
				die_usage("option --metrics: %s twice", next);
		c->metric[c->num_metrics++] = name;
		next = comma ? comma + 1 : NULL;
	}
	free(copy);
}

static void read_systems(struct comparison *c, struct rec_reader **in, unsigned num)
{
	struct user_ranks_report found = { 0 };

	progress_start("rows", 0);
	for (unsigned k = 0; k < num; k++) {
		for (unsigned before = 0; before < k; before++)
			rec_check_families(rec_name(in[k]), rec_header(in[k]), rec_name(in[before]),
				rec_header(in[before]));
		comparison_add(c, in[k], &found);
	}
	progress_end();
	report_user_ranks(cfg.strict, &found);
	report(cfg.strict, "users with more or fewer candidates than in the first input",
		c->other_candidates);
}

static void print_result(const struct comparison *c, const struct significance_resampling *r)
{
	struct comparison_result result;
	struct stream_out *out = stream_create("-", false);

	comparison_run(c, cfg.all_pairs, r, &result);
	(cfg.json ? comparison_json : comparison_table)(c, &result, r, out);
	stream_commit(out);
	comparison_result_release(&result);
}

int main(int argc, char **argv)
{
	struct rec_reader *in[COMPARISON_MAX_SYSTEMS];
	unsigned num = 0;

	cfg.threads = pool_cores();
	char **operands = opt_parse(argc, argv, &program);
	struct comparison c = { .ties = cfg.ties };

	parse_metrics(&c);
	if (!operands[0])
		die_usage("no input to compare with");
	for (; operands[num]; num++)
		in[num] = rec_open(operands[num], USER_RANKS_KINDS);
	if (num == 1)
		in[num++] = rec_open(NULL, USER_RANKS_KINDS);
	for (unsigned k = 0; k < num; k++)
		rec_warn_shard(rec_name(in[k]), rec_header(in[k]));
	read_systems(&c, in, num);

	struct pool *pool = pool_new(cfg.threads);
	print_result(&c, &(struct significance_resampling){ cfg.resamples, cfg.seed, pool });
	pool_free(pool);
	comparison_release(&c);
	for (unsigned k = 0; k < num; k++)
		rec_close(in[k], true);
	return 0;
}
