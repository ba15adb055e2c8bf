#include "cli/score_options.h"

#include "base/bitset.h"
#include "base/die.h"
#include "base/mem.h"
#include "base/pool.h"
#include "cli/input_report.h"
#include "rank/score_job.h"
#include "stream/id_family.h"
#include "stream/split_id.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static struct {
	bool all_items, ranks, strict;
	uint32_t top, threads;
	struct opt_paths seen;
	const char *user_items, *candidates;
	struct opt_range items;
} cfg;

static const struct opt options[] = {
	OPT_FLAG('a', "all-items", &cfg.all_items,
		"rank all items for each user of the input, users ascending"),
	OPT_PATHS(0, "seen", &cfg.seen, "FILE", "interactions that are not candidates"),
	OPT_RANGE(0, "items", &cfg.items, "LO:HI", "only these items are candidates, HI excluded"),
	OPT_PATH(0, "candidates", &cfg.candidates, "FILE",
		"only the items of these interactions are candidates, of whatever user"),
	OPT_PATH(0, "user-items", &cfg.user_items, "FILE",
		"score users from the items they have here, new users too"),
	OPT_FLAG(0, "ranks", &cfg.ranks, "write rank records of the positives, no scores"),
	OPT_UINT(0, "top", &cfg.top, 1, UINT32_MAX, "K",
		"write each user's K best as top records, no scores"),
	OPT_LOCAL_FLAG(0, "ids-unchecked", &ids_unchecked, "take files of different id maps"),
	OPT_LOCAL_FLAG(0, "splits-unchecked", &splits_unchecked,
		"take parts of different runs of ml-split"),
	OPT_LOCAL_FLAG(0, "strict", &cfg.strict, "what is reported about the input is an error"),
	OPT_LOCAL_UINT('t', "threads", &cfg.threads, 1, 1024, "N",
		"threads; the output never depends on them"),
	OPT_END
};

struct score_run {
	struct score_job job;
	struct js *entry;   /* of the output's provenance */
	struct js *learned; /* provenance of what saved weights were learned from, or NULL */
	struct user_items user_items; /* of --user-items or score_run_train */
	unsigned char *candidates;    /* bitset, of --candidates */

	/* who numbers the items: a model or a train file; the header's members are borrowed */
	const char *source;
	struct rec_header source_header;

	/* who numbers the users: --user-items, `train` or the source */
	const char *train; /* of score_run_train, or NULL */
	const char *users_from;
	const struct id_family *user_ids;

	/* --user-items or `train`, the input and --seen, as far as they are checked */
	struct rec_reader **stream;
	unsigned num_streams;
};

const struct opt *score_options(void)
{
	cfg.threads = pool_cores();
	return options;
}

const char *score_options_given(void)
{
	for (const struct opt *o = options; o->type != OPT_T_END; o++)
		if (o->value != &cfg.threads && opt_given(o->value))
			return o->name;
	return NULL;
}

bool score_options_user_items(void)
{
	return cfg.user_items != NULL;
}

struct pool *score_options_pool(void)
{
	return pool_new(cfg.threads);
}

struct score_run *score_run_open(const char *input)
{
	struct score_run *run = xcalloc(1, sizeof(*run));

	if (cfg.ranks && cfg.top)
		die_usage("options --ranks and --top exclude each other");
	run->job.kind = cfg.ranks ? REC_RANK : cfg.top ? REC_TOP : REC_SCORE;
	run->job.top = cfg.top;
	run->job.in = rec_open(input, SCORE_INPUT_KINDS);
	run->job.pool = score_options_pool();
	run->stream = xmalloc(cfg.seen.num + 2, sizeof(struct rec_reader *));
	return run;
}

struct pool *score_run_pool(const struct score_run *run)
{
	return run->job.pool;
}

void score_run_train(struct score_run *run, const char *path)
{
	run->train = path;
}

/* Dies where a stream may hold ids beyond the bounds, or is of other maps or splits than the rest. The
   users of --user-items are not those of the source, so that no row can be one of its own. */
static void check_stream(struct score_run *run, struct rec_reader *r)
{
	const struct rec_header *h = rec_header(r), *in = rec_header(run->job.in);

	if (h->num_users > run->job.num_users)
		die("'%s' has %u users, '%s' only %u", rec_name(r), h->num_users, run->users_from,
			run->job.num_users);
	if (h->num_items > run->source_header.num_items)
		die("'%s' has %u items, '%s' only %u", rec_name(r), h->num_items, run->source,
			run->source_header.num_items);
	rec_check_covers(rec_name(r), h, rec_name(run->job.in), in);
	rec_check_families(rec_name(r), h, run->source, &run->source_header);
	if (!cfg.user_items)
		split_id_check(rec_name(r), h, run->source, &run->source_header);
	for (unsigned k = 0; k < run->num_streams; k++) {
		const struct rec_reader *other = run->stream[k];

		rec_check_families(rec_name(r), h, rec_name(other), rec_header(other));
		split_id_check(rec_name(r), h, rec_name(other), rec_header(other));
	}
	run->stream[run->num_streams++] = r;
}

/* The provenance of what a scorer learned its weights from, before it saved them; NULL: no such
   file. */
static struct js *learned_from(const struct js *provenance)
{
	const size_t num = js_length(provenance);
	struct js *from;

	if (num == 0 || !js_get(js_at(provenance, num - 1), "saves"))
		return NULL;
	from = js_array();
	for (size_t k = 0; k + 1 < num; k++)
		js_append(from, js_copy(js_at(provenance, k)));
	return from;
}

/*
 * What scores are made from, for the provenance. Saved weights stand for the train file that they were
 * learned from, so that the output is the same, to the byte, whether they were saved or not. No model
 * has a kind: a header of zeros is one of ratings, which no scorer learns from.
 */
static void put_source(struct score_run *run, const struct rec_header *h)
{
	if (h->kind == REC_INTERACTION) {
		rec_put_side(run->entry, "train", h->provenance);
		return;
	}
	run->learned = learned_from(h->provenance);
	if (!run->learned)
		rec_put_side(run->entry, "model", h->provenance);
	else if (cfg.user_items)
		rec_put_side(run->entry, "train", run->learned);
}

/* The same of the items that users have: --user-items, or a train file beside saved weights, which
   need not be the one that they were learned from. */
static void put_users(struct score_run *run, const struct js *provenance)
{
	char *learned = run->learned ? js_dump(run->learned, false) : NULL;
	char *given = js_dump(provenance, false);

	if (!cfg.user_items && learned && strcmp(learned, given) != 0)
		rec_put_side(run->entry, "model", run->source_header.provenance);
	rec_put_side(run->entry, cfg.user_items ? "user-items" : "train", provenance);
	free(learned);
	free(given);
}

/* The items of the source, and users of its own, or, of score_run_train, more of the source's. */
static void read_user_items(struct score_run *run, const char *path)
{
	struct rec_reader *r = rec_open(path, 1u << REC_INTERACTION);

	run->users_from = rec_name(r);
	run->user_ids = &rec_header(r)->user_ids;
	put_users(run, rec_header(r)->provenance);
	if (cfg.user_items) {
		run->source_header.user_ids.num = 0;
		run->job.given = &run->user_items;
	}
	run->job.num_users = rec_header(r)->num_users;
	run->job.user_items = &run->user_items;
	check_stream(run, r);
	user_items_init(&run->user_items, run->job.num_users, run->source_header.num_items);
	user_items_add_stream(&run->user_items, r, run->job.pool);
	user_items_finish(&run->user_items);
}

/* Only the items of --candidates count: its users are nobody's, nor is it part of a split. */
static void read_candidates(struct score_run *run)
{
	struct rec_reader *r = rec_open(cfg.candidates, 1u << REC_INTERACTION);
	struct rec_header h = *rec_header(r);
	struct score_job *job = &run->job;
	uint32_t low = UINT32_MAX, high = 0;
	struct interaction row;

	rec_check_whole(rec_name(r), &h, "the candidates are the items of all users");
	rec_put_side(run->entry, "candidates", h.provenance);
	h.user_ids.num = 0;
	if (h.num_items > run->source_header.num_items)
		die("'%s' has %u items, '%s' only %u", rec_name(r), h.num_items, run->source,
			run->source_header.num_items);
	rec_check_families(rec_name(r), &h, run->source, &run->source_header);
	run->candidates = bitset_new(run->source_header.num_items);
	while (rec_read(r, &row)) {
		if (row.item < job->first || row.item >= job->end)
			continue;
		bitset_add(run->candidates, row.item);
		low = row.item < low ? row.item : low;
		high = row.item > high ? row.item : high;
	}
	if (low > high)
		die(rec_rows(r) == 0 ? "'%s' holds no rows: no item is a candidate"
				     : "'%s' holds no item that is within --items",
			rec_name(r));
	job->candidates = run->candidates;
	job->first = low;
	job->end = high + 1;
	rec_close(r, true);
}

static void read_seen(struct score_run *run)
{
	struct user_items *seen = &run->job.seen;

	user_items_init(seen, run->job.num_users, run->source_header.num_items);
	for (unsigned k = 0; k < cfg.seen.num; k++) {
		struct rec_reader *r = rec_open(cfg.seen.path[k], 1u << REC_INTERACTION);

		check_stream(run, r);
		rec_put_side(run->entry, "seen", rec_header(r)->provenance);
		user_items_add_stream(seen, r, run->job.pool);
	}
	user_items_finish(seen);
}

void score_run_source(struct score_run *run, const char *name, const struct rec_header *h)
{
	rec_check_whole(name, h, "scores are learned from the rows of all users");
	run->source = run->users_from = name;
	run->source_header = *h;
	run->entry = opt_provenance(); /* settings of saved weights are there by now */
	put_source(run, h);
	run->user_ids = &h->user_ids;
	run->job.num_users = h->num_users;
	run->job.first = cfg.items.given ? cfg.items.low : 0;
	run->job.end = cfg.items.given ? cfg.items.high : h->num_items;
	if (run->job.end > h->num_items)
		die("option --items: %u:%u exceeds the %u items of '%s'", cfg.items.low,
			cfg.items.high, h->num_items, name);
	if (cfg.user_items || run->train)
		read_user_items(run, cfg.user_items ? cfg.user_items : run->train);
	if (cfg.candidates)
		read_candidates(run);
	check_stream(run, run->job.in);
	read_seen(run);
}

bool score_run_fold_in(struct score_run *run, struct item_lists *users)
{
	if (!cfg.user_items)
		return false;
	*users = (struct item_lists){ run->user_items.num_users, run->user_items.start,
		run->user_items.item };
	run->job.user_items = NULL;
	return true;
}

/* The ids of the output are those of `from`, where they are known. */
static void take_ids(struct id_family *to, const struct id_family *from)
{
	if (from->num == 0)
		return;
	id_family_release(to);
	id_family_copy(to, from);
}

static struct rec_writer *create_output(const struct score_run *run)
{
	struct rec_header h;
	struct rec_writer *out;

	rec_header_init(&h, run->job.kind, rec_header(run->job.in), js_copy(run->entry));
	user_ranges_extend(&h.user_ranges, h.num_users, run->job.num_users);
	h.num_users = run->job.num_users;
	h.num_items = run->source_header.num_items;
	take_ids(&h.user_ids, run->user_ids);
	take_ids(&h.item_ids, &run->source_header.item_ids);
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
	report(cfg.strict, "users without an item in --user-items, of whom nothing is known",
		job->without_items);
	if (job->kind == REC_RANK)
		report(cfg.strict, "users without a positive, who have no rank records",
			job->without_positive);
	if (job->outside > 0)
		note("%" PRIu64 " positives lie outside %s: missed", job->outside,
			!cfg.candidates	  ? "--items"
			: cfg.items.given ? "--items or --candidates"
					  : "--candidates");
}

void score_run(struct score_run *run, const struct scorer *scorer)
{
	struct score_job *job = &run->job;

	if (!cfg.all_items && job->kind != REC_SCORE && rec_header(job->in)->kind != REC_SAMPLE)
		warn("'%s' lists no negatives: without --all-items only its own rows are ranked",
			rec_name(job->in));
	job->scorer = scorer;
	job->out = create_output(run);
	if (cfg.all_items)
		score_all(job);
	else
		score_lists(job);
	print_reports(job);
	rec_finish(job->out);
}

void score_run_close(struct score_run *run)
{
	for (unsigned k = 0; k < run->num_streams; k++)
		rec_close(run->stream[k], true);
	free(run->stream);
	user_items_release(&run->job.seen);
	user_items_release(&run->user_items);
	free(run->candidates);
	js_free(run->entry);
	js_free(run->learned);
	pool_free(run->job.pool);
	free(run);
}
