/*
 * negsample: turn interactions into training examples, or candidate lists, with drawn negatives.
 * Reads interaction records to their end, then writes triple, sample or group records.
 *   negsample --pairwise --epochs 10 --seed 1 train.cof | neumf-train -o model.safetensors
 */
#include "base/bitset.h"
#include "base/die.h"
#include "base/mem.h"
#include "base/permute.h"
#include "base/pool.h"
#include "base/progress.h"
#include "base/real.h"
#include "cli/opt.h"
#include "data/positive_index.h"
#include "data/sampler.h"
#include "data/user_items.h"
#include "stream/id_family.h"
#include "stream/record.h"
#include "stream/split_id.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Draws of a slice (one job of the pool) and slices of a batch (one write). */
enum { SLICE = 2048, SLICES = 32, FILTER_BITS = 24, MAX_THREADS = 8 };

enum sampler_kind { SAMPLER_UNIFORM, SAMPLER_POPULARITY };
static const char *const sampler_names[] = { "uniform", "popularity", NULL };

static struct {
	bool pairwise, pointwise, grouped;
	uint32_t negatives, epochs, from_epoch, candidates;
	enum sampler_kind sampler;
	double alpha;
	struct opt_paths exclude;
	uint64_t seed;
} cfg = { .negatives = 1, .epochs = 1, .from_epoch = 1, .alpha = 0.75, .seed = 1 };

/* clang-format off */
static const struct opt options[] = {
	OPT_FLAG(0, "pairwise", &cfg.pairwise, "write triples: user, positive, negative (this is the default)"),
	OPT_FLAG(0, "pointwise", &cfg.pointwise, "write samples: user, item, label"),
	OPT_FLAG(0, "grouped", &cfg.grouped, "write groups: user, positive, its --negatives in one row"),
	OPT_UINT(0, "negatives", &cfg.negatives, 1, 1 << 20, "N", "negatives for each positive"),
	OPT_UINT('e', "epochs", &cfg.epochs, 1, UINT32_MAX, "E", "epochs, each in its own order with its own negatives"),
	OPT_LOCAL_UINT(0, "from-epoch", &cfg.from_epoch, 1, UINT32_MAX, "E", "begin with this epoch of --epochs, the first being 1"),
	OPT_CHOICE(0, "sampler", &cfg.sampler, sampler_names, "how negatives are drawn"),
	OPT_REAL(0, "alpha", &cfg.alpha, 0, 16, "A", "popularity: an item's weight is its count to this power"),
	OPT_PATHS('x', "exclude", &cfg.exclude, "FILE", "interactions that are no negatives either"),
	OPT_UINT(0, "candidates", &cfg.candidates, 1, UINT32_MAX, "N", "write each user's positives and N distinct negatives for each"),
	OPT_LOCAL_FLAG(0, "ids-unchecked", &ids_unchecked, "take --exclude files of another id map too"),
	OPT_LOCAL_FLAG(0, "splits-unchecked", &splits_unchecked, "take --exclude files of another run of ml-split too"),
	OPT_UINT64('s', "seed", &cfg.seed, 0, OPT_UINT64_MAX, "S", "seed of the draws and the order"),
	OPT_END
};

static const struct opt_program program = {
	.name = "negsample",
	.operands = "[INPUT]",
	.max_operands = 1,
	.summary = "Turn interactions into training examples with drawn negatives, epoch after epoch.",
	.reads = "interaction records",
	.writes = "triple records; sample records with --pointwise or --candidates, group records with --grouped",
	.examples = {
"negsample --epochs 10 train.cof | neumf-train -o model.safetensors",
"negsample --pointwise --negatives 4 --epochs 9 train.cof | gzip >s.cof.gz",
"# rank each held-out item among 99 that the user has not\n"
"negsample --candidates 99 --exclude train.cof test.cof |\n"
"    neumf-score --model model.safetensors | rank-eval -k 10" },
	.tables = {options},
};
/* clang-format on */

static void check_options(void)
{
	if (cfg.pairwise + cfg.pointwise + cfg.grouped > 1)
		die_usage("options --pairwise, --pointwise and --grouped exclude each other");
	if (cfg.candidates && (cfg.pairwise || cfg.pointwise || cfg.grouped))
		die_usage(
			"option --candidates does not go with --pairwise, --pointwise or --grouped");
	if (cfg.candidates &&
		(opt_given(&cfg.negatives) || opt_given(&cfg.epochs) || opt_given(&cfg.from_epoch)))
		die_usage(
			"option --candidates does not go with --negatives, --epochs or --from-epoch");
	if (cfg.from_epoch > cfg.epochs)
		die_usage("option --from-epoch: there are %" PRIu32 " epochs", cfg.epochs);
	if (cfg.grouped && cfg.negatives > REC_MAX_NEGATIVES)
		die_usage("option --negatives: a group has at most %d", REC_MAX_NEGATIVES);
	if (opt_given(&cfg.alpha) && cfg.sampler != SAMPLER_POPULARITY)
		die_usage("option --alpha needs --sampler popularity");
}

/* count^alpha of every item of the input; items that do not occur weigh 0, whatever alpha is. NULL:
   all weigh the same. */
static double *item_weights(const struct user_items *seen)
{
	double *weight;

	if (cfg.sampler == SAMPLER_UNIFORM || user_items_size(seen) == 0)
		return NULL;
	weight = xcalloc(seen->num_items, sizeof(*weight));
	for (uint64_t k = 0; k < user_items_size(seen); k++)
		weight[seen->item[k]]++;
	for (uint32_t i = 0; i < seen->num_items; i++)
		if (weight[i] > 0)
			weight[i] = real_exp(cfg.alpha * real_log(weight[i]));
	return weight;
}

/* Add the --exclude files to the items of the input `name`: what must not be drawn, each once. */
static void exclude_items(struct user_items *excluded, const char *name,
	const struct rec_header *input, struct js *entry)
{
	for (unsigned k = 0; k < cfg.exclude.num; k++) {
		struct rec_reader *in = rec_open(cfg.exclude.path[k], 1u << REC_INTERACTION);

		rec_check_families(name, input, rec_name(in), rec_header(in));
		split_id_check(name, input, rec_name(in), rec_header(in));
		rec_check_covers(rec_name(in), rec_header(in), name, input);
		rec_put_side(entry, "exclude", rec_header(in)->provenance);
		user_items_add_stream(excluded, in);
		rec_close(in, true);
	}
	if (cfg.exclude.num)
		user_items_finish(excluded);
}

/* FILTER_BITS per excluded item, or per positive if those are fewer; none for candidate lists. */
static unsigned filter_bits(const struct positive_index *p, const struct user_items *excluded)
{
	const uint64_t size = user_items_size(excluded);

	if (p->num >= size)
		return p->num ? FILTER_BITS : 0;
	return (unsigned)(FILTER_BITS * p->num / size);
}

static void report_skipped(uint32_t users)
{
	if (users)
		warn("users skipped, since no item can be drawn for them: %" PRIu32, users);
}

static void drop_exhausted(struct positive_index *p, const struct sampler *s, uint32_t num_users)
{
	unsigned char *skip = bitset_new(num_users);
	uint32_t users = 0;

	for (uint32_t k = 0; k < p->num_users; k++)
		if (!sampler_can_draw(s, p->user[k])) {
			bitset_add(skip, p->user[k]);
			users++;
		}
	if (users)
		positive_index_drop(p, skip);
	report_skipped(users);
	free(skip);
}

/* One batch: rows first .. first + count - 1 of an epoch, `count` structs of their kind. */
struct batch {
	size_t count;
	uint64_t first;
	void *rows;
};

struct epochs {
	const struct positive_index *positives;
	const struct sampler *sampler;
	struct permute order;
	uint32_t epoch;
	uint64_t rows_per_epoch;
	size_t slice, row_size; /* rows of a slice, bytes of a struct */
	struct batch filling, finished;
	struct rec_writer *out;
};

static void write_finished(struct epochs *e)
{
	rec_write_rows(e->out, e->finished.rows, e->finished.count);
	e->finished.count = 0;
	progress_at(rec_written(e->out));
}

/* Make n <= SLICE triples or samples, from row `first` of the epoch on. */
static void fill_rows(const struct epochs *e, uint64_t first, size_t n, void *rows)
{
	uint64_t number[SLICE];
	uint32_t user[SLICE], positive[SLICE], negative[SLICE];
	unsigned char label[SLICE];
	const uint32_t copies = cfg.pointwise ? cfg.negatives + 1 : cfg.negatives;
	struct sample *sample = rows;
	struct triple *triple = rows;

	permute_run(&e->order, first, n, number);
	for (size_t k = 0; k < n; k++) {
		label[k] = number[k] < e->positives->num; // the first of `copies` is the positive
		number[k] = copies == 1 ? number[k] : number[k] % e->positives->num;
	}
	positive_index_get(e->positives, number, n, user, positive);
	sampler_draw(e->sampler, e->epoch, first, n, user, negative);
	for (size_t k = 0; k < n; k++)
		if (cfg.pointwise)
			sample[k] = (struct sample){ user[k], label[k] ? positive[k] : negative[k],
				label[k] };
		else
			triple[k] = (struct triple){ user[k], positive[k], negative[k] };
}

/* Make n groups, of one slice, from row `first` of the epoch on. Negative j of row r, counted from
   0, is draw r x N + j. */
static void fill_groups(const struct epochs *e, uint64_t first, size_t n, uint32_t *rows)
{
	uint64_t number[SLICE];
	uint32_t user[SLICE], positive[SLICE];
	uint32_t drawn_for[REC_MAX_NEGATIVES], negative[REC_MAX_NEGATIVES];
	const size_t num = cfg.negatives, words = GROUP_NEGATIVES + num;

	permute_run(&e->order, first, n, number);
	positive_index_get(e->positives, number, n, user, positive);
	for (size_t k = 0; k < n; k++)
		for (size_t j = 0; j < num; j++)
			drawn_for[k * num + j] = user[k];
	sampler_draw(e->sampler, e->epoch, first * num, n * num, drawn_for, negative);
	for (size_t k = 0; k < n; k++, rows += words) {
		rows[GROUP_USER] = user[k];
		rows[GROUP_POSITIVE] = positive[k];
		memcpy(rows + GROUP_NEGATIVES, negative + k * num, num * sizeof(*negative));
	}
}

/* A job of the pool. Only the main thread may write (SIGPIPE); it first writes the last batch. */
static void fill_slice(void *arg, size_t slice, unsigned thread)
{
	struct epochs *e = arg;
	const size_t at = slice * e->slice, left = e->filling.count - at;
	const size_t n = left < e->slice ? left : e->slice;
	void *rows = (char *)e->filling.rows + at * e->row_size;

	if (thread == 0 && e->finished.count)
		write_finished(e);
	if (cfg.grouped)
		fill_groups(e, e->filling.first + at, n, rows);
	else
		fill_rows(e, e->filling.first + at, n, rows);
}

static void write_epoch(struct epochs *e, struct pool *pool)
{
	const size_t most = SLICES * e->slice;
	struct rng keys;

	rng_start(&keys, cfg.seed, RNG_PERMUTE, e->epoch, 0);
	permute_init(&e->order, e->rows_per_epoch, &keys);
	for (uint64_t first = 0; first < e->rows_per_epoch; first += most) {
		const uint64_t left = e->rows_per_epoch - first;
		void *rows = e->filling.rows;

		e->filling.first = first;
		e->filling.count = left < most ? left : most;
		pool_run(pool, (e->filling.count + e->slice - 1) / e->slice, fill_slice, e);
		if (e->finished.count) // no job was left for this thread
			write_finished(e);
		e->filling.rows = e->finished.rows;
		e->finished.rows = rows;
		e->finished.count = e->filling.count;
	}
}

/* The shape of an epoch: a group has N draws in one row; a slice has about as many draws either
   way. */
static void make_epochs(struct epochs *e, struct rec_header *header)
{
	const uint64_t positives = e->positives->num;

	e->rows_per_epoch = cfg.grouped	    ? positives
			    : cfg.pointwise ? positives * (cfg.negatives + UINT64_C(1))
					    : positives * cfg.negatives;
	e->slice = !cfg.grouped ? SLICE : cfg.negatives < SLICE ? SLICE / cfg.negatives : 1;
	e->epoch = cfg.from_epoch - 1;
	if (e->rows_per_epoch && e->epoch > INT64_MAX / e->rows_per_epoch)
		die("epoch %" PRIu32 " begins after more rows than a header can say",
			cfg.from_epoch);
	header->epochs = cfg.epochs;
	header->rows_per_epoch = e->rows_per_epoch;
	header->first_row = e->epoch * e->rows_per_epoch;
	header->negatives = cfg.grouped ? cfg.negatives : 0;
	e->row_size = rec_row_info(header).struct_size;
}

static void write_epochs(struct rec_header *header, const struct positive_index *positives,
	const struct sampler *sampler)
{
	const unsigned cores = pool_cores();
	struct pool *pool = pool_new(cores < MAX_THREADS ? cores : MAX_THREADS);
	struct epochs e = { .positives = positives, .sampler = sampler };

	make_epochs(&e, header);
	e.filling.rows = xmalloc(SLICES * e.slice, e.row_size);
	e.finished.rows = xmalloc(SLICES * e.slice, e.row_size);
	e.out = rec_create("-", header);
	progress_start("rows", e.rows_per_epoch * (cfg.epochs - e.epoch));
	for (; e.rows_per_epoch && e.epoch < cfg.epochs; e.epoch++)
		write_epoch(&e, pool);
	write_finished(&e);
	progress_end();
	rec_finish(e.out);
	pool_free(pool);
	free(e.filling.rows);
	free(e.finished.rows);
}

/* `seen` has no duplicates. */
static void write_candidates(
	struct rec_header *header, const struct user_items *seen, struct sampler *sampler)
{
	uint32_t *negative = xmalloc(seen->num_items, sizeof(*negative)), n;
	uint32_t short_users = 0, skipped = 0;
	struct rec_writer *out = rec_create("-", header);

	progress_start("users", seen->num_users);
	for (uint32_t u = 0; u < seen->num_users; u++) {
		const uint32_t *item = user_items_get(seen, u, &n);
		const uint64_t wanted = (uint64_t)n * cfg.candidates;
		uint32_t given;

		if (n == 0)
			continue;
		if (!sampler_can_draw(sampler, u)) {
			skipped++;
			continue;
		}
		given = sampler_distinct(sampler, u, wanted, negative);
		short_users += given < wanted;
		for (uint32_t k = 0; k < n; k++)
			rec_write(out, &(struct sample){ u, item[k], 1 });
		for (uint32_t k = 0; k < given; k++)
			rec_write(out, &(struct sample){ u, negative[k], 0 });
		progress_at(u);
	}
	progress_end();
	rec_finish(out);
	report_skipped(skipped);
	if (short_users)
		warn("users with fewer items left than wanted, who got all of them: %" PRIu32,
			short_users);
	free(negative);
}

int main(int argc, char **argv)
{
	char **operands = opt_parse(argc, argv, &program);
	struct user_items excluded, seen = { 0 }; // seen: for candidates
	struct positive_index positives = { 0 };  // for epochs
	struct rec_header header;
	enum rec_kind kind;
	struct js *entry = opt_provenance();
	struct sampler *sampler;
	double *weight;
	uint64_t num;
	char *name;

	check_options();
	struct rec_reader *in = rec_open(operands[0], 1u << REC_INTERACTION);
	name = xstrdup(rec_name(in));
	if (!cfg.candidates || cfg.sampler == SAMPLER_POPULARITY)
		rec_check_whole(name, rec_header(in), "order and draws hang on the rows of all");
	kind = cfg.grouped ? REC_GROUP : cfg.pointwise || cfg.candidates ? REC_SAMPLE : REC_TRIPLE;
	rec_header_init(&header, kind, rec_header(in), NULL);
	user_items_init(&excluded, header.num_users, header.num_items);
	user_items_add_stream(&excluded, in);
	num = rec_rows(in);
	rec_close(in, true);

	user_items_finish_all(&excluded);
	weight = item_weights(&excluded);
	if (!cfg.candidates)
		positive_index_init(&positives, &excluded);
	user_items_finish(&excluded);
	if (cfg.candidates)
		user_items_copy(&seen, &excluded);
	exclude_items(&excluded, name, &header, entry);
	js_append(header.provenance, entry);
	note("seed %" PRIu64 ", %" PRIu64 " interactions", cfg.seed, num); // no input can fail now
	sampler = sampler_new(&excluded, weight, filter_bits(&positives, &excluded), cfg.seed);
	if (cfg.candidates) {
		write_candidates(&header, &seen, sampler);
		user_items_release(&seen);
	} else {
		drop_exhausted(&positives, sampler, header.num_users);
		write_epochs(&header, &positives, sampler);
		positive_index_release(&positives);
	}
	sampler_free(sampler);
	user_items_release(&excluded);
	rec_header_release(&header);
	free(name);
	return 0;
}
