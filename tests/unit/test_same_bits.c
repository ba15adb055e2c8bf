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

static uint64_t add_tensors(
	uint64_t bits, struct backend *b, const struct neumf_layout *l, enum backend_what what)
{
	float *all = read_all(&backend_cpu, b, l, what);

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
	static const enum backend_what what[] = { BACKEND_VALUE, BACKEND_GRADIENT, BACKEND_MOMENT1,
		BACKEND_MOMENT2 };
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
	for (uint32_t step = 0; step < STEPS; step++) {
		struct batch batch = random_batch(
			&rows, run->batch_size > step ? run->batch_size - step : 1, step);

		backend_cpu.gradient(b, &batch);
		backend_cpu.update(b);
	}
	for (unsigned k = 0; k < 4; k++)
		bits = add_tensors(bits, b, &l, what[k]);
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
	{ 0xb44faaf597932fde, 0x963d90ff038f83df, 0x0c667076964c1c89, 0xd4895258bda809d3,
		0xf8a9bace4140698f },
	{ 0xe06def0838515ca7, 0x11c022fb712e37cc, 0xf5b2568c51354a28, 0xd7b3035796a9bf83,
		0x9f16d011a2a46bc5 },
	{ 0x469636deab593b22, 0x8c6665c106c37995, 0x180c0126f5f4faf6, 0x6214cc9b22c96a63,
		0xfeacb96d05facad4 },
	{ 0xbd62d1eac14f9067, 0x640c22818795cd06, 0x916b85e09dbd29f0, 0x7c7a43dceadd95b2,
		0x9b07e0b32ee5f81a },
	{ 0xd59b90f46e58abd2, 0x848c1cef99b498f7, 0x21283a64699002c8, 0x483129f990111c3f,
		0xb3034c2a34830319 },
	{ 0x581e243256995df6, 0xd5420df2dfbf5dbf, 0x46347141b633b9d5, 0xfebf33efee2705c7,
		0x0fc143959d1f2981 }, /* ccl, the same loss with batches of other sizes */
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
	bits_check("weights of 1e-21", small, 0x6a01851606d97632);
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
