/*
 * rank-eval: metrics of a ranking, averaged over users.
 * Reads score or rank records, writes a text table or JSON; memory: one user's rows and one bit per
 * user.
 *   neumf-score --model m.safetensors --all-items --seen train.cof test.cof | rank-eval -k 10,50
 */
#include "base/die.h"
#include "base/mem.h"
#include "base/number.h"
#include "base/progress.h"
#include "cli/input_report.h"
#include "cli/opt.h"
#include "data/grouped.h"
#include "rank/candidates.h"
#include "rank/evaluation.h"
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
	OPT_PATH(0, "per-user", &cfg.per_user, "FILE",
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

static struct {
	struct evaluation sums;
	struct candidates_report lists;
	uint64_t without_positive, repeated_ranks;
	struct rank *rows; /* of the user being read */
	size_t num, capacity;
	struct stream_out *per_user;
} state;

/* What --only names, its cutoff as the only one of `cutoffs`. */
static struct evaluation_name parse_only(const char *text, struct metrics_cutoffs *cutoffs)
{
	const char *sign = strchr(text, '@');
	size_t length = sign ? (size_t)(sign - text) : strlen(text);
	uint64_t cutoff;

	for (unsigned m = 0; metric_names[m]; m++) {
		if (strlen(metric_names[m]) != length ||
			strncmp(text, metric_names[m], length) != 0)
			continue;
		if (m == METRIC_AUC && !sign)
			return (struct evaluation_name){ m, 0 };
		if (m != METRIC_AUC && sign &&
			number_parse_uint(sign + 1, 1, UINT32_MAX, &cutoff)) {
			*cutoffs = (struct metrics_cutoffs){ { (uint32_t)cutoff }, 1 };
			return (struct evaluation_name){ m, 0 };
		}
	}
	die_usage(
		"option --only: '%s' is not HR@K, NDCG@K, MRR@K, MAP@K, precision@K, recall@K or AUC",
		text);
}

/* The rows of one user are complete; the reader handed out the last one `last_row` rows ago. */
static void end_user(const struct rec_reader *in, uint64_t last_row, uint32_t user)
{
	struct metrics_user u;
	size_t given = state.num;
	const char *fault;

	if (given == 0) {
		state.without_positive++;
		return;
	}
	fault = metrics_prepare(state.rows, &state.num);
	if (fault)
		rec_die(in, last_row, "user %u, whose rows end here: %s", user, fault);
	state.repeated_ranks += given - state.num;
	metrics_user(&state.sums.cutoffs, state.rows, state.num, &u);
	evaluation_add(&state.sums, &u);
	if (state.per_user)
		evaluation_user_line(&state.sums, cfg.ties, user, &u, state.per_user);
	state.num = 0;
}

/* Add rows of the user being read, the last of them handed out `last_row` rows ago. */
static void add_ranks(
	const struct rec_reader *in, uint64_t last_row, const struct rank *rows, size_t n)
{
	const uint32_t num_items = rec_header(in)->num_items;

	for (size_t k = 0; k < n; k++)
		if (rows[k].candidates > num_items)
			rec_die(in, last_row + n - 1 - k, "%u candidates of %u items",
				rows[k].candidates, num_items);
	state.rows = xgrow(state.rows, &state.capacity, state.num + n, sizeof(*state.rows));
	memcpy(state.rows + state.num, rows, n * sizeof(*rows));
	state.num += n;
}

static void read_ranks(struct rec_reader *in)
{
	const struct rank *rows;
	struct grouped users;
	size_t n;

	grouped_init(&users, in);
	while (grouped_next_user(&users)) {
		while ((rows = grouped_rows(&users, &n)) != NULL)
			add_ranks(in, grouped_last_row(&users), rows, n);
		end_user(in, grouped_last_row(&users), users.user);
	}
	grouped_release(&users);
}

/* The list of one user is complete: turn it into rank rows. `last_row` as above. */
static void end_list(
	const struct rec_reader *in, uint64_t last_row, uint32_t user, struct candidates *list)
{
	uint32_t item;

	if (!candidates_finish(list, &state.lists, &item))
		rec_die(in, last_row, "user %u, whose rows end here, has item %u with two scores",
			user, item);
	state.rows = xgrow(state.rows, &state.capacity, list->num, sizeof(*state.rows));
	state.num =
		candidates_ranks(user, list->item, list->label, list->score, list->num, state.rows);
	end_user(in, last_row, user);
	candidates_clear(list);
}

static void read_scores(struct rec_reader *in)
{
	const struct score *rows;
	struct candidates list;
	struct grouped users;
	size_t n;

	candidates_init(&list);
	grouped_init(&users, in);
	while (grouped_next_user(&users)) {
		while ((rows = grouped_rows(&users, &n)) != NULL)
			candidates_add(&list, rows, n);
		end_list(in, grouped_last_row(&users), users.user, &list);
	}
	grouped_release(&users);
	candidates_release(&list);
}

static void print_reports(void)
{
	const struct evaluation *e = &state.sums;

	report(cfg.strict, "users with a positive among their own negatives, which counts once",
		state.lists.mixed);
	report(cfg.strict, "rows that list an item again, which counts once",
		state.lists.repeats + state.repeated_ranks);
	report(cfg.strict, "users without a positive, left out of all means",
		state.without_positive);
	report(cfg.strict, "users without a negative, left out of the mean of AUC",
		e->users - e->negative_users);
	if (evaluation_tied(e) > 0.5)
		warn("%.1f %% of a user's candidates tie with a positive: the metrics depend on --ties",
			100 * evaluation_tied(e));
}

static void print_result(const struct evaluation_name *only)
{
	struct stream_out *out = stream_create("-", false);

	if (only)
		stream_printf(out, "%.6f\n", evaluation_mean(&state.sums, cfg.ties, *only));
	else if (cfg.json)
		evaluation_json(&state.sums, cfg.ties, out);
	else
		evaluation_table(&state.sums, cfg.ties, out);
	stream_commit(out, false);
}

int main(int argc, char **argv)
{
	char **operands = opt_parse(argc, argv, &program);
	struct evaluation_name only = { METRIC_AUC, 0 };
	struct rec_reader *in;

	if (cfg.only && (cfg.json || opt_given(&cfg.cutoffs)))
		die_usage("option --only goes with neither --json nor -k");
	state.sums.cutoffs.num = cfg.cutoffs.num;
	memcpy(state.sums.cutoffs.value, cfg.cutoffs.value, sizeof(cfg.cutoffs.value));
	if (cfg.only)
		only = parse_only(cfg.only, &state.sums.cutoffs);

	in = rec_open(operands[0], 1u << REC_SCORE | 1u << REC_RANK);
	if (cfg.per_user) {
		state.per_user = stream_create(cfg.per_user, false);
		evaluation_user_heading(&state.sums, state.per_user);
	}
	progress_start("rows", 0);
	if (rec_header(in)->kind == REC_RANK)
		read_ranks(in);
	else
		read_scores(in);
	progress_end();
	if (state.sums.users == 0)
		die("'%s' holds no user with a positive", rec_name(in));
	print_reports();
	if (state.per_user)
		stream_commit(state.per_user, false);
	print_result(cfg.only ? &only : NULL);
	rec_close(in, true);
	free(state.rows);
	return 0;
}
