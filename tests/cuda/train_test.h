/*
 * train_test: what the training tests of the CUDA plug-in share: the cases, their batches and
 * backends.
 */
#ifndef TRAIN_TEST_H
#define TRAIN_TEST_H

#include "../unit/check.h"
#include "base/die.h"
#include "base/mem.h"
#include "base/rng.h"
#include "model/backend.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { STEPS = 20, SHORT = 3 }; /* the last batch has batch_size / SHORT rows */

struct test_case {
	const char *name;
	struct neumf_shape shape;
	struct neumf_optimizer optimizer;
	uint32_t batch_size;
	enum backend_precision precision;
	bool quick;
};

#define ADAM(lr, wd, l2)                                     \
	{                                                    \
		OPTIMIZER_ADAM, lr, wd, l2, 0.9, 0.999, 1e-3 \
	}
#define LAZY(lr, wd, l2)                                          \
	{                                                         \
		OPTIMIZER_LAZY_ADAM, lr, wd, l2, 0.9, 0.999, 1e-3 \
	}
#define SGD(lr, wd, l2)                                     \
	{                                                   \
		OPTIMIZER_SGD, lr, wd, l2, 0.9, 0.999, 1e-3 \
	}

/* Every model with every loss, every model with every optimizer; narrow, wide and mixed layers; ids
   of one, two and three digits of the sort; batches sorted by counts and by CUB; a short batch of one
   row. */
static const struct test_case cases[] = {
	/* clang-format off */
	{ "neumf bpr adam, narrow",      { MODEL_NEUMF, LOSS_BPR, false, 300, 700, 10, 10, 3, { 10, 10, 10 }, false, { 0, 0, 0 } }, ADAM(0.01, 1e-5, 0), 331, PRECISION_FP32, true },
	{ "neumf hinge lazy-adam, wide", { MODEL_NEUMF, LOSS_HINGE, false, 97, 131, 12, 70, 3, { 130, 66, 31 }, false, { 0, 0, 0 } }, LAZY(0.01, 1e-4, 1e-3), 67, PRECISION_FP32, true },
	{ "neumf bce sgd, mixed",        { MODEL_NEUMF, LOSS_BCE, false, 50, 400, 5, 9, 4, { 33, 80, 7, 65 }, false, { 0, 0, 0 } }, SGD(0.1, 1e-3, 0), 257, PRECISION_FP32, true },
	{ "neumf bpr sigmoid adam",      { MODEL_NEUMF, LOSS_BPR, true, 40, 60, 8, 6, 2, { 16, 9 }, false, { 0, 0, 0 } }, ADAM(0.01, 0, 1e-3), 64, PRECISION_FP32, true },
	{ "neumf hinge sigmoid sgd",     { MODEL_NEUMF, LOSS_HINGE, true, 40, 60, 3, 40, 1, { 40 }, false, { 0, 0, 0 } }, SGD(0.5, 0, 1e-3), 129, PRECISION_FP32, false },
	{ "gmf bpr sgd",                 { MODEL_GMF, LOSS_BPR, false, 20, 30, 33, 0, 0, { 0 }, false, { 0, 0, 0 } }, SGD(0.5, 0, 0), 31, PRECISION_FP32, true },
	{ "gmf hinge adam",              { MODEL_GMF, LOSS_HINGE, false, 1000, 20, 8, 0, 0, { 0 }, false, { 0, 0, 0 } }, ADAM(0.01, 1e-4, 1e-2), 500, PRECISION_FP32, false },
	{ "gmf bce lazy-adam",           { MODEL_GMF, LOSS_BCE, false, 11, 300, 7, 0, 0, { 0 }, false, { 0, 0, 0 } }, LAZY(0.01, 1e-4, 0), 100, PRECISION_FP32, true },
	{ "mlp bpr lazy-adam",           { MODEL_MLP, LOSS_BPR, false, 257, 258, 0, 33, 2, { 65, 17 }, false, { 0, 0, 0 } }, LAZY(0.01, 0, 1e-3), 200, PRECISION_FP32, true },
	{ "mlp hinge sgd",               { MODEL_MLP, LOSS_HINGE, false, 9, 90, 0, 8, 3, { 32, 16, 8 }, false, { 0, 0, 0 } }, SGD(0.1, 1e-3, 1e-3), 1, PRECISION_FP32, false },
	{ "mlp bce adam",                { MODEL_MLP, LOSS_BCE, false, 5, 6, 0, 1, 1, { 1 }, false, { 0, 0, 0 } }, ADAM(0.01, 1e-4, 0), 3000, PRECISION_FP32, true },
	{ "mf bce adam, large batch",    { MODEL_MF, LOSS_BCE, false, 70, 300, 1, 0, 0, { 0 }, false, { 0, 0, 0 } }, ADAM(0.01, 1e-5, 0), 8300, PRECISION_FP32, true },
	{ "mf bpr adam",                 { MODEL_MF, LOSS_BPR, false, 400, 66000, 2, 0, 0, { 0 }, false, { 0, 0, 0 } }, ADAM(0.01, 1e-5, 0), 2500, PRECISION_FP32, false },
	{ "mf hinge sgd",                { MODEL_MF, LOSS_HINGE, false, 30, 40, 9, 0, 0, { 0 }, false, { 0, 0, 0 } }, SGD(0.3, 1e-3, 1e-3), 77, PRECISION_FP32, true },
	{ "mf bce lazy-adam",            { MODEL_MF, LOSS_BCE, false, 30, 40, 1, 0, 0, { 0 }, false, { 0, 0, 0 } }, LAZY(0.01, 0, 1e-3), 33, PRECISION_FP32, false },
	{ "mf with biases bce adam",     { MODEL_MF, LOSS_BCE, false, 41, 700, 11, 0, 0, { 0 }, true, { 0, 0, 0 } }, ADAM(0.01, 1e-4, 1e-3), 259, PRECISION_FP32, true },
	{ "mf with biases bpr lazy",     { MODEL_MF, LOSS_BPR, false, 300, 37, 4, 0, 0, { 0 }, true, { 0, 0, 0 } }, LAZY(0.01, 0, 0), 61, PRECISION_FP32, true },
	{ "mf with biases, sigmoid sgd", { MODEL_MF, LOSS_HINGE, true, 30, 40, 33, 0, 0, { 0 }, true, { 0, 0, 0 } }, SGD(0.5, 0, 1e-2), 130, PRECISION_FP32, true },
	{ "neumf bce sgd, wide tf32",    { MODEL_NEUMF, LOSS_BCE, false, 97, 131, 12, 70, 3, { 130, 66, 31 }, false, { 0, 0, 0 } }, SGD(0.1, 1e-5, 0), 67, PRECISION_TF32, true },
	/* layers of whole vectors, which cublasLt takes, above and below narrow ones; the host's has
	   no mask for the first */
	{ "neumf bpr lazy-adam, fused",  { MODEL_NEUMF, LOSS_BPR, false, 97, 131, 12, 34, 5, { 128, 72, 16, 16, 68 }, false, { 0, 0, 0 } }, LAZY(0.01, 1e-4, 1e-3), 67, PRECISION_FP32, true },
	{ "mlp bce adam, fused",         { MODEL_MLP, LOSS_BCE, false, 97, 131, 0, 64, 3, { 128, 64, 32 }, false, { 0, 0, 0 } }, ADAM(0.01, 1e-4, 1e-3), 67, PRECISION_FP32, true },
	{ "mlp bce sgd, fused tf32",     { MODEL_MLP, LOSS_BCE, false, 97, 131, 0, 64, 3, { 128, 64, 32 }, false, { 0, 0, 0 } }, SGD(0.1, 1e-5, 0), 67, PRECISION_TF32, true },
	/* clang-format on */
};

struct arrays {
	uint32_t *user, *item, *negative;
	float *label;
};

/* Batch number `step`: half of the ids are drawn from a few, so that some rows occur often and some
   never. */
static inline struct batch make_batch(const struct test_case *c, struct arrays *a, unsigned step)
{
	struct batch batch = { c->batch_size, a->user, a->item, a->negative, a->label };
	struct rng r;

	if (step == STEPS - 1)
		batch.size = (c->batch_size + SHORT - 1) / SHORT;
	rng_start(&r, 7, RNG_TEST, step, 0);
	for (uint32_t k = 0; k < batch.size; k++) {
		uint32_t users = c->shape.num_users, items = c->shape.num_items;

		a->user[k] = rng_below(&r, rng_below(&r, 2) ? users : (users + 7) / 8);
		a->item[k] = rng_below(&r, rng_below(&r, 2) ? items : (items + 15) / 16);
		a->negative[k] = rng_below(&r, items);
		a->label[k] = (float)rng_below(&r, 2);
	}
	return batch;
}

static inline struct arrays make_arrays(uint32_t n)
{
	struct arrays a = { xmalloc(n, 4), xmalloc(n, 4), xmalloc(n, 4), xmalloc(n, 4) };

	return a;
}

static inline void free_arrays(struct arrays *a)
{
	free(a->user);
	free(a->item);
	free(a->negative);
	free(a->label);
}

static inline struct backend_config make_config(const struct test_case *c)
{
	struct backend_config config = { .shape = c->shape,
		.optimizer = &c->optimizer,
		.batch_size = c->batch_size,
		.precision = c->precision };
	struct neumf_layout layout;

	neumf_layout(&c->shape, &layout);
	config.params = xmalloc(layout.num_params, sizeof(*config.params));
	neumf_init(&c->shape, 0.3, DENSE_GLOROT, 5, config.params);
	return config;
}

static inline struct backend *make_backend(const struct backend_ops *ops, const struct test_case *c)
{
	struct backend_config config = make_config(c);
	struct neumf_layout layout;

	neumf_layout(&c->shape, &layout);
	for (unsigned t = 0; t < layout.num_tensors && c->precision == PRECISION_TF32; t++) {
		bool mlp = !strncmp(layout.tensor[t].name, "mlp.", 4), bias = layout.tensor[t].bias;

		for (uint64_t k = 0;
			mlp && k < (uint64_t)layout.tensor[t].rows * layout.tensor[t].cols; k++) {
			float *w = config.params + layout.tensor[t].offset + k;

			*w = bias ? k % 3 ? 1 : -1 : *w / 4;
		}
	}
	return ops->create(&config);
}

#endif
