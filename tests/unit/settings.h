/*
 * settings: backends of every kind, the reference and each instruction set of this processor, with
 * models and optimizers to train, and a comparison of states.
 */
#ifndef SETTINGS_H
#define SETTINGS_H

#include "training.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A kind of backend; kernels NULL: the reference */
struct kind {
	const struct backend_ops *ops;
	const struct cpu_kernels *kernels;
	const char *name;
};

struct setting {
	struct kind kind;
	struct neumf_shape shape;
	struct neumf_layout layout;
	struct neumf_optimizer optimizer;
	uint32_t batch_size;
	char name[128];
};

/* As test_cpu.c has them: eps keeps Adam from making steps of lr out of rounding. */
static const struct neumf_optimizer optimizers[] = {
	{ OPTIMIZER_ADAM, 0.01, 1e-3, 0.01, 0.9, 0.999, 1e-4 },
	{ OPTIMIZER_LAZY_ADAM, 0.01, 1e-3, 0.01, 0.9, 0.999, 1e-4 },
	{ OPTIMIZER_SGD, 0.1, 0, 0.01, 0.9, 0.999, 1e-4 },
	{ OPTIMIZER_SGD, 0.1, 1e-3, 0.01, 0.9, 0.999, 1e-4 },
};
static const enum backend_what states[] = { BACKEND_VALUE, BACKEND_MOMENT1, BACKEND_MOMENT2 };

static inline struct backend *make(const struct setting *t)
{
	return make_backend(&t->shape, &t->optimizer, t->batch_size, 2, t->kind.kernels);
}

static struct rows rows; /* the last batch */

/* Train on batches first .. first + n - 1, of sizes that differ. */
static inline void train(const struct setting *t, struct backend *b, uint32_t first, uint32_t n)
{
	for (uint32_t step = first; step < first + n; step++) {
		struct batch batch = random_batch(&rows, t->batch_size - step % 3, step);

		t->kind.ops->gradient(b, &batch);
		t->kind.ops->update(b);
	}
}

/* Do two backends have the same bits of `what` in every tensor? */
static inline bool same(
	const struct setting *t, struct backend *a, struct backend *b, enum backend_what what)
{
	float *left = read_all(t->kind.ops, a, &t->layout, what);
	float *right = read_all(t->kind.ops, b, &t->layout, what);
	bool equal = memcmp(left, right, t->layout.num_params * sizeof(float)) == 0;

	free(left);
	free(right);
	return equal;
}

/* Values, moments, the step and a few scores. */
static inline bool same_state(const struct setting *t, struct backend *a, struct backend *b)
{
	static const uint32_t user[] = { 0, 1, USERS - 1 };
	float left[3 * ITEMS], right[3 * ITEMS];
	bool equal = t->kind.ops->step(a) == t->kind.ops->step(b);

	for (unsigned k = 0; k < 3; k++)
		equal = equal && same(t, a, b, states[k]);
	t->kind.ops->score_block(a, 3, user, 0, ITEMS, left);
	t->kind.ops->score_block(b, 3, user, 0, ITEMS, right);
	return equal && memcmp(left, right, sizeof(left)) == 0;
}

static inline void set(struct setting *t, struct kind kind, struct neumf_shape shape,
	unsigned optimizer, uint32_t batch_size)
{
	*t = (struct setting){ .kind = kind,
		.shape = shape,
		.optimizer = optimizers[optimizer],
		.batch_size = batch_size };
	neumf_layout(&shape, &t->layout);
	snprintf(t->name, sizeof(t->name), "%s, %s, %s, %s%s, batch %u", kind.name,
		variant_name(&shape), neumf_loss_names[shape.loss],
		neumf_optimizer_names[t->optimizer.kind],
		t->optimizer.weight_decay > 0 ? " with decay" : "", batch_size);
}

/*
 * Call check() for every kind of backend, model, loss and optimizer, with sizes of layers and
 * batches in turn; and for batches of several jobs, which threads share.
 */
static inline void for_each_setting(void (*check)(const struct setting *t))
{
	static const struct {
		uint32_t factors, hidden[4];
	} sizes[] = { { 7, { 9, 6, 3 } }, { 16, { 17 } }, { 40, { 67, 30 } } };
	static const uint32_t batch_size[] = { 31, 258, 4 };
	const struct cpu_kernels *kernels[8];
	const unsigned n = cpu_kernels_available(kernels, 8);

	for (unsigned k = 0; k <= n; k++) {
		struct kind kind =
			k < n ? (struct kind){ &backend_cpu, kernels[k], kernels[k]->name }
			      : (struct kind){ &backend_reference, NULL, "reference" };
		struct setting t;
		unsigned turn = 0;

		for (unsigned c = 0; c < VARIANTS * 3 * 4; c++, turn += 1 + (c % 4 == 0)) {
			unsigned size = turn % 3;

			set(&t, kind,
				variant_of(
					c / 12, c / 4 % 3, sizes[size].factors, sizes[size].hidden),
				c % 4, batch_size[turn / 3 % 3]);
			check(&t);
		}
		if (k == n)
			continue;
		set(&t, kind, shape_of(MODEL_NEUMF, LOSS_BPR, 66, sizes[2].hidden), 0, MAX_BATCH);
		check(&t);
		set(&t, kind, shape_of(MODEL_NEUMF, LOSS_BCE, 66, sizes[2].hidden), 1, MAX_BATCH);
		check(&t);
	}
}

#endif
