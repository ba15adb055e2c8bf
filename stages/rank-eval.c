/*
 * rank-eval: metrics of a ranking, averaged over users.
 * Reads score or rank records, writes a text table or JSON; memory: one user's rows and one bit per
 * user.
 *   neumf-score --model m.safetensors --all-items --seen train.cof test.cof | rank-eval -k 10,50
 */
#include "base/die.h"
#include "base/progress.h"
#include "cli/input_report.h"
#include "cli/opt.h"
#include "rank/evaluation.h"
#include "rank/user_ranks.h"
#include "stream/record.h"
#include "stream/stream.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct {
	struct opt_uints cutoffs;
	unsigned ties;
	bool json, strict;
	const char *per_user, *only;
} cfg = { .cutoffs = { { 10, 50 }, 2 } };

static const struct opt options[] = {
	OPT_UINTS('k', "cutoffs", &cfg.cutoffs, 1, UINT32_MAX, "K,...",
		"cut each list off after so many items"),
	OPT_CHOICE(0, "ties", &cfg.ties, tie_policy_names, "order of items of equal score"),
	OPT_FLAG(0, "json", &cfg.json, "print JSON"),
	OPT_OUTPUT(0, "per-user", &cfg.per_user, "FILE",
		"write each user's metrics here, tab-separated"),
	OPT_STRING(
		0, "only", &cfg.only, "METRIC", "print just this number: HR@10, NDCG@50, AUC ..."),
	OPT_FLAG(0, "strict", &cfg.strict, "what is reported about the input is an error"),
	OPT_END,
};

static const struct opt_program program = {
	.name = "rank-eval",
	.operands = "[INPUT]",
	.max_operands = 1,
	.summary = "Averages HR, NDCG, MRR, MAP, precision, recall and AUC over users.",
	.reads = "score or rank records, the rows of a user together",
	.writes = "a text table or JSON",
	.example = "pop-score --train train.cof --all-items --ranks test.cof | rank-eval -k 10,50",
	.tables = { options },
};

struct session {
	struct evaluation sums;
	struct stream_out *per_user; /* NULL: none */
};

static void add_user(void *arg, uint32_t user, const struct rank *rows, size_t n)
{
	struct session *s = arg;
	struct metrics_user u;

	metrics_user(&s->sums.cutoffs, rows, n, &u);
	evaluation_add(&s->sums, &u);
	if (s->per_user)
		evaluation_user_line(&s->sums, cfg.ties, user, &u, s->per_user);
}

static void print_reports(const struct evaluation *e, const struct user_ranks_report *found)
{
	report_user_ranks(cfg.strict, found);
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

/* `only`: NULL for all metrics */
static void print_result(const struct evaluation *sums, const struct evaluation_name *only)
{
	struct stream_out *out = stream_create("-", false);

	if (only)
		print_number(out, evaluation_mean(sums, cfg.ties, *only));
	else if (cfg.json)
		evaluation_json(sums, cfg.ties, out);
	else
		evaluation_table(sums, cfg.ties, out);
	stream_commit(out);
}

int main(int argc, char **argv)
{
	char **operands = opt_parse(argc, argv, &program);
	struct evaluation_name only = { METRIC_AUC, 0 };
	struct user_ranks_report found = { 0 };
	struct session s = { 0 };

	if (cfg.only && cfg.json)
		die_usage("options --only and --json do not go together");
	if (!cfg.only || opt_given(&cfg.cutoffs)) {
		s.sums.cutoffs.num = cfg.cutoffs.num;
		memcpy(s.sums.cutoffs.value, cfg.cutoffs.value, sizeof(cfg.cutoffs.value));
	}
	if (cfg.only && !evaluation_parse_name(cfg.only, &s.sums.cutoffs, &only))
		die_usage("option --only: '%s' is not " EVALUATION_NAMES, cfg.only);

	struct rec_reader *in = rec_open(operands[0], USER_RANKS_KINDS);
	if (cfg.per_user) {
		s.per_user = stream_create(cfg.per_user, false);
		evaluation_user_heading(&s.sums, s.per_user);
	}
	progress_start("rows", 0);
	user_ranks_read(in, add_user, &s, &found);
	progress_end();
	if (s.sums.users == 0)
		die("'%s' holds no user with a positive", rec_name(in));
	print_reports(&s.sums, &found);
	if (cfg.only && only.metric == METRIC_AUC && s.sums.negative_users == 0)
		die("'%s' holds no user with a negative: AUC is undefined", rec_name(in));
	if (s.per_user)
		stream_settle(s.per_user); /* the table may still fail */
	print_result(&s.sums, cfg.only ? &only : NULL);
	if (s.per_user)
		stream_commit(s.per_user);
	rec_close(in, true);
	return 0;
}
