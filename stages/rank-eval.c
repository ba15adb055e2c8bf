/*
 * rank-eval: metrics of a ranking, averaged over users.
 * Reads score or rank records, or top records and the truth, writes a text table or JSON; memory:
 * one user's rows and one bit per user; what --truth and --train hold.
 *   neumf-score --model m.safetensors --all-items --seen train.cof test.cof | rank-eval -k 10,50
 */
#include "base/die.h"
#include "base/progress.h"
#include "cli/input_report.h"
#include "cli/name_order.h"
#include "cli/opt.h"
#include "cli/side_rows.h"
#include "rank/activity.h"
#include "rank/evaluation.h"
#include "rank/evaluation_print.h"
#include "rank/exposure.h"
#include "rank/popularity.h"
#include "rank/referee.h"
#include "rank/sampled.h"
#include "rank/top_lists.h"
#include "rank/user_ranks.h"
#include "stream/id_family.h"
#include "stream/record.h"
#include "stream/split_id.h"
#include "stream/stream.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What top records are evaluated at without -k: most lists end there. */
enum { TOP_CUTOFF = 10 };

static struct {
	struct opt_uints cutoffs;
	unsigned ties, as;
	uint32_t sampled;
	bool json, strict;
	const char *per_user, *only, *truth, *train, *item_ids;
} cfg = { .cutoffs = { { 10, 50 }, 2 }, .as = OPT_NO_CHOICE };

static const struct opt options[] = {
	OPT_UINTS('k', "cutoffs", &cfg.cutoffs, 1, UINT32_MAX, "K,...",
		"cut each list off after so many items"),
	OPT_CHOICE(0, "ties", &cfg.ties, tie_policy_names, "order of items of equal score"),
	OPT_CHOICE(0, "as", &cfg.as, referee_names, "beside our own: the metrics of this tool"),
	OPT_PATH(0, "item-ids", &cfg.item_ids, "FILE",
		"with --as trec: names by which it orders ties"),
	OPT_UINT(0, "sampled", &cfg.sampled, 1, UINT32_MAX, "N",
		"what N sampled negatives per positive would give"),
	OPT_PATH(0, "truth", &cfg.truth, "FILE",
		"with top records: the positives, as interactions or ratings"),
	OPT_PATH(0, "train", &cfg.train, "FILE",
		"interactions: also metrics by activity and popularity; of lists and scores, what "
		"they show"),
	OPT_FLAG(0, "json", &cfg.json, "print JSON"),
	OPT_OUTPUT(0, "per-user", &cfg.per_user, "FILE",
		"write each user's metrics here, tab-separated"),
	OPT_STRING(
		0, "only", &cfg.only, "METRIC", "print just this number: HR@10, NDCG@50, AUC ..."),
	OPT_LOCAL_FLAG(0, "ids-unchecked", &ids_unchecked, "take files of different id maps"),
	OPT_LOCAL_FLAG(0, "splits-unchecked", &splits_unchecked,
		"take parts of different runs of ml-split"),
	OPT_FLAG(0, "strict", &cfg.strict, "what is reported about the input is an error"),
	OPT_END,
};

static const struct opt_program program = {
	.name = "rank-eval",
	.operands = "[INPUT]",
	.max_operands = 1,
	.summary = "Averages HR, NDCG, MRR, MAP, precision, recall and AUC over users.",
	.reads = "score or rank records, or top records with --truth, the rows of a user together",
	.writes = "a text table or JSON",
	.examples = { "pop-score --train train.cof --all-items --ranks test.cof | rank-eval -k 10,50",
		"rank-eval --json knn.cof | jq '.metrics'",
		"rank-eval --per-user metrics.tsv knn.cof" },
	.tables = { options },
};

/* What --only names. */
struct only {
	enum { ONLY_NONE, ONLY_METRIC, ONLY_EXPOSURE, ONLY_REFEREE } kind;
	struct evaluation_name name;
	unsigned other, cutoff; /* of exposure or referee */
};

struct session {
	struct rec_reader *in;
	struct only only;
	struct evaluation sums;
	struct sampled *sampled; /* NULL: all candidates */
	struct referee referee;
	bool has_referee;	       /* --as */
	const struct tie_order *order; /* of the tied, for it; NULL: by id */
	struct stream_out *per_user;   /* NULL: none */

	struct user_items truth, train; /* where they are given */
	bool has_lists, has_activity, has_popularity, has_exposure;
	struct top_lists_report lists;
	struct exposure exposure;
	struct activity activity;
	struct popularity popularity;
	uint64_t shorter; /* lists that end before the last cutoff */
};

static void add_user(void *arg, uint32_t user, const struct rank *rows, size_t n)
{
	struct session *s = arg;
	struct metrics_user u;

	if (s->sampled)
		sampled_user(s->sampled, &s->sums.cutoffs, rows, n, &u);
	else
		metrics_user(&s->sums.cutoffs, rows, n, &u);
	if (s->has_lists)
		u.negatives = 0; /* those beyond the list are not known: no AUC */
	evaluation_add(&s->sums, &u);
	if (s->has_referee && !(s->has_lists && s->order))
		referee_add(&s->referee, rows, n);
	if (s->has_activity)
		activity_add(&s->activity, user, &u);
	if (s->has_popularity)
		popularity_add(&s->popularity, rows, n);
	if (s->per_user)
		evaluation_user_line(&s->sums, cfg.ties, user, &u, s->per_user);
}

/* The same user, where the tool orders the tied items of a list otherwise. */
static void add_reordered(void *arg, uint32_t user, const struct rank *rows, size_t n)
{
	struct session *s = arg;

	(void)user;
	referee_add(&s->referee, rows, n);
}

static uint32_t last_cutoff(const struct metrics_cutoffs *k)
{
	uint32_t last = 0;

	for (unsigned c = 0; c < k->num; c++)
		last = k->value[c] > last ? k->value[c] : last;
	return last;
}

static void add_list(void *arg, uint32_t user, const uint32_t *item, uint32_t n)
{
	struct session *s = arg;

	(void)user;
	s->shorter += s->has_lists && n < last_cutoff(&s->sums.cutoffs);
	if (s->has_exposure)
		exposure_add(&s->exposure, item, n);
}

static void start_referee(struct session *s, const struct referee_tool *tool)
{
	const struct rec_header *h = rec_header(s->in);

	if (s->sums.cutoffs.num == METRICS_MAX_CUTOFFS)
		die_usage("with --as there may be %d cutoffs", METRICS_MAX_CUTOFFS - 1);
	if (last_cutoff(&s->sums.cutoffs) == UINT32_MAX)
		die_usage("with --as a cutoff is at most %" PRIu32, UINT32_MAX - 1);
	s->has_referee = true;
	referee_init(&s->referee, tool, &s->sums.cutoffs, (enum tie_policy)cfg.ties, s->has_lists,
		h->num_items);
	if (tool->order == REFEREE_NAME)
		s->order = name_order(cfg.item_ids, h);
}

static void open_input(struct session *s, const char *path)
{
	enum { RANKED = USER_RANKS_KINDS, TOP = 1u << REC_TOP };

	s->in = rec_open(path, cfg.truth ? TOP : RANKED | TOP);
	rec_warn_shard(rec_name(s->in), rec_header(s->in));
	s->has_lists = rec_header(s->in)->kind == REC_TOP;
	if (s->has_lists && !cfg.truth)
		die("'%s' holds top records, score or rank expected without --truth, which says "
		    "what the positives are",
			rec_name(s->in));
	if (s->has_lists && cfg.sampled)
		die_usage("--sampled does not go with top records, which lack most negatives");
	if (s->has_lists && opt_given(&cfg.ties))
		die_usage("--ties does not go with top records: their order is that of the ranks");
	if (s->only.kind == ONLY_EXPOSURE && rec_header(s->in)->kind == REC_RANK)
		die_usage("option --only: %s goes with top or score records", cfg.only);
	if (s->has_lists && s->only.kind == ONLY_METRIC && s->only.name.metric == METRIC_AUC)
		die_usage("option --only: AUC does not go with top records, which end too early");
	if (s->has_lists && !cfg.only && !opt_given(&cfg.cutoffs))
		s->sums.cutoffs = (struct metrics_cutoffs){ { TOP_CUTOFF }, 1 };
	if (cfg.as != OPT_NO_CHOICE)
		start_referee(s, &referee_tools[cfg.as]);
	if (cfg.sampled)
		s->sampled = sampled_new(cfg.sampled);
}

static void read_sides(struct session *s)
{
	if (s->has_lists)
		report(cfg.strict, "rows of --truth that list an item again, which counts once",
			side_rows_read(&s->truth, s->in, cfg.truth,
				1u << REC_INTERACTION | 1u << REC_RATING, NULL));
	if (!cfg.train)
		return;
	side_rows_read(&s->train, s->in, cfg.train, 1u << REC_INTERACTION,
		"activity and popularity are those of all users");
	if (user_items_size(&s->train) == 0)
		die("'%s' has no rows", cfg.train);
	s->has_activity = true;
	activity_init(&s->activity, &s->sums.cutoffs, &s->train);
	s->has_popularity = !s->sampled; /* whose places are those among all candidates */
	if (s->has_popularity)
		popularity_init(&s->popularity, &s->sums.cutoffs,
			s->has_lists ? TIES_ID : (enum tie_policy)cfg.ties, &s->train);
	s->has_exposure = rec_header(s->in)->kind != REC_RANK;
	if (s->has_exposure)
		exposure_init(&s->exposure, &s->sums.cutoffs, &s->train);
}

/* A metric beyond the end of all lists would be too low, in silence. */
static void check_cutoffs(const struct session *s)
{
	const uint32_t last = last_cutoff(&s->sums.cutoffs);

	if (s->lists.lists == 0)
		die("'%s' holds no list", rec_name(s->in));
	if (last > s->lists.longest)
		die("'%s': no list has more than %" PRIu32 " items: nothing is known at %" PRIu32
		    " (-k %" PRIu32 ")",
			rec_name(s->in), s->lists.longest, last, s->lists.longest);
}

static void read_input(struct session *s)
{
	const struct top_lists_use use = { add_list, add_user, s, s->order, add_reordered };
	struct user_ranks_report found = { 0 };

	progress_start("rows", 0);
	if (s->has_lists)
		top_lists_read(s->in, &s->truth, &use, &s->lists);
	else
		user_ranks_read(s->in,
			&(struct user_ranks_use){ add_user, s, s->order,
				s->has_exposure ? add_list : NULL, last_cutoff(&s->sums.cutoffs) },
			&found);
	progress_end();
	if (s->has_lists) {
		check_cutoffs(s);
		found.without_positive = s->lists.without_positive;
	}
	if (s->sums.users == 0)
		die("'%s' holds no user with a positive",
			s->has_lists ? cfg.truth : rec_name(s->in));
	report_user_ranks(cfg.strict, &found);
	report(cfg.strict, "users of --truth without a list, whose positives are missed",
		s->lists.without_list);
	report(cfg.strict, "lists that end before the last cutoff: what follows counts as missed",
		s->shorter);
	if (s->has_exposure)
		report(cfg.strict, "places with an item that nobody has in --train: no novelty",
			s->exposure.unknown);
}

static void print_reports(const struct evaluation *e)
{
	report(cfg.strict, "users without a negative, left out of the mean of AUC",
		e->users - e->negative_users);
	if (evaluation_tied(e) > 0.5)
		warn("%.1f %% of a user's candidates tie with a positive: the metrics depend on --ties",
			100 * evaluation_tied(e));
}

/* With as many digits as it takes to read the same number back. */
static void print_number(struct stream_out *out, double v)
{
	char text[32];

	for (int digits = 15; digits <= 17; digits++) {
		snprintf(text, sizeof(text), "%.*g", digits, v);
		if (strtod(text, NULL) == v)
			break;
	}
	stream_printf(out, "%s\n", text);
}

static double only_value(const struct session *s)
{
	if (s->only.kind == ONLY_EXPOSURE)
		return exposure_value(&s->exposure, s->only.other, s->only.cutoff);
	if (s->only.kind == ONLY_REFEREE)
		return referee_value(&s->referee, s->only.other, s->only.cutoff);
	return evaluation_mean(&s->sums, cfg.ties, s->only.name);
}

/* A number that is none would be compared with others. */
static void check_only(const struct session *s)
{
	if (s->only.kind == ONLY_METRIC && s->only.name.metric == METRIC_AUC &&
		s->sums.negative_users == 0)
		die("'%s' holds no user with a negative: AUC is undefined", rec_name(s->in));
	if (s->only.kind != ONLY_NONE && isnan(only_value(s)))
		die("'%s': %s is undefined: no %s", rec_name(s->in), cfg.only,
			s->only.kind == ONLY_EXPOSURE ? "item of the lists is in --train"
						      : "user counts for it");
}

static void print_result(const struct session *s)
{
	const struct evaluation_result result = { .sums = &s->sums,
		.ties = cfg.ties,
		.sampled = cfg.sampled,
		.referee = s->has_referee ? &s->referee : NULL,
		.lists = s->has_lists ? &s->lists : NULL,
		.exposure = s->has_exposure ? &s->exposure : NULL,
		.activity = s->has_activity ? &s->activity : NULL,
		.popularity = s->has_popularity ? &s->popularity : NULL };
	struct stream_out *out = stream_create("-", false);

	if (s->only.kind != ONLY_NONE)
		print_number(out, only_value(s));
	else if (cfg.json)
		evaluation_json(&result, out);
	else
		evaluation_table(&result, out);
	stream_commit(out);
}

static void parse_options(struct session *s)
{
	const struct referee_tool *tool;
	struct only *only = &s->only;

	tool = cfg.as == OPT_NO_CHOICE ? NULL : &referee_tools[cfg.as];
	if (tool && cfg.sampled)
		die_usage("options --as and --sampled do not go together");
	if (tool && tool->order != REFEREE_OPEN && opt_given(&cfg.ties))
		die_usage("--ties does not go with --as %s, which has an order", tool->name);
	if (cfg.item_ids && !(tool && tool->order == REFEREE_NAME))
		die_usage("--item-ids goes with --as trec");
	if (cfg.only && cfg.json)
		die_usage("options --only and --json do not go together");
	if (!cfg.only || opt_given(&cfg.cutoffs)) {
		s->sums.cutoffs.num = cfg.cutoffs.num;
		memcpy(s->sums.cutoffs.value, cfg.cutoffs.value, sizeof(cfg.cutoffs.value));
	}
	if (!cfg.only)
		return;
	if (tool && referee_parse(tool, cfg.only, &s->sums.cutoffs, &only->other, &only->cutoff))
		only->kind = ONLY_REFEREE;
	else if (tool)
		die_usage("option --only: %s has no metric '%s'", tool->name, cfg.only);
	else if (evaluation_parse_name(cfg.only, &s->sums.cutoffs, &only->name))
		only->kind = ONLY_METRIC;
	else if (evaluation_parse_at(
			 cfg.only, exposure_names, &s->sums.cutoffs, &only->other, &only->cutoff))
		only->kind = ONLY_EXPOSURE;
	else
		die_usage("option --only: '%s' is not " EVALUATION_NAMES
			  " nor, with --train, coverage@K, novelty@K, popularity@K or long_tail@K",
			cfg.only);
	if (only->kind == ONLY_EXPOSURE && !cfg.train)
		die_usage("option --only: %s needs --train", cfg.only);
}

int main(int argc, char **argv)
{
	char **operands = opt_parse(argc, argv, &program);
	struct session s = { 0 };

	parse_options(&s);
	open_input(&s, operands[0]);
	if (cfg.per_user) {
		s.per_user = stream_create(cfg.per_user, false);
		evaluation_user_heading(&s.sums, s.per_user);
	}
	read_sides(&s);
	read_input(&s);
	if (!s.has_lists)
		print_reports(&s.sums);
	check_only(&s);
	if (s.per_user)
		stream_settle(s.per_user); /* the table may still fail */
	print_result(&s);
	if (s.per_user)
		stream_commit(s.per_user);
	rec_close(s.in, true);
	return 0;
}
