/*
 * throughput: how fast the plug-in trains and scores, without streams and files around it.
 *   COFILTER_CUDA_PLUGIN=FILE throughput train|score|rank book|wide fp32|tf32 BATCH STEPS
 *       [USERS ITEMS]
 * train: STEPS steps on batches of BATCH triples. score, rank: STEPS blocks of BATCH pairs, 64
 * users each. Prints one line: the work, its rate, and the arithmetic and the bytes per triple or
 * pair (as separate fp32 kernels move them), from which gpu-check.sh computes the floor.
 */
#include "base/die.h"
#include "base/mem.h"
#include "base/number.h"
#include "base/rng.h"
#include "model/backend.h"

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

static uint32_t *random_ids(size_t n, uint32_t bound, uint64_t stream)
{
	uint32_t *id = xmalloc(n, sizeof(*id));
	struct rng r;

	rng_start(&r, 1, RNG_TEST, 0, stream);
	for (size_t i = 0; i < n; i++)
		id[i] = rng_below(&r, bound);
	return id;
}

static struct backend *create(const struct backend_ops *ops, const struct neumf_shape *shape,
	uint32_t batch, bool train, bool tf32)
{
	struct neumf_optimizer optimizer = { OPTIMIZER_LAZY_ADAM, 0.001, 0, 0, 0.9, 0.999, 1e-8 };
	struct backend_config config = { .shape = *shape, .batch_size = batch };
	struct neumf_layout layout;

	neumf_layout(shape, &layout);
	config.params = xmalloc(layout.num_params, sizeof(float));
	neumf_init(shape, 0.01, DENSE_NORMAL, 1, config.params);
	config.optimizer = train ? &optimizer : NULL;
	config.tf32 = tf32;
	return ops->create(&config);
}

/* Seconds of `steps` steps. */
static double time_training(const struct backend_ops *ops, struct backend *b,
	const struct neumf_shape *s, uint32_t size, unsigned steps)
{
	uint32_t *user = random_ids((size_t)BATCHES * size, s->num_users, 1);
	uint32_t *item = random_ids((size_t)BATCHES * size, s->num_items, 2);
	uint32_t *negative = random_ids((size_t)BATCHES * size, s->num_items, 3);
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

static double time_scoring(const struct backend_ops *ops, struct backend *b,
	const struct neumf_shape *s, uint32_t items, unsigned steps, bool rank)
{
	uint32_t *user = random_ids((size_t)BLOCK_USERS, s->num_users, 1);
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

/* FLOP of a triple, the first layer in halves (the user half once), and bytes if each operation is
   a kernel of its own. */
static void triple_cost(const struct neumf_shape *s, double *flop, double *bytes)
{
	double first = (double)s->mlp_factors * s->hidden[0], rest = 0, in = 2.0 * s->mlp_factors,
	       pass = 0, out = 0;

	for (uint32_t l = 0; l < s->num_hidden; l++) {
		rest += l ? in * s->hidden[l] : 0;
		pass += in + s->hidden[l];
		out += s->hidden[l];
		in = s->hidden[l];
	}
	*flop = 2 * 3 * (3 * first + 2 * rest);
	*bytes = 2 * sizeof(float) * (20.0 * s->factors + 3 * in + 3 * pass + 5 * out);
}

static void pair_cost(const struct neumf_shape *s, double *flop, double *bytes)
{
	double in = s->hidden[0], sum = in, pass = in;

	for (uint32_t l = 1; l < s->num_hidden; l++) {
		sum += in * s->hidden[l];
		pass += in + 3.0 * s->hidden[l];
		in = s->hidden[l];
	}
	*flop = 2 * (sum + s->factors + in);
	*bytes = sizeof(float) * (pass + in + 1);
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
	double flop, bytes, seconds, work;

	die_set_name("throughput");
	if (argc != 6 && argc != 8)
		die("usage: throughput train|score|rank book|wide fp32|tf32 BATCH STEPS "
		    "[USERS ITEMS]");
	if (!strcmp(argv[2], "wide"))
		shape = wide;
	if (argc == 8) {
		shape.num_users = number(argv[6]);
		shape.num_items = number(argv[7]);
	}
	uint32_t batch = number(argv[4]), steps = number(argv[5]), items = batch / BLOCK_USERS;
	bool train = !strcmp(argv[1], "train");
	const struct backend_ops *ops = backend_select(DEVICE_CUDA, true);
	struct backend *b = create(ops, &shape, train ? batch : 1, train, !strcmp(argv[3], "tf32"));
	if (train) {
		seconds = time_training(ops, b, &shape, batch, steps);
		triple_cost(&shape, &flop, &bytes);
		work = (double)batch * steps;
	} else {
		items = items < 1 ? 1 : items > shape.num_items ? shape.num_items : items;
		seconds = time_scoring(ops, b, &shape, items, steps, !strcmp(argv[1], "rank"));
		pair_cost(&shape, &flop, &bytes);
		work = (double)BLOCK_USERS * items * steps;
	}
	printf("%s %s %s %u %.4g M/s %.0f FLOP %.0f bytes %.1f us/step\n", argv[1], argv[2],
		argv[3], (unsigned)batch, work / seconds / 1e6, flop, bytes, seconds / steps * 1e6);
	ops->destroy(b);
	return 0;
}
