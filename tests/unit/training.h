/*
 * training: models, batches and backends that tests train: odd sizes, and ids that occur many
 * times, once and never.
 */
#ifndef TRAINING_H
#define TRAINING_H

#include "base/mem.h"
#include "base/rng.h"
#include "cpu/cpu.h"

enum { USERS = 37, ITEMS = 331, MAX_BATCH = 5000, NEGATIVES = 6 };

struct rows {
	uint32_t user[MAX_BATCH], item[MAX_BATCH], negative[MAX_BATCH * NEGATIVES];
	float label[MAX_BATCH];
};

/* Skewed ids, so that rows occur many times, once and never. */
static inline struct batch random_batch(struct rows *r, uint32_t size, uint64_t step)
{
	struct rng g;

	for (uint32_t k = 0; k < size; k++) {
		rng_start(&g, 7, RNG_TEST, (uint32_t)step, k);
		r->user[k] = rng_below(&g, 1 + rng_below(&g, USERS));
		r->item[k] = rng_below(&g, 1 + rng_below(&g, ITEMS));
		r->negative[k] = rng_below(&g, ITEMS);
		r->label[k] = (float)rng_below(&g, 2);
	}
	for (uint32_t k = size; k < size * NEGATIVES; k++) { /* for groups */
		rng_start(&g, 8, RNG_TEST, (uint32_t)step, k);
		r->negative[k] = rng_below(&g, 1 + rng_below(&g, ITEMS));
	}
	return (struct batch){ size, r->user, r->item, r->negative, r->label };
}

static inline struct neumf_shape shape_of(
	enum neumf_model model, enum neumf_loss loss, uint32_t factors, const uint32_t hidden[4])
{
	struct neumf_shape s = {
		.model = model, .loss = loss, .num_users = USERS, .num_items = ITEMS
	};

	if (neumf_has_gmf(&s))
		s.factors = factors;
	for (; neumf_has_mlp(&s) && s.num_hidden < 4 && hidden[s.num_hidden] > 0; s.num_hidden++)
		s.hidden[s.num_hidden] = hidden[s.num_hidden];
	if (neumf_has_mlp(&s))
		s.mlp_factors = factors + 1;
	return s;
}

/* The models of neumf.h in turn, an mf with biases, and one by ccl, whatever the loss. */
enum { WITH_BIASES = MODEL_MF + 1, BY_CCL, VARIANTS };

static inline struct neumf_shape variant_of(
	unsigned variant, enum neumf_loss loss, uint32_t factors, const uint32_t hidden[4])
{
	struct neumf_shape s =
		shape_of(variant > MODEL_MF ? MODEL_MF : variant, loss, factors, hidden);

	s.bias = variant == WITH_BIASES;
	if (variant == BY_CCL) {
		s.loss = LOSS_CCL;
		s.ccl = (struct neumf_ccl){ NEGATIVES, 0.125, 2.5 };
	}
	return s;
}

/* "mf", "mf with biases" */
static inline const char *variant_name(const struct neumf_shape *s)
{
	return s->bias		     ? "mf with biases"
	       : s->loss == LOSS_CCL ? "mf by ccl"
				     : neumf_model_names[s->model];
}

/* One pool for each number of threads, never freed. */
static inline struct pool *pool_of(unsigned threads)
{
	static struct pool *pools[9];

	if (pools[threads] == NULL)
		pools[threads] = pool_new(threads);
	return pools[threads];
}

/* Biases of users and items, and the global one, that are not 0. */
static inline void fill_biases(const struct neumf_layout *l, float *params)
{
	struct rng g;

	for (unsigned t = 0; t < l->num_tensors; t++) {
		const struct neumf_tensor *tensor = &l->tensor[t];
		const bool ours = tensor->side != SIDE_NONE || l->at[TENSOR_GLOBAL_BIAS] == (int)t;

		rng_start(&g, 11, RNG_TEST, t, 0);
		for (uint64_t k = 0;
			tensor->bias && ours && k < (uint64_t)tensor->rows * tensor->cols; k++)
			params[tensor->offset + k] = (float)(0.3 * rng_normal(&g));
	}
}

/* kernels NULL: the reference */
static inline struct backend *make_backend(const struct neumf_shape *s,
	const struct neumf_optimizer *o, uint32_t batch_size, unsigned threads,
	const struct cpu_kernels *kernels)
{
	struct backend_config c = {
		.shape = *s, .optimizer = o, .batch_size = batch_size, .pool = pool_of(threads)
	};
	struct neumf_layout l;

	neumf_layout(s, &l);
	c.params = xmalloc(l.num_params, sizeof(float));
	neumf_init(s, 0.3, DENSE_NORMAL, 3, c.params);
	fill_biases(&l, c.params);
	return kernels != NULL ? cpu_create(&c, kernels) : backend_reference.create(&c);
}

/* All tensors of a backend in layout order. */
static inline float *read_all(const struct backend_ops *ops, struct backend *b,
	const struct neumf_layout *l, enum backend_what what)
{
	float *out = xmalloc(l->num_params, sizeof(float));

	for (unsigned t = 0; t < l->num_tensors; t++)
		ops->read(b, neumf_whole(l, t), what, out + l->tensor[t].offset);
	return out;
}

#endif
