/*
 * cpu: the fast backend against the reference: one gradient, one update, a run of 20 steps and all
 * scores, for each model, loss and optimizer at odd sizes, for every instruction set this processor
 * has; and the same bits for 1, 2, 3 and 8 threads.
 */
#include "check.h"
#include "training.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SCORED = 18, STEPS = 20, FEW_STEPS = 3 };

/*
 * Tolerances: of gradients and moments relative to the largest of the model; of a weight relative
 * to itself and to the way the optimizer can have gone (lr x steps); of a score relative to the
 * largest. With eps = 1e-8 Adam makes a step of lr out of the rounding of a gradient that is 0 but
 * for rounding, as that of a bias whose positives and negatives cancel; 1e-4 keeps the comparison
 * well-conditioned.
 */
static const double gradient_tolerance = 5e-6, weight_tolerance = 2e-6, way_tolerance = 5e-4,
		    score_tolerance = 2e-6;

/* Largest |a - b| / (absolute + relative |b|) over the elements, or over all of a tensor's. */
static double worst(const float *a, const float *b, size_t n, double absolute, double relative)
{
	double w = 0;

	for (size_t k = 0; k < n; k++) {
		double e = fabs((double)a[k] - b[k]) / (absolute + relative * fabs((double)b[k]));

		if (!(e <= w)) // NaN counts
			w = e;
	}
	return w;
}

static double largest(const float *a, size_t n)
{
	double l = 0;

	for (size_t k = 0; k < n; k++)
		l = fabs((double)a[k]) > l ? fabs((double)a[k]) : l;
	return l;
}

/* How far beyond its tolerance the worst element is: at most 1 is good. */
static double compare(struct backend *cpu, struct backend *reference, const struct neumf_shape *s,
	enum backend_what what, double way)
{
	struct neumf_layout l;

	neumf_layout(s, &l);
	float *a = read_all(&backend_cpu, cpu, &l, what);
	float *b = read_all(&backend_reference, reference, &l, what);
	double w = what == BACKEND_VALUE
			   ? worst(a, b, l.num_params, way * way_tolerance, weight_tolerance)
			   : worst(a, b, l.num_params,
				     largest(b, l.num_params) * gradient_tolerance + 1e-30, 0);

	free(a);
	free(b);
	return w;
}

static double compare_scores(struct backend *cpu, struct backend *reference)
{
	static uint32_t user[SCORED * ITEMS], item[SCORED * ITEMS];
	static float pairs[SCORED * ITEMS], block[SCORED * ITEMS], right[SCORED * ITEMS];
	const uint32_t first = 3, end = ITEMS - 2;
	const size_t n = (size_t)SCORED * (end - first);

	for (size_t k = 0; k < n; k++) {
		user[k] = (uint32_t)(k / (end - first));
		item[k] = first + (uint32_t)(k % (end - first));
	}
	backend_cpu.score_pairs(cpu, n, user, item, pairs);
	for (uint32_t u = 0; u < SCORED; u++)
		user[u] = u;
	backend_cpu.score_block(cpu, SCORED, user, first, end, block);
	backend_reference.score_block(reference, SCORED, user, first, end, right);
	if (memcmp(pairs, block, n * sizeof(float)) != 0)
		return INFINITY;
	return fmax(worst(pairs, right, n, largest(right, n) * score_tolerance, 0),
		worst(block, right, n, largest(right, n) * score_tolerance, 0));
}

struct verdict {
	double gradient, moments, step, run, loss, scores;
};

static double loss_difference(struct backend *cpu, struct backend *reference)
{
	struct backend_loss a = backend_cpu.loss(cpu), b = backend_reference.loss(reference);

	if (a.rows != b.rows || a.batches != b.batches || a.bad_batch != b.bad_batch)
		return INFINITY;
	return fabs(a.sum - b.sum) / (fabs(b.sum) + (double)b.rows);
}

static struct verdict compare_run(const struct neumf_shape *s, const struct neumf_optimizer *o,
	uint32_t batch_size, const struct cpu_kernels *kernels)
{
	struct backend *cpu = make_backend(s, o, batch_size, 2, kernels);
	struct backend *reference = make_backend(s, o, batch_size, 1, NULL);
	struct verdict v = { 0 };
	const bool large = batch_size > 1000 || (s->num_hidden > 0 && s->hidden[0] > 64);
	const uint32_t steps = large ? FEW_STEPS : STEPS;
	static struct rows rows;

	v.scores = compare_scores(cpu, reference);
	for (uint32_t step = 0; step < steps; step++) {
		struct batch batch = random_batch(&rows, batch_size - (step % 3 == 1), step);

		if (batch.size == 0)
			continue;
		backend_cpu.gradient(cpu, &batch);
		backend_reference.gradient(reference, &batch);
		if (step == 0)
			v.gradient = compare(cpu, reference, s, BACKEND_GRADIENT, 0);
		backend_cpu.update(cpu);
		backend_reference.update(reference);
		if (step > 0)
			continue;
		v.step = compare(cpu, reference, s, BACKEND_VALUE, o->lr);
		v.moments = fmax(compare(cpu, reference, s, BACKEND_MOMENT1, 0),
			compare(cpu, reference, s, BACKEND_MOMENT2, 0));
	}
	v.run = compare(cpu, reference, s, BACKEND_VALUE, o->lr * steps);
	v.loss = loss_difference(cpu, reference);
	backend_cpu.destroy(cpu);
	backend_reference.destroy(reference);
	return v;
}

static const struct neumf_optimizer optimizers[] = {
	{ OPTIMIZER_ADAM, 0.01, 1e-3, 0, 0.9, 0.999, 1e-4 },
	{ OPTIMIZER_LAZY_ADAM, 0.01, 1e-3, 0.01, 0.9, 0.999, 1e-4 },
	{ OPTIMIZER_SGD, 0.1, 0, 0.01, 0.9, 0.999, 1e-4 },
	{ OPTIMIZER_SGD, 0.1, 1e-3, 0, 0.9, 0.999, 1e-4 },
};

static void check_case(const struct neumf_shape *s, const struct neumf_optimizer *o,
	uint32_t batch_size, const struct cpu_kernels *kernels, const char *size)
{
	struct verdict v = compare_run(s, o, batch_size, kernels);
	double w = fmax(fmax(v.gradient, v.moments), fmax(v.step, v.run));

	CHECK(w <= 1 && v.loss < 3e-6 && v.scores <= 1,
		"%s, %s, %s%s, %s, batch %u, %s: gradient %.2g, moments %.2g, step %.2g, run %.2g, "
		"scores %.2g of the tolerance, loss %.1e",
		kernels->name, variant_name(s), neumf_loss_names[s->loss],
		s->sigmoid_output ? " on sigmoids" : "", neumf_optimizer_names[o->kind], batch_size,
		size, v.gradient, v.moments, v.step, v.run, v.scores, v.loss);
}

static const struct {
	const char *name;
	uint32_t factors, hidden[4];
} sizes[] = {
	{ "small", 7, { 9, 6, 3 } }, /* with every optimizer; the others with one each, in turn */
	{ "one layer", 12, { 17 } },
	{ "wide", 66, { 130, 71, 9 } },
	{ "one wide layer", 3, { 67 } },
};

static void check_against_reference(const struct cpu_kernels *kernels)
{
	static const uint32_t batch[] = { 31, 257, 130, 1 };
	struct neumf_shape many = shape_of(MODEL_NEUMF, LOSS_BPR, 7, sizes[0].hidden);
	unsigned turn = 0;

	for (int k = 0; k < 4 * 5 * 4; k++) {
		int model = k % 4, loss = k / 4 % 5, size = k / 20;
		struct neumf_shape s = shape_of(
			model, loss > 2 ? loss - 3 : loss, sizes[size].factors, sizes[size].hidden);

		s.sigmoid_output = loss > 2;
		if (size % 2 == 1 && !neumf_has_mlp(&s))
			continue;
		for (unsigned o = 0; o < 4; o++)
			if (size == 0 || o == (turn + turn / 4) % 4)
				check_case(&s, &optimizers[o], batch[(o + turn / 2) % 4], kernels,
					sizes[size].name);
		turn++;
	}
	for (unsigned variant = MODEL_MF + 1; variant < VARIANTS; variant++)
		for (unsigned loss = 0; loss < (variant == BY_CCL ? 1 : 5); loss++)
			for (unsigned o = 0; o < 4; o++, turn++) {
				const unsigned size = turn % 4;
				struct neumf_shape s =
					variant_of(variant, loss > 2 ? loss - 3 : loss,
						sizes[size].factors, sizes[size].hidden);

				s.sigmoid_output = loss > 2;
				check_case(&s, &optimizers[o], batch[(turn / 4 + o) % 4], kernels,
					sizes[size].name);
			}
	/* jobs of several blocks */
	check_case(&many, &optimizers[0], MAX_BATCH, kernels, sizes[0].name);
}

/* Parameters and moments after a run, then scores: all the bits a user may see. */
static void run(const struct neumf_shape *s, const struct neumf_optimizer *o, uint32_t batch_size,
	unsigned threads, const struct cpu_kernels *kernels, float *out)
{
	struct backend *b = make_backend(s, o, batch_size, threads, kernels);
	static uint32_t user[USERS], item[USERS];
	struct neumf_layout l;
	static struct rows rows;

	neumf_layout(s, &l);
	for (uint32_t step = 0; step < 5; step++) {
		struct batch batch = random_batch(&rows, batch_size, step);

		backend_cpu.gradient(b, &batch);
		for (unsigned t = 0; t < l.num_tensors; t++)
			backend_cpu.read(b, neumf_whole(&l, t), BACKEND_GRADIENT,
				out + l.num_params + l.tensor[t].offset);
		backend_cpu.update(b);
	}
	for (unsigned t = 0; t < l.num_tensors; t++) {
		backend_cpu.read(b, neumf_whole(&l, t), BACKEND_VALUE, out + l.tensor[t].offset);
		backend_cpu.read(b, neumf_whole(&l, t), BACKEND_MOMENT2,
			out + 2 * l.num_params + l.tensor[t].offset);
	}
	out += 3 * l.num_params;
	for (uint32_t u = 0; u < USERS; u++) {
		user[u] = u;
		item[u] = ITEMS - 1 - u;
	}
	backend_cpu.score_block(b, USERS, user, 1, ITEMS, out);
	backend_cpu.score_pairs(b, USERS, user, item, out + USERS * (ITEMS - 1));
	*(double *)(void *)(out + USERS * ITEMS + (3 * l.num_params + USERS * ITEMS) % 2) =
		backend_cpu.loss(b).sum;
	backend_cpu.destroy(b);
}

static void check_threads(const struct cpu_kernels *kernels, unsigned variant, unsigned size,
	enum neumf_loss loss, uint32_t batch_size)
{
	static const unsigned threads[] = { 2, 3, 8 };
	struct neumf_shape s = variant_of(variant, loss, sizes[size].factors, sizes[size].hidden);
	struct neumf_layout l;

	neumf_layout(&s, &l);
	for (unsigned o = 0; o < 4; o++) {
		size_t n = 3 * l.num_params + USERS * ITEMS + 3;
		float *one = xcalloc(n, sizeof(float)), *many = xcalloc(n, sizeof(float));

		run(&s, &optimizers[o], batch_size, 1, kernels, one);
		for (unsigned k = 0; k < 3; k++) {
			run(&s, &optimizers[o], batch_size, threads[k], kernels, many);
			CHECK(memcmp(one, many, n * sizeof(float)) == 0,
				"%s, %s %s, %s, %s: %u threads give the bits of one", kernels->name,
				sizes[size].name, variant_name(&s), neumf_loss_names[loss],
				neumf_optimizer_names[optimizers[o].kind], threads[k]);
		}
		free(one);
		free(many);
	}
}

/* In a difference of two scores a user's bias and the global one cancel to the bit: no optimizer
   makes steps out of rounding, however small its eps. */
static void check_cancelling(const struct cpu_kernels *kernels)
{
	const struct neumf_optimizer adam = { OPTIMIZER_ADAM, 0.01, 0, 0, 0.9, 0.999, 1e-8 };
	const struct neumf_shape s = variant_of(WITH_BIASES, LOSS_BPR, 7, sizes[0].hidden);
	struct backend *b = make_backend(&s, &adam, MAX_BATCH, 2, kernels);
	static struct rows rows;
	struct neumf_layout l;

	neumf_layout(&s, &l);
	float *before = read_all(&backend_cpu, b, &l, BACKEND_VALUE);
	for (uint32_t step = 0; step < 5; step++) {
		struct batch batch = random_batch(&rows, MAX_BATCH - step, step);

		backend_cpu.gradient(b, &batch);
		backend_cpu.update(b);
	}
	float *after = read_all(&backend_cpu, b, &l, BACKEND_VALUE);
	bool still = true, moved = true;
	for (uint32_t u = 0; u < USERS; u++)
		still = still && neumf_param(&l, before, TENSOR_USER_BIAS)[u] ==
					 neumf_param(&l, after, TENSOR_USER_BIAS)[u];
	still = still && *neumf_param(&l, before, TENSOR_GLOBAL_BIAS) ==
				 *neumf_param(&l, after, TENSOR_GLOBAL_BIAS);
	for (uint32_t i = 0; i < ITEMS; i++)
		moved = moved && neumf_param(&l, before, TENSOR_ITEM_BIAS)[i] !=
					 neumf_param(&l, after, TENSOR_ITEM_BIAS)[i];
	CHECK(still && moved, "%s: bpr moves the biases of items, not of users nor the global one",
		kernels->name);
	free(before);
	free(after);
	backend_cpu.destroy(b);
}

/* An mf whose items' contributions are stored has the bits of one that keeps coefficients. */
static void check_contributions(
	const struct cpu_kernels *kernels, unsigned variant, enum neumf_loss loss, unsigned turn)
{
	const unsigned size = turn % 3;
	const struct neumf_shape s =
		variant_of(variant, loss, sizes[size].factors, sizes[size].hidden);
	struct backend *b[2];
	static struct rows rows;
	struct neumf_layout l;
	bool equal = true;

	neumf_layout(&s, &l);
	for (unsigned k = 0; k < 2; k++)
		b[k] = make_backend(&s, &optimizers[turn % 4], 300, 1 + k, kernels);
	cpu_store_contributions(b[1]);
	for (uint32_t step = 0; step < 4; step++) {
		const struct batch batch = random_batch(&rows, 300 - 70 * step, step);
		float *g[2], *value[2];

		for (unsigned k = 0; k < 2; k++) {
			backend_cpu.gradient(b[k], &batch);
			g[k] = read_all(&backend_cpu, b[k], &l, BACKEND_GRADIENT);
			backend_cpu.update(b[k]);
			value[k] = read_all(&backend_cpu, b[k], &l, BACKEND_VALUE);
		}
		equal = equal && memcmp(g[0], g[1], l.num_params * sizeof(float)) == 0 &&
			memcmp(value[0], value[1], l.num_params * sizeof(float)) == 0;
		for (unsigned k = 0; k < 2; k++) {
			free(g[k]);
			free(value[k]);
		}
	}
	CHECK(equal, "%s, %s, %s, %s, %s: contributions and coefficients give the same bits",
		kernels->name, sizes[size].name, variant_name(&s), neumf_loss_names[loss],
		neumf_optimizer_names[optimizers[turn % 4].kind]);
	backend_cpu.destroy(b[0]);
	backend_cpu.destroy(b[1]);
}

int main(void)
{
	const struct cpu_kernels *kernels[8];
	unsigned n = cpu_kernels_available(kernels, 8);

	for (unsigned k = 0; k < n; k++) {
		check_against_reference(kernels[k]);
		check_threads(kernels[k], MODEL_NEUMF, 0, LOSS_BPR, MAX_BATCH);
		check_threads(kernels[k], MODEL_NEUMF, 2, LOSS_BCE, 300);
		check_threads(kernels[k], WITH_BIASES, 2, LOSS_BCE, MAX_BATCH);
		check_threads(kernels[k], BY_CCL, 2, LOSS_CCL, MAX_BATCH);
		check_cancelling(kernels[k]);
		for (unsigned turn = 0; turn < 24; turn++)
			check_contributions(kernels[k], turn % 2 ? WITH_BIASES : MODEL_MF,
				turn / 2 % 3, turn / 3);
	}
	return CHECK_EXIT;
}
