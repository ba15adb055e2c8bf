/*
 * throughput: how fast the plug-in trains and scores, without streams and files around it.
 *   COFILTER_CUDA_PLUGIN=FILE throughput train|train-adam|train-drawn|score|rank book|wide
 *       fp32|tf32|bf16 BATCH STEPS [USERS ITEMS]
 * train: STEPS steps on batches of BATCH triples with lazy-adam, or adam, which moves every row;
 * train-drawn: on triples that the device draws, lazy-adam. Half of the positives are log-uniform,
 * as popular items are. score, rank: STEPS blocks of BATCH
 * pairs, 64 users each. Prints one line: the work and its rate; per triple or pair the arithmetic,
 * the bytes as these kernels move them, and the least that any could (rows of tables and moments,
 * scores); the kernels of a step that wait for one another; from which gpu-check.sh computes two
 * floors.
 */
#include "base/die.h"
#include "base/mem.h"
#include "base/number.h"
#include "base/pool.h"
#include "base/rng.h"
#include "data/epoch_rows.h"
#include "model/backend.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { WARM_UP = 5, BATCHES = 8, BLOCK_USERS = 64 };

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* `hot`: half of them log-uniform. */
static uint32_t *random_ids(size_t n, uint32_t bound, uint64_t stream, bool hot)
{
	uint32_t *id = xmalloc(n, sizeof(*id));
	struct rng r;

	rng_start(&r, 1, RNG_TEST, 0, stream);
	for (size_t i = 0; i < n; i++)
		id[i] = hot && i % 2 ? (uint32_t)pow(bound, rng_real(&r)) - 1
				     : rng_below(&r, bound);
	return id;
}

static struct backend *create(const struct backend_ops *ops, const struct neumf_shape *shape,
	uint32_t batch, const enum neumf_optimizer_kind *kind, enum backend_precision precision)
{
	struct neumf_optimizer optimizer = { kind ? *kind : OPTIMIZER_ADAM, 0.001, 0, 0, 0.9, 0.999,
		1e-8 };
	struct backend_config config = { .shape = *shape, .batch_size = batch };
	struct neumf_layout layout;

	neumf_layout(shape, &layout);
	config.params = xmalloc(layout.num_params, sizeof(float));
	neumf_init(shape, 0.01, DENSE_NORMAL, 1, config.params);
	config.optimizer = kind ? &optimizer : NULL;
	config.precision = precision;
	return ops->create(&config);
}

/* Seconds of `steps` steps. */
static double time_training(const struct backend_ops *ops, struct backend *b,
	const struct neumf_shape *s, uint32_t size, unsigned steps)
{
	uint32_t *user = random_ids((size_t)BATCHES * size, s->num_users, 1, false);
	uint32_t *item = random_ids((size_t)BATCHES * size, s->num_items, 2, true);
	uint32_t *negative = random_ids((size_t)BATCHES * size, s->num_items, 3, false);
	double start = 0;

	for (unsigned k = 0; k < WARM_UP + steps; k++) {
		size_t at = (size_t)(k % BATCHES) * size;
		struct batch batch = { size, user + at, item + at, negative + at, NULL };

		if (k == WARM_UP) {
			ops->loss(b); /* blocks until queued work finishes */
			start = now();
		}
		ops->gradient(b, &batch);
		ops->update(b);
	}
	ops->loss(b);
	start = now() - start;
	free(user);
	free(item);
	free(negative);
	return start;
}

/* ITEMS_OF_USER positives of each user, half of them log-uniform. */
static void make_sampling(struct sampling *s, const struct neumf_shape *shape)
{
	enum { ITEMS_OF_USER = 64 };
	const size_t n = (size_t)ITEMS_OF_USER * shape->num_users;
	uint32_t *item = random_ids(n, shape->num_items, 2, true);
	struct pool *pool = pool_new(1);

	memset(s, 0, sizeof(*s));
	user_items_init(&s->excluded, shape->num_users, shape->num_items);
	for (size_t k = 0; k < n; k++)
		user_items_add(&s->excluded, (uint32_t)(k / ITEMS_OF_USER), item[k]);
	user_items_finish(&s->excluded);
	positive_index_init(&s->positives, &s->excluded, pool);
	s->sampler = sampler_new(&s->excluded, NULL, 0, 1, pool);
	pool_free(pool);
	free(item);
}

/* Seconds of `steps` steps on rows that are drawn on the device. */
static double time_drawn(const struct backend_ops *ops, struct backend *b,
	const struct neumf_shape *s, uint32_t size, unsigned steps)
{
	struct sampling sampling;
	struct epoch_rows rows;
	double start = 0;

	make_sampling(&sampling, s);
	epoch_rows_init(&rows, &sampling, REC_TRIPLE, 1, 1);
	const struct row_draws draws = epoch_rows_draws(&rows);
	const char *why = ops->draw_from(b, &draws);
	if (why)
		die("rows are not drawn: %s", why);
	for (unsigned k = 0; k < WARM_UP + steps; k++) {
		if (k == WARM_UP) {
			ops->loss(b);
			start = now();
		}
		ops->gradient_drawn(b, (uint64_t)k * size, size);
		ops->update(b);
	}
	ops->loss(b);
	start = now() - start;
	sampling_release(&sampling);
	return start;
}

static double time_scoring(const struct backend_ops *ops, struct backend *b,
	const struct neumf_shape *s, uint32_t items, unsigned steps, bool rank)
{
	uint32_t *user = random_ids((size_t)BLOCK_USERS, s->num_users, 1, false);
	uint32_t none[BLOCK_USERS + 1] = { 0 }, one[BLOCK_USERS + 1], wanted[BLOCK_USERS],
				    bad[BLOCK_USERS];
	struct rank_lists lists = { none, none, one, wanted };
	struct rank_place place[BLOCK_USERS];
	float *score = xmalloc((size_t)BLOCK_USERS * items, sizeof(*score));
	double start = 0;

	for (uint32_t k = 0; k <= BLOCK_USERS; k++)
		one[k] = k;
	for (uint32_t k = 0; k < BLOCK_USERS; k++)
		wanted[k] = k % items;
	for (unsigned k = 0; k < WARM_UP + steps; k++) {
		if (k == WARM_UP)
			start = now();
		if (rank)
			ops->rank_block(b, BLOCK_USERS, user, 0, items, &lists, bad, place);
		else
			ops->score_block(b, BLOCK_USERS, user, 0, items, score);
	}
	start = now() - start;
	free(user);
	free(score);
	return start;
}

struct cost {
	double flop, bytes, least;
	unsigned nodes;
};

/* Bytes of a triple: three passes of the sort; a copy from the host; a draw (lib/cuda/README.md). */
enum { SORT_BYTES = 290, COPY_BYTES = 12, DRAW_BYTES = 256 };

/* Kernels one after another in a step; the products of gradients of weights are slices from 8,192
   samples on. */
static unsigned step_nodes(bool narrow, enum backend_precision precision, uint32_t batch)
{
	if (narrow)
		return 3;
	return (2 * batch < 8192 ? 24 : 27) + (precision == PRECISION_BF16);
}

/*
 * Of a triple, in floats read and written, by kernel as lib/cuda/README.md lists them. The book's
 * network, a narrow one, keeps its activations: rows, gradients of occurrences out and in, and moments.
 * Layers of the wide one are products, whose epilogues write and read a bit for each hidden unit, and
 * a kernel for the gradient of the bias (and relu', after the last layer).
 */
static struct cost triple_cost(
	const struct neumf_shape *s, bool narrow, enum backend_precision precision)
{
	double F = s->factors, E = s->mlp_factors, in = 2 * E, flop = 0, moved;
	const double half = precision == PRECISION_BF16 ? 0.5 : 1; /* a layer's number, in floats */

	moved = 3 * (F + E) + 2 * F + 4 * E * half; /* gather */
	for (uint32_t l = 0; l < s->num_hidden; l++) {
		double out = s->hidden[l];
		bool last = l == s->num_hidden - 1;

		moved += (l ? 6 * half : 4 * half + 2) * in +
			 (last ? 6 + 6 * half : 8 * half + 2.0 / 16) * out;
		flop += 3 * 2 * 2 * in * out;
		in = out;
	}
	moved += 4 * F + 6 * in + 6;	      /* loss, head */
	moved += 4 * F + 4 * E + 3 * (F + E); /* segments */
	if (narrow)
		moved = 2 * 3 * (F + E) + 9; /* rows and gradients; ids, keys, places */
	moved += 7 * 3 * (F + E);	     /* rows and their moments */
	return (struct cost){ flop, sizeof(float) * moved, sizeof(float) * 6 * 3 * (F + E), 0 };
}

/* A narrow network reads the rows of an item once for four users, and writes the score. */
static struct cost pair_cost(const struct neumf_shape *s, bool narrow)
{
	double in = s->hidden[0], flop = in, moved = in;

	for (uint32_t l = 1; l < s->num_hidden; l++) {
		flop += in * s->hidden[l];
		moved += in + 3 * (double)s->hidden[l];
		in = s->hidden[l];
	}
	moved = narrow ? (s->hidden[0] + s->factors) / 4.0 : moved + in;
	return (struct cost){ 2 * (flop + s->factors + in), sizeof(float) * (moved + 1),
		sizeof(float), 0 };
}

static uint32_t number(const char *text)
{
	uint64_t v;

	if (!number_parse_uint(text, 1, UINT32_MAX / 8, &v))
		die("'%s' is not a number", text);
	return (uint32_t)v;
}

int main(int argc, char **argv)
{
	struct neumf_shape shape = { MODEL_NEUMF, LOSS_BPR, false, 138493, 26744, 10, 10, 3,
		{ 10, 10, 10 }, false, { 0, 0, 0 } };
	struct neumf_shape wide = { MODEL_NEUMF, LOSS_BPR, false, 138493, 26744, 64, 64, 3,
		{ 256, 128, 64 }, false, { 0, 0, 0 } };
	double seconds, work;
	struct cost cost;

	die_set_name("throughput");
	if (argc != 6 && argc != 8)
		die("usage: throughput train|train-adam|train-drawn|score|rank book|wide "
		    "fp32|tf32|bf16 BATCH STEPS [USERS ITEMS]");
	bool narrow = strcmp(argv[2], "wide");
	if (!narrow)
		shape = wide;
	if (argc == 8) {
		shape.num_users = number(argv[6]);
		shape.num_items = number(argv[7]);
	}
	uint32_t batch = number(argv[4]), steps = number(argv[5]), items = batch / BLOCK_USERS;
	bool train = !strncmp(argv[1], "train", 5);
	enum neumf_optimizer_kind kind =
		strcmp(argv[1], "train-adam") ? OPTIMIZER_LAZY_ADAM : OPTIMIZER_ADAM;
	enum backend_precision precision = PRECISION_FP32;
	while (strcmp(argv[3], backend_precision_names[precision]))
		if (!backend_precision_names[++precision])
			die("'%s' is no precision", argv[3]);
	const struct backend_ops *ops = backend_select(DEVICE_CUDA, true);
	struct backend *b = create(ops, &shape, train ? batch : 1, train ? &kind : NULL, precision);
	if (train) {
		seconds = (strcmp(argv[1], "train-drawn") ? time_training : time_drawn)(
			ops, b, &shape, batch, steps);
		cost = triple_cost(&shape, narrow, precision);
		cost.bytes +=
			SORT_BYTES + (strcmp(argv[1], "train-drawn") ? COPY_BYTES : DRAW_BYTES);
		cost.nodes = step_nodes(narrow, precision, batch);
		if (kind ==
			OPTIMIZER_ADAM) { /* all rows, six floats each, in place of the batch's */
			double all = sizeof(float) * 6.0 * (shape.factors + shape.mlp_factors) /
				     batch * ((double)shape.num_users + shape.num_items);

			cost.bytes += all - cost.least;
			cost.least = all;
		}
		work = (double)batch * steps;
	} else {
		items = items < 1 ? 1 : items > shape.num_items ? shape.num_items : items;
		seconds = time_scoring(ops, b, &shape, items, steps, !strcmp(argv[1], "rank"));
		cost = pair_cost(&shape, narrow);
		work = (double)BLOCK_USERS * items * steps;
	}
	printf("%s %s %s %u %.4g M/s %.0f FLOP %.0f bytes %.0f least %.1f us/step %u nodes\n",
		argv[1], argv[2], argv[3], (unsigned)batch, work / seconds / 1e6, cost.flop,
		cost.bytes, cost.least, seconds / steps * 1e6, cost.nodes);
	ops->destroy(b);
	return 0;
}
