#include "cli/score_options.h"

#include "base/die.h"
#include "base/pool.h"
#include "cli/input_report.h"
#include "rank/score_job.h"

#include <inttypes.h>
#include <stdlib.h>

static struct {
	bool all_items, ranks, strict;
	uint32_t top, threads;
	struct opt_paths seen;
	struct opt_range items;
} cfg;

static const struct opt options[] = {
	OPT_FLAG('a', "all-items", &cfg.all_items,
		"rank all items for each user of the input, users ascending"),
	OPT_PATHS(0, "seen", &cfg.seen, "FILE", "interactions that are no candidates"),
	OPT_RANGE(0, "items", &cfg.items, "LO:HI", "only these items are candidates, HI excluded"),
	OPT_FLAG(0, "ranks", &cfg.ranks, "write rank records of the positives, no scores"),
	OPT_UINT(0, "top", &cfg.top, 1, UINT32_MAX, "K",
		"write each user's K best as top records, no scores"),
	OPT_LOCAL_FLAG(0, "strict", &cfg.strict, "what is reported about the input is an error"),
	OPT_LOCAL_UINT('t', "threads", &cfg.threads, 1, 1024, "N",
		"threads; the output never depends on them"),
	OPT_END
};

void score_job_bad_score(uint32_t user, uint32_t item)
{
	die("the score of user %u and item %u is not finite", user, item);
}

static void check_bounds(const struct scorer *s, const char *source, const struct rec_reader *in)
{
	const struct rec_header *h = rec_header(in);

	if (h->num_users > s->num_users || h->num_items > s->num_items)
		die("'%s' has %u users and %u items, '%s' only %u and %u", rec_name(in),
			h->num_users, h->num_items, source, s->num_users, s->num_items);
	if (cfg.items.given && cfg.items.high > s->num_items)
		die("option --items: %u:%u exceeds the %u items of '%s'", cfg.items.low,
			cfg.items.high, s->num_items, source);
}

static void load_seen(struct user_items *seen, const struct scorer *s)
{
	user_items_init(seen, s->num_users, s->num_items);
	for (unsigned k = 0; k < cfg.seen.num; k++)
		user_items_add_file(seen, cfg.seen.path[k]);
	user_items_finish(seen);
}

static struct rec_writer *create_output(const struct score_job *job)
{
	struct rec_header h;
	struct rec_writer *out;

	rec_header_init(&h, job->kind, rec_header(job->in), opt_provenance());
	h.num_users = job->scorer->num_users;
	h.num_items = job->scorer->num_items;
	out = rec_create("-", &h);
	rec_header_release(&h);
	return out;
}

static void print_reports(const struct score_job *job)
{
	report(cfg.strict, "users with a positive among their own negatives, which counts once",
		job->mixed);
	report(cfg.strict, "rows that list an item again, which counts once", job->repeats);
	report(cfg.strict, "positives found in --seen, which stay candidates", job->seen_positives);
	report(cfg.strict, "users without a candidate", job->without_candidates);
	if (job->kind == REC_RANK)
		report(cfg.strict, "users without a positive, who have no rank records",
			job->without_positive);
	if (job->outside > 0)
		note("%" PRIu64 " positives lie outside --items: missed", job->outside);
}

int scoring_main(int argc, char **argv, const struct scorer_stage *stage)
{
	const struct opt_program program = {
		.name = stage->name,
		.operands = "[INPUT]",
		.max_operands = 1,
		.summary = stage->summary,
		.reads = "interaction records, or sample records (label above 0: a positive)",
		.writes = "score records; rank with --ranks, top with --top",
		.example = stage->example,
		.tables = { stage->options, options },
	};
	struct score_job job = { .kind = REC_SCORE };
	struct scorer scorer;
	char **operands;

	cfg.threads = pool_cores();
	operands = opt_parse(argc, argv, &program);
	if (!*stage->source)
		die_usage("option --%s is missing", stage->source_option);
	if (cfg.ranks && cfg.top)
		die_usage("options --ranks and --top exclude each other");
	if (cfg.ranks || cfg.top)
		job.kind = cfg.ranks ? REC_RANK : REC_TOP;
	job.top = cfg.top;
	job.in =
		rec_open(operands[0] ? operands[0] : "-", 1u << REC_INTERACTION | 1u << REC_SAMPLE);
	job.pool = pool_new(cfg.threads);
	stage->open(&scorer, job.pool);
	job.scorer = &scorer;
	check_bounds(&scorer, *stage->source, job.in);
	load_seen(&job.seen, &scorer);
	job.first = cfg.items.given ? cfg.items.low : 0;
	job.end = cfg.items.given ? cfg.items.high : scorer.num_items;
	if (!cfg.all_items && job.kind != REC_SCORE && rec_header(job.in)->kind == REC_INTERACTION)
		warn("'%s' lists no negatives: without --all-items only its own rows are ranked",
			rec_name(job.in));

	job.out = create_output(&job);
	if (cfg.all_items)
		score_all(&job);
	else
		score_lists(&job);
	print_reports(&job);
	rec_finish(job.out);
	rec_close(job.in, true);
	user_items_release(&job.seen);
	scorer.close(scorer.arg);
	pool_free(job.pool);
	return 0;
}
