/*
 * same_bits: the cpu backend gives the same bits on every machine. Training and scoring with each
 * instruction set of this processor and 1 to 4 threads, down to numbers that underflow, against
 * numbers written down here, which every processor, compiler and optimization must give.
 */
#include "bits.h"
#include "cpu/simd.h"
#include "training.h"

#include <math.h>
#include <stdlib.h>

enum { STEPS = 4, SCORED = 5 };

static const struct neumf_optimizer optimizers[] = {
	{ OPTIMIZER_ADAM, 0.01, 1e-3, 0, 0.9, 0.999, 1e-8 },
	{ OPTIMIZER_LAZY_ADAM, 0.01, 1e-3, 0.01, 0.9, 0.999, 1e-8 },
	{ OPTIMIZER_SGD, 0.1, 0, 0.01, 0.9, 0.999, 1e-8 },
	{ OPTIMIZER_SGD, 0.1, 1e-3, 0, 0.9, 0.999, 1e-8 },
};

static const struct {
	uint32_t factors, hidden[4];
} sizes[] = { { 7, { 9, 6, 3 } }, { 16, { 17 } }, { 34, { 67, 35, 9 } }, { 3, { 5, 4 } } };

/* Numbers of rows about 128, a block, and 64. */
static const uint32_t batch_sizes[] = { 31, 257, 64, 129, 1, 127, 65, 500 };

/* A model and how it is trained. */
struct run {
	struct neumf_shape shape;
	const struct neumf_optimizer *optimizer;
	uint32_t batch_size;
	double init_std;
};

/* Adds all tensors, and frees them. */
static uint64_t add_tensors(uint64_t bits, const struct neumf_layout *l, float *all)
{
	bits = bits_add(bits, all, l->num_params * sizeof(*all));
	free(all);
	return bits;
}

static uint64_t add_scores(uint64_t bits, struct backend *b)
{
	static const uint32_t user[] = { 0, 1, 5, 9, USERS - 1 },
			      item[] = { ITEMS - 1, 0, 7, 64, 63 };
	static float score[SCORED * ITEMS];

	backend_cpu.score_block(b, SCORED, user, 0, ITEMS, score);
	bits = bits_add(bits, score, sizeof(score));
	backend_cpu.score_pairs(b, SCORED, user, item, score);
	return bits_add(bits, score, SCORED * sizeof(*score));
}

static uint64_t run_bits(
	uint64_t bits, const struct run *run, const struct cpu_kernels *kernels, unsigned threads)
{
	static struct rows rows;
	struct backend_config c = { .shape = run->shape,
		.optimizer = run->optimizer,
		.batch_size = run->batch_size,
		.pool = pool_of(threads) };
	struct neumf_layout l;

	neumf_layout(&run->shape, &l);
	c.params = xmalloc(l.num_params, sizeof(float));
	neumf_init(&run->shape, run->init_std, run->init_std > 0.1 ? DENSE_GLOROT : DENSE_NORMAL, 3,
		c.params);
	struct backend *b = cpu_create(&c, kernels);
	float *gradient = NULL; /* the last, which update() uses up */
	for (uint32_t step = 0; step < STEPS; step++) {
		struct batch batch = random_batch(
			&rows, run->batch_size > step ? run->batch_size - step : 1, step);

		backend_cpu.gradient(b, &batch);
		if (step + 1 == STEPS)
			gradient = read_all(&backend_cpu, b, &l, BACKEND_GRADIENT);
		backend_cpu.update(b);
	}
	bits = add_tensors(bits, &l, read_all(&backend_cpu, b, &l, BACKEND_VALUE));
	bits = add_tensors(bits, &l, gradient);
	bits = add_tensors(bits, &l, read_all(&backend_cpu, b, &l, BACKEND_MOMENT1));
	bits = add_tensors(bits, &l, read_all(&backend_cpu, b, &l, BACKEND_MOMENT2));
	const double loss = backend_cpu.loss(b).sum;
	bits = add_scores(bits_add(bits, &loss, sizeof(loss)), b);
	backend_cpu.destroy(b);
	return bits;
}

/* Losses of neumf.h, then bpr and hinge on sigmoids; each model with every optimizer and size. */
enum { WAYS = 5 };

static const char *const way_names[WAYS] = { "bpr", "hinge", "bce", "bpr on sigmoids",
	"hinge on sigmoids" };

static const uint64_t expected[VARIANTS][WAYS] = {
	{ 0x582eae54e65acea4, 0x961acf0c9e3e3ac6, 0xbba196fd79f8a961, 0x303d144e0714e154,
		0x74f969c67bf120ff },
	{ 0x5050863c1985aebd, 0x4693fb871c5c3907, 0x5d8755862dee8ce9, 0x020fe66605878b33,
		0x90d0abb12c3c79e7 },
	{ 0xf235be407745ebb2, 0x030bf4ccea3bfa96, 0xf34971b913b854ec, 0x9e0ef19d289c2b6a,
		0xe60bd742727ef903 },
	{ 0xcc9f69e9f273e143, 0x79bbf3d4e928f407, 0x7facf1ccd19ac29c, 0xb0365f6b803d6a16,
		0x680395a3917e4020 },
	{ 0x2c14e5a43cb1fe90, 0xb0b9a79a846d51cc, 0x8d3de31b096facf3, 0x31df508edc716654,
		0xbb98246da066c624 },
	{ 0x79a4e29940e25e67, 0x4d1702f3f20d392f, 0x6a9b089acfacbfee, 0x339ad9ae8db83ae8,
		0x2239b5f8c58dabb3 }, /* ccl, the same loss with batches of other sizes */
};

static void check_model(
	unsigned variant, unsigned way, const struct cpu_kernels *kernels, unsigned threads)
{
	uint64_t bits = BITS_START;
	const char *name = "";
	char what[128];

	for (unsigned k = 0; k < 16; k++) {
		const unsigned size = (k + k / 4) % 4;
		struct run run = { .optimizer = &optimizers[k % 4],
			.batch_size = batch_sizes[(k + way) % 8],
			.init_std = 0.3 };

		run.shape = variant_of(
			variant, way < 3 ? way : way - 3, sizes[size].factors, sizes[size].hidden);
		run.shape.sigmoid_output = way >= 3 && variant != BY_CCL;
		name = variant_name(&run.shape);
		bits = run_bits(bits, &run, kernels, threads);
	}
	snprintf(what, sizeof(what), "%s, %s, %s, %u threads", kernels->name, name, way_names[way],
		threads);
	bits_check(what, bits, expected[variant][way]);
}

/* Jobs of more than one block; and weights so small that products underflow. */
static void check_large_and_small(const struct cpu_kernels *kernels)
{
	struct run run = { shape_of(MODEL_NEUMF, LOSS_BPR, 7, sizes[0].hidden), &optimizers[0],
		MAX_BATCH, 0.05 };
	uint64_t large = run_bits(BITS_START, &run, kernels, 4), small = BITS_START;

	bits_check("a large batch", large, 0xb80b2b7a167d63f8);
	run.batch_size = 200;
	run.init_std = 1e-21;
	for (unsigned model = 0; model < 4; model++)
		for (unsigned o = 0; o < 4; o++) {
			run.shape = shape_of(model, o % 3, 10, sizes[0].hidden);
			run.optimizer = &optimizers[o];
			small = run_bits(small, &run, kernels, 2);
		}
	bits_check("weights of 1e-21", small, 0xd297b4b76cedb020);
}

/* A float of random bits, in turn of any size, near 1, and subnormal. */
static float any_float(struct rng *r, uint32_t turn)
{
	uint32_t bits = rng_u32(r);
	float x;

	if (turn % 3 == 1)
		bits = (bits & 0x80ffffffu) + 0x3f000000;
	if (turn % 3 == 2)
		bits &= 0x80ffffff;
	memcpy(&x, &bits, sizeof(x));
	return x;
}

/* The fused multiply-add of this build's plain kernels, where the processor has none: in software,
   against the C library's, which is exact. */
static void check_fused(void)
{
	uint32_t wrong = 0;
	struct rng r;

	for (uint32_t k = 0; k < 1000000; k++) {
		rng_start(&r, 5, RNG_TEST, 0, k);
		const float a = any_float(&r, k), b = any_float(&r, k / 3);
		/* half the time next to a tie: c is the product's rounding error or the like */
		const float p = a * b, near = k & 1 ? fmaf(a, b, -p) * (k & 2 ? 1 : 0x1p24f) : -p;
		const float c = k % 5 == 0 ? any_float(&r, k / 9) : k & 4 ? near : p * 0x1p-24f;
		const float right = fmaf(a, b, c);
		const vf all = fused(splat(a), splat(b), splat(c));

		for (unsigned l = 0; l <= LANES; l++) {
			const float got = l < LANES ? all[l] : fused1(a, b, c);

			wrong += memcmp(&got, &right, sizeof(got)) != 0 &&
				 !(isnan(got) && isnan(right));
		}
	}
	CHECK(wrong == 0, "a b + c is rounded once (%s), %u wrong", ISA_NAME, wrong);
}

int main(void)
{
	const struct cpu_kernels *kernels[8];
	const unsigned n = cpu_kernels_available(kernels, 8);

	check_fused();
	for (unsigned k = 0; k < n; k++) {
		for (unsigned variant = 0; variant < VARIANTS; variant++)
			for (unsigned way = 0; way < WAYS; way++)
				check_model(variant, way, kernels[k], 1 + (k + variant + way) % 4);
		check_large_and_small(kernels[k]);
	}
	return CHECK_EXIT;
}
