/*
 * planted: write a rating log whose truth is known, from a latent-factor model, for tests, scale.
 * Writes text like MovieLens' u.data: user TAB item TAB rating TAB time, ids from 1. The model is
 * in lib/data/planted.h.
 *   planted --users 138493 --items 27278 --ratings 20000000 >planted.tsv
 */
#include "data/planted.h"
#include "base/die.h"
#include "base/mem.h"
#include "base/pool.h"
#include "base/progress.h"
#include "cli/opt.h"
#include "model/model_file.h"
#include "stream/stream.h"

#include <inttypes.h>
#include <stdlib.h>

/* Users of a job, jobs of a batch, bytes a line may have
   (numbers of 10, 10, 1 and 10 digits, 4 ends). */
enum { JOB_USERS = 32, JOBS = 16, LINE_BYTES = 35 };
enum { TIME_START = 874724710, TIME_SPAN = 215 * 86400 }; // those of MovieLens 100K

static struct planted_config cfg = { .num_users = 943,
	.num_items = 1682,
	.num_ratings = 100000,
	.factors = 4,
	.skew = 1,
	.strength = 3,
	.seed = 1 };
static const char *truth;

/* clang-format off */
static const struct opt options[] = {
	OPT_UINT(0, "users", &cfg.num_users, 1, UINT32_MAX - 1, "N", "users"),
	OPT_UINT(0, "items", &cfg.num_items, 8, UINT32_MAX - 1, "N", "items"),
	OPT_UINT64(0, "ratings", &cfg.num_ratings, 1, UINT64_C(1) << 48, "N", "ratings in all"),
	OPT_UINT('f', "factors", &cfg.factors, 2, 64, "F", "dimensions of the latent directions"),
	OPT_REAL(0, "skew", &cfg.skew, 0, 2, "R", "exponent of the popularity; 0 makes all items equal"),
	OPT_REAL(0, "strength", &cfg.strength, 0, 8, "R", "how much a preference depends on the directions"),
	OPT_UINT64('s', "seed", &cfg.seed, 0, OPT_UINT64_MAX, "S", "seed"),
	OPT_OUTPUT(0, "truth", &truth, "FILE", "write the log preferences too, as an mf model for neumf-score"),
	OPT_END
};

static const struct opt_program program = {
	.name = "planted",
	.operands = "",
	.max_operands = 0,
	.summary = "Write a rating log from a known latent-factor model.",
	.reads = "nothing",
	.writes = "text lines: user, item, rating and time, with tabs between them",
	.examples = {
"planted --users 1000 --ratings 50000 --truth truth.safetensors |\n"
"    ml-split --test test.cof >train-ratings.cof",
"planted --skew 0 --strength 5 --seed 7 | gzip >flat.tsv.gz",
"planted --users 300 --items 400 --ratings 9000 | cof-import | cof-stat"
},
	.tables = {options},
};
/* clang-format on */

struct rating_text {
	char *data;
	size_t used, capacity;
};

struct work {
	const struct planted *world;
	struct planted_scratch *scratch; // one a thread
	struct rating_text text[JOBS];
	uint64_t first_user;
};

static void put_number(struct rating_text *t, uint32_t number, char end)
{
	char digits[10];
	unsigned n = 0;

	do
		digits[n++] = (char)('0' + number % 10);
	while (number /= 10);
	while (n > 0)
		t->data[t->used++] = digits[--n];
	t->data[t->used++] = end;
}

static void put_user(
	const struct planted *w, uint32_t user, struct planted_scratch *s, struct rating_text *t)
{
	const uint32_t n = planted_draw_items(w, user, s);
	uint32_t time;
	struct rng r;

	t->data = xgrow(t->data, &t->capacity, t->used + (size_t)n * LINE_BYTES, 1);
	rng_start(&r, cfg.seed, RNG_PLANTED_RATING, 2, user);
	time = TIME_START + rng_below(&r, TIME_SPAN);
	for (uint32_t k = 0; k < n; k++) {
		put_number(t, user + 1, '\t');
		put_number(t, s->item[k] + 1, '\t');
		put_number(t, planted_draw_rating(w, user, s->item[k], &r), '\t');
		put_number(t, time, '\n');
		time += 1 + rng_below(&r, 60);
		rng_extend(&r);
	}
}

static void make_text(void *arg, size_t job, unsigned thread)
{
	struct work *work = arg;
	const uint64_t first = work->first_user + job * JOB_USERS;

	work->text[job].used = 0;
	for (uint64_t u = first; u < first + JOB_USERS && u < cfg.num_users; u++)
		put_user(work->world, (uint32_t)u, &work->scratch[thread], &work->text[job]);
}

static void write_ratings(const struct planted *w)
{
	struct pool *pool = pool_new(pool_cores());
	struct stream_out *out = stream_create("-", false);
	struct work work = { .world = w };

	work.scratch = xcalloc(pool_threads(pool), sizeof(*work.scratch));
	for (unsigned k = 0; k < pool_threads(pool); k++)
		planted_scratch_init(&work.scratch[k], w);
	progress_start("ratings", cfg.num_ratings);
	for (; work.first_user < cfg.num_users; work.first_user += JOBS * JOB_USERS) {
		progress_at(w->first[work.first_user]);
		pool_run(pool, JOBS, make_text, &work);
		for (int k = 0; k < JOBS; k++)
			stream_write(out, work.text[k].data, work.text[k].used);
	}
	progress_end();
	stream_commit(out);
	for (unsigned k = 0; k < pool_threads(pool); k++)
		planted_scratch_release(&work.scratch[k]);
	for (int k = 0; k < JOBS; k++)
		free(work.text[k].data);
	free(work.scratch);
	pool_free(pool);
}

static struct neumf_shape truth_shape(void)
{
	return (struct neumf_shape){ .model = MODEL_MF,
		.loss = LOSS_BPR,
		.num_users = cfg.num_users,
		.num_items = cfg.num_items,
		.factors = cfg.factors + 1 };
}

/*
 * The log preference of user u and item i is the dot product (strength p_u, 1) . (q_i, b_i): the
 * rows of the tensors gmf_user and gmf_item.
 */
static void truth_values(void *arg, struct neumf_rows rows, float *out)
{
	const struct planted *w = arg;
	const uint32_t factors = cfg.factors;
	struct neumf_shape shape = truth_shape();
	struct neumf_layout layout;

	neumf_layout(&shape, &layout);
	const bool users = layout.tensor[rows.tensor].side == SIDE_USER;
	for (size_t row = rows.first; row < (size_t)rows.first + rows.num; row++) {
		for (uint32_t k = 0; k < factors; k++)
			*out++ = users ? (float)cfg.strength * w->user[row * factors + k]
				       : w->item[row * factors + k];
		*out++ = users ? 1 : (float)w->popularity[row];
	}
}

static void write_truth(struct planted *w)
{
	const struct neumf_shape shape = truth_shape();
	struct stream_out *out = stream_create(truth, true);
	struct js *provenance = js_array();

	js_append(provenance, opt_provenance());
	model_file_save(out, &shape,
		&(struct model_info){ .seed = cfg.seed, .provenance = provenance }, truth_values,
		w);
	js_free(provenance);
}

int main(int argc, char **argv)
{
	struct planted world;

	opt_parse(argc, argv, &program);
	if (cfg.num_ratings < planted_fewest(&cfg) || cfg.num_ratings > planted_most(&cfg))
		die_usage("option --ratings: %" PRIu32 " users and %" PRIu32
			  " items go with %" PRIu64 " to %" PRIu64,
			cfg.num_users, cfg.num_items, planted_fewest(&cfg), planted_most(&cfg));
	planted_init(&world, &cfg);
	note("seed %" PRIu64, cfg.seed);
	if (truth)
		write_truth(&world);
	write_ratings(&world);
	planted_release(&world);
	return 0;
}
