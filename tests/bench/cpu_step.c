/*
 * cpu_step: the cpu backend alone, without streams: triples a second of gradient + update, or pairs a
 * second of score_block, by instruction set.
 *   cpu_step train|gradient|score NETWORK [THREADS [BATCH [USERS ITEMS [LEVEL [SECONDS]]]]]
 * NETWORK: a name of `networks` below. LEVEL is 0 for the best instruction set, 1 for the next. Prints
 * "rate N", in millions a second; with CPU_TIME set in the environment, of processor time instead,
 * which a busy machine disturbs less.
 */
#include "base/mem.h"
#include "base/rng.h"
#include "cpu/cpu.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static clockid_t clock_used = CLOCK_MONOTONIC;

static double now(void)
{
	struct timespec t;

	clock_gettime(clock_used, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

struct network {
	const char *name;
	enum neumf_optimizer_kind optimizer;
	struct neumf_shape shape; /* users and items are added */
};

#define NCF(f, ...)                                                                         \
	{                                                                                   \
		.model = MODEL_NEUMF, .loss = LOSS_BPR, .factors = (f), .mlp_factors = (f), \
		.num_hidden = 3, .hidden = {                                                \
			__VA_ARGS__                                                         \
		}                                                                           \
	}
#define MF(l, f, b)                                                         \
	{                                                                   \
		.model = MODEL_MF, .loss = (l), .factors = (f), .bias = (b) \
	}

static const struct network networks[] = {
	{ "seed", OPTIMIZER_ADAM, NCF(10, 10, 10, 10) },
	{ "lazy", OPTIMIZER_LAZY_ADAM, NCF(10, 10, 10, 10) },
	{ "ncf", OPTIMIZER_ADAM, NCF(32, 64, 32, 16) },
	{ "wide", OPTIMIZER_LAZY_ADAM, NCF(64, 256, 128, 64) },
	{ "mf-sgd", OPTIMIZER_SGD, MF(LOSS_BPR, 64, false) },
	{ "mf-lazy", OPTIMIZER_LAZY_ADAM, MF(LOSS_BPR, 64, false) },
	{ "mf-adam", OPTIMIZER_ADAM, MF(LOSS_BPR, 64, false) },
	{ "mf-bce", OPTIMIZER_SGD, MF(LOSS_BCE, 64, true) },
	{ "mf-bce-192", OPTIMIZER_SGD, MF(LOSS_BCE, 192, true) },
};
enum { NETWORKS = sizeof(networks) / sizeof(*networks) };

static const struct network *network_of(const char *name)
{
	for (unsigned k = 0; k < NETWORKS; k++)
		if (strcmp(networks[k].name, name) == 0)
			return &networks[k];
	fprintf(stderr, "cpu_step: no network '%s'\n", name);
	exit(2);
}

/* Batches of random rows; 64 of them, taken in turn. Samples are one positive in nine. */
enum { BATCHES = 64 };

static struct batch batch_at(uint32_t *rows, const float *label, uint32_t size, unsigned k)
{
	uint32_t *r = rows + (size_t)k % BATCHES * 3 * size;

	return (struct batch){ size, r, r + size, r + 2 * size, label };
}

static double train(struct backend *b, uint32_t *rows, uint32_t size, double seconds, int update)
{
	unsigned k = 0;
	double start = 0;
	float *label = xcalloc(size, sizeof(*label));

	for (uint32_t r = 0; r < size; r += 9)
		label[r] = 1;
	for (unsigned warm = 4; start == 0 || now() - start < seconds; k++) {
		struct batch batch = batch_at(rows, label, size, k);

		if (k == warm)
			start = now();
		backend_cpu.gradient(b, &batch);
		if (update || k < warm)
			backend_cpu.update(b);
	}
	free(label);
	return (k - 4) * (double)size / (now() - start) / 1e6;
}

static double score(struct backend *b, uint32_t users, uint32_t items, double seconds)
{
	uint32_t user[64];
	float *out = xmalloc((size_t)64 * items, sizeof(float));
	double start, done = 0;

	for (uint32_t k = 0; k < 64; k++)
		user[k] = k * 13 % users;
	backend_cpu.score_block(b, 1, user, 0, items, out);
	start = now();
	for (; now() - start < seconds; done += 64.0 * items)
		backend_cpu.score_block(b, 64, user, 0, items, out);
	free(out);
	return done / (now() - start) / 1e6;
}

static uint32_t number(int argc, char **argv, int k, uint32_t otherwise)
{
	return argc > k ? (uint32_t)strtoul(argv[k], NULL, 10) : otherwise;
}

int main(int argc, char **argv)
{
	if (argc < 3) {
		fprintf(stderr,
			"usage: cpu_step train|gradient|score NETWORK [THREADS [BATCH [USERS "
			"ITEMS [LEVEL [SECONDS]]]]]\n");
		return 2;
	}
	if (getenv("CPU_TIME") != NULL)
		clock_used = CLOCK_PROCESS_CPUTIME_ID;
	const uint32_t threads = number(argc, argv, 3, 1), size = number(argc, argv, 4, 1024);
	const uint32_t users = number(argc, argv, 5, 943), items = number(argc, argv, 6, 1682);
	const struct cpu_kernels *kernels[8];
	const unsigned n = cpu_kernels_available(kernels, 8), level = number(argc, argv, 7, 0);
	const double seconds = number(argc, argv, 8, 2);
	const struct network *network = network_of(argv[2]);
	struct neumf_optimizer o = { network->optimizer, 0.001, 0, 0, 0.9, 0.999, 1e-8 };
	struct backend_config c = { .shape = network->shape,
		.optimizer = &o,
		.batch_size = size,
		.pool = pool_new(threads) };
	struct neumf_layout l;
	struct rng r;

	c.shape.num_users = users;
	c.shape.num_items = items;
	neumf_layout(&c.shape, &l);
	c.params = xmalloc(l.num_params, sizeof(float));
	neumf_init(&c.shape, 0.05, DENSE_NORMAL, 1, c.params);
	uint32_t *rows = xmalloc((size_t)BATCHES * 3 * size, sizeof(*rows));
	rng_start(&r, 1, RNG_TEST, 0, 0);
	for (size_t k = 0; k < (size_t)BATCHES * 3 * size; k++)
		rows[k] = rng_below(&r, k / size % 3 == 0 ? users : items);

	struct backend *b = cpu_create(&c, kernels[level < n ? level : n - 1]);
	double rate = strcmp(argv[1], "score") == 0
			      ? score(b, users, items, seconds)
			      : train(b, rows, size, seconds, strcmp(argv[1], "train") == 0);
	printf("%s\nrate %.4f\n", backend_cpu.describe(b), rate);
	backend_cpu.destroy(b);
	free(rows);
	return 0;
}
