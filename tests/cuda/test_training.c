/*
 * test_training: the CUDA plug-in against the reference backend over 20 steps. Both see the same
 * batches (sizes that need several blocks, and a short one last). Gradients are compared at every
 * fourth step, the moments, the values, the losses and scores at the end. Two runs of the plug-in
 * must agree to the bit.
 *   COFILTER_CUDA_PLUGIN=FILE test_training [quick]
 *
 * Errors are relative to the largest magnitude of the reference's tensor. Each backend goes on with
 * its own parameters, so the error of a gradient holds those of the steps before it; only the first
 * step's must be below 1e-5 (TF32: 4e-3, as in test_ops). eps is 1e-3: with 1e-8 a gradient that is
 * zero but for rounding moves a weight by lr. With TF32 the biases keep every unit clearly on or
 * off, since an input of 1e-4 that is rounded to the other side of relu's kink changes a gradient
 * by a tenth. (And the loss is bce, since under bpr the bias of a unit that is always on has no
 * gradient.)
 */
#include "train_test.h"

/* Largest |x - y| over the largest |y|; NaN if one of them is. */
static double worst(const float *x, const float *y, uint64_t n)
{
	double error = 0, scale = 0;

	for (uint64_t i = 0; i < n; i++) {
		double e = fabs((double)x[i] - y[i]);

		error = e > error || isnan(e) ? e : error;
		scale = fmax(scale, fabs(y[i]));
	}
	return scale > 0 ? error / scale : error;
}

struct pair {
	const struct backend_ops *ops, *reference;
	struct backend *cuda, *plain;
	struct neumf_layout layout;
	float *x, *y; /* for any tensor, or the scores */
};

/* The worst error of any tensor; *name: which. */
static double compare(struct pair *p, enum backend_what what, const char **name)
{
	double most = 0;

	*name = "";
	for (unsigned t = 0; t < p->layout.num_tensors; t++) {
		p->ops->read(p->cuda, neumf_whole(&p->layout, t), what, p->x);
		p->reference->read(p->plain, neumf_whole(&p->layout, t), what, p->y);
		double e = worst(
			p->x, p->y, (uint64_t)p->layout.tensor[t].rows * p->layout.tensor[t].cols);
		if (!(e <= most)) {
			most = e;
			*name = p->layout.tensor[t].name;
		}
	}
	return most;
}

static void check_loss(struct pair *p, const struct test_case *c, double limit)
{
	struct backend_loss a = p->ops->loss(p->cuda), b = p->reference->loss(p->plain);

	CHECK(a.rows == b.rows && a.batches == b.batches && a.bad_batch == b.bad_batch,
		"%s: loss over %llu rows in %llu batches", c->name, (unsigned long long)a.rows,
		(unsigned long long)a.batches);
	CHECK(fabs(a.sum - b.sum) <= limit * b.sum, "%s: loss %.9g, reference %.9g", c->name, a.sum,
		b.sum);
	a = p->ops->loss(p->cuda);
	CHECK(a.rows == 0 && a.batches == 0 && a.sum == 0, "%s: loss starts again", c->name);
}

/* Scores of all pairs of a few users and a range of items, as pairs and as a block. */
static void check_scores(struct pair *p, const struct test_case *c, double limit)
{
	enum { USERS = 3 };
	uint32_t first = c->shape.num_items / 5, end = c->shape.num_items, width = end - first;
	uint32_t users[USERS] = { c->shape.num_users - 1, 0, c->shape.num_users / 2 };
	size_t n = (size_t)USERS * width;
	uint32_t *user = xmalloc(n, sizeof(*user)), *item = xmalloc(n, sizeof(*item));

	for (size_t k = 0; k < n; k++) {
		user[k] = users[k / width];
		item[k] = first + (uint32_t)(k % width);
	}
	p->reference->score_pairs(p->plain, n, user, item, p->y);
	p->ops->score_pairs(p->cuda, n, user, item, p->x);
	double pairs = worst(p->x, p->y, n);
	memset(p->x, 0xff, n * sizeof(*p->x));
	p->ops->score_block(p->cuda, USERS, users, first, end, p->x);
	double block = worst(p->x, p->y, n);
	CHECK(pairs <= limit && block <= limit, "%s: scores: error %.2g as pairs, %.2g as a block",
		c->name, pairs, block);
	p->ops->score_block(p->cuda, 1, users + 1, first, first + 1, p->x);
	p->reference->score_block(p->plain, 1, users + 1, first, first + 1, p->y);
	CHECK(worst(p->x, p->y, 1) <= limit * 10, "%s: a block of one score", c->name);
	free(user);
	free(item);
}

static uint64_t largest(const struct test_case *c, const struct neumf_layout *layout)
{
	uint64_t most = 3 * (uint64_t)c->shape.num_items;

	for (unsigned t = 0; t < layout->num_tensors; t++) {
		uint64_t n = (uint64_t)layout->tensor[t].rows * layout->tensor[t].cols;

		most = n > most ? n : most;
	}
	return most;
}

static void check_training(const struct backend_ops *ops, const struct test_case *c)
{
	const bool tf32 = c->precision == PRECISION_TF32;
	double first_limit = tf32 ? 4e-3 : 1e-5, limit = tf32 ? 5e-3 : 2e-4;
	struct pair p = { ops, &backend_reference, make_backend(ops, c),
		make_backend(&backend_reference, c), { 0 }, NULL, NULL };
	struct arrays a = make_arrays(c->batch_size);
	const char *name, *worst_name = "";
	double later = 0;

	neumf_layout(&c->shape, &p.layout);
	p.x = xmalloc(largest(c, &p.layout), sizeof(float));
	p.y = xmalloc(largest(c, &p.layout), sizeof(float));
	for (unsigned step = 0; step < STEPS; step++) {
		struct batch batch = make_batch(c, &a, step);

		ops->gradient(p.cuda, &batch);
		p.reference->gradient(p.plain, &batch);
		/* at other steps gradient and update are one graph */
		if (step % 4 == 0 || step == STEPS - 1) {
			double e = compare(&p, BACKEND_GRADIENT, &name);

			if (step == 0)
				CHECK(e <= first_limit,
					"%s: gradient: worst relative error %.2g (%s)", c->name, e,
					name);
			if (!(e <= later)) {
				later = e;
				worst_name = name;
			}
		}
		ops->update(p.cuda);
		p.reference->update(p.plain);
	}
	if (c->shape.bias && c->shape.loss != LOSS_BCE && !c->shape.sigmoid_output) {
		const int at = p.layout.at[TENSOR_GLOBAL_BIAS];

		ops->read(p.cuda, neumf_whole(&p.layout, (unsigned)at), BACKEND_GRADIENT, p.x);
		CHECK(*p.x == 0, "%s: the gradient of the global bias cancels to the bit", c->name);
	}
	CHECK(later <= limit, "%s: gradients of %d steps: worst relative error %.2g (%s)", c->name,
		STEPS, later, worst_name);
	for (int what = BACKEND_VALUE; what <= BACKEND_MOMENT2; what++) {
		static const char *const whats[] = { "values", "gradients after the update",
			"first moments", "second moments" };
		double e = compare(&p, (enum backend_what)what, &name);

		CHECK(e <= limit, "%s: %s: worst relative error %.2g (%s)", c->name, whats[what], e,
			name);
	}
	check_loss(&p, c, limit);
	check_scores(&p, c, limit);
	ops->destroy(p.cuda);
	p.reference->destroy(p.plain);
	free_arrays(&a);
	free(p.x);
	free(p.y);
}

/* All values after a run. `direct`: no read between the calls of a step, so it is one graph. */
static float *run(const struct backend_ops *ops, const struct test_case *c, bool direct)
{
	struct backend *b = make_backend(ops, c);
	struct arrays a = make_arrays(c->batch_size);
	struct neumf_layout layout;

	neumf_layout(&c->shape, &layout);
	float *out = xmalloc(layout.num_params, sizeof(*out));
	for (unsigned step = 0; step < STEPS; step++) {
		struct batch batch = make_batch(c, &a, step);

		ops->gradient(b, &batch);
		memset(a.user, 0xff,
			c->batch_size * sizeof(*a.user)); /* the arrays are the caller's again */
		if (!direct)
			ops->read(b, neumf_whole(&layout, 0), BACKEND_GRADIENT, out);
		ops->update(b);
	}
	for (unsigned t = 0; t < layout.num_tensors; t++)
		ops->read(b, neumf_whole(&layout, t), BACKEND_VALUE, out + layout.tensor[t].offset);
	ops->destroy(b);
	free_arrays(&a);
	return out;
}

static void check_reproducible(const struct backend_ops *ops, const struct test_case *c)
{
	float *a = run(ops, c, true), *b = run(ops, c, true), *d = run(ops, c, false);
	struct neumf_layout layout;

	neumf_layout(&c->shape, &layout);
	CHECK(!memcmp(a, b, layout.num_params * sizeof(*a)), "%s: the same bits in two runs",
		c->name);
	CHECK(!memcmp(a, d, layout.num_params * sizeof(*a)),
		"%s: the same bits as one graph a step and as two", c->name);
	free(a);
	free(b);
	free(d);
}

/* A NaN in the row of a user that only the third batch has passes through relu, narrow and wide:
   that batch is the bad one. */
static void check_bad_batch(const struct backend_ops *ops, const struct test_case *c)
{
	struct neumf_layout layout;

	neumf_layout(&c->shape, &layout);
	uint64_t user = c->shape.num_users - 1;
	unsigned last = 0;
	struct backend_config config = make_config(c);
	struct arrays a = make_arrays(c->batch_size);

	for (unsigned t = 0; t < layout.num_tensors; t++)
		if (strstr(layout.tensor[t].name, "_user"))
			last = t;
	config.params[layout.tensor[last].offset + user * layout.tensor[last].cols] = NAN;
	struct backend *b = ops->create(&config);
	for (unsigned step = 0; step < 4; step++) {
		struct batch batch = make_batch(c, &a, step);

		for (uint32_t k = 0; k < batch.size; k++)
			a.user[k] %= c->shape.num_users - 1;
		if (step == 2)
			a.user[batch.size / 2] = c->shape.num_users - 1;
		ops->gradient(b, &batch); /* and no update, which would spread it */
	}
	struct backend_loss loss = ops->loss(b);
	CHECK(loss.batches == 4 && loss.bad_batch == 2, "%s: a NaN makes batch %llu of 4 bad",
		c->name, (unsigned long long)loss.bad_batch);
	ops->destroy(b);
	free_arrays(&a);
}

/* A model by ccl is scored by cosines, and not trained. */
static void check_cosines(const struct backend_ops *ops)
{
	const struct test_case c = { "mf by ccl",
		{ MODEL_MF, LOSS_CCL, false, 50, 70, 9, 0, 0, { 0 }, false, { 0, 0, 0 } },
		ADAM(0, 0, 0), 1, PRECISION_FP32, true };
	struct backend_config config = make_config(&c), plain = make_config(&c);
	struct pair p = { ops, &backend_reference, NULL, NULL, { 0 }, NULL, NULL };

	config.optimizer = plain.optimizer = NULL;
	p.cuda = ops->create(&config);
	p.plain = backend_reference.create(&plain);
	p.x = xmalloc(3 * c.shape.num_items, sizeof(float));
	p.y = xmalloc(3 * c.shape.num_items, sizeof(float));
	check_scores(&p, &c, 1e-5);
	ops->destroy(p.cuda);
	backend_reference.destroy(p.plain);
	free(p.x);
	free(p.y);
}

int main(int argc, char **argv)
{
	bool quick = argc > 1 && !strcmp(argv[1], "quick");

	die_set_name("test_training");
	const struct backend_ops *ops = backend_select(DEVICE_CUDA, false);
	check_cosines(ops);
	for (unsigned i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		if (quick && !cases[i].quick)
			continue;
		check_training(ops, &cases[i]);
		check_bad_batch(ops, &cases[i]);
		if (!quick || i < 2)
			check_reproducible(ops, &cases[i]);
	}
	return CHECK_EXIT;
}
