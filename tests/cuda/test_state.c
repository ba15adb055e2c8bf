/*
 * test_state: what a CUDA backend holds, out and in again, bit for bit. A backend that gets the
 * values, moments and step number of another goes on as that one does. A gradient that is read and
 * written back moves the parameters as the batch it came from, also in a backend that never saw a
 * batch.
 *   COFILTER_CUDA_PLUGIN=FILE test_state [quick]
 */
#include "train_test.h"

enum { BEFORE = 5, FULL = 8, ALL = 12 }; /* steps: before a copy, of full batches, in all */

struct peer {
	struct backend *b;
	struct neumf_layout layout;
	const struct test_case *c;
};

static const struct backend_ops *ops;
static const char *const whats[] = { "values", "gradients", "first moments", "second moments" };

static struct peer peer_new(const struct test_case *c)
{
	struct peer p = { .b = make_backend(ops, c), .c = c };

	neumf_layout(&c->shape, &p.layout);
	return p;
}

static size_t tensor_size(const struct neumf_tensor *t)
{
	return (size_t)t->rows * t->cols;
}

/* Rows of a tensor in g. */
static size_t rows_in(const struct backend_gradient *g, const struct neumf_tensor *t)
{
	return t->side == SIDE_NONE ? t->rows : g->num[t->side];
}

/* By two pieces, the later one first. */
static float *tensor_of(struct peer *p, unsigned tensor, enum backend_what what)
{
	const struct neumf_tensor *t = &p->layout.tensor[tensor];
	const struct neumf_rows low = { tensor, 0, t->rows / 3 },
				high = { tensor, low.num, t->rows - low.num };
	float *out = xmalloc(tensor_size(t), sizeof(*out));

	ops->read(p->b, high, what, out + (size_t)high.first * t->cols);
	ops->read(p->b, low, what, out);
	return out;
}

/* The first tensor whose bits differ; NULL: none does. */
static const char *difference(struct peer *a, struct peer *b, enum backend_what what)
{
	const char *name = NULL;

	for (unsigned t = 0; t < a->layout.num_tensors && !name; t++) {
		float *x = tensor_of(a, t, what), *y = tensor_of(b, t, what);

		if (memcmp(x, y, tensor_size(&a->layout.tensor[t]) * sizeof(*x)))
			name = a->layout.tensor[t].name;
		free(x);
		free(y);
	}
	return name;
}

static void check_equal(struct peer *a, struct peer *b, const char *when)
{
	for (int what = BACKEND_VALUE; what <= BACKEND_MOMENT2; what++) {
		const char *name = difference(a, b, (enum backend_what)what);

		if (what == BACKEND_GRADIENT)
			continue; /* of the last batch, no part of the state */
		CHECK(!name, "%s: %s: the same %s (%s)", a->c->name, when, whats[what],
			name ? name : "all tensors");
	}
	CHECK(ops->step(a->b) == ops->step(b->b), "%s: %s: both at step %llu", a->c->name, when,
		(unsigned long long)ops->step(a->b));
}

/* Batch number `step`: full ones first, so that graphs come into use, then smaller ones of two
   sizes. `other`: another batch of that size. */
static struct batch batch_of(const struct test_case *c, struct arrays *a, unsigned step, bool other)
{
	struct batch batch = make_batch(c, a, step + (other ? STEPS : 0));

	if (step >= FULL)
		batch.size = (batch.size + step % 2 + 1) / (step % 2 + 2);
	return batch;
}

static void train(struct peer *p, struct arrays *a, unsigned from, unsigned end)
{
	for (unsigned step = from; step < end; step++) {
		struct batch batch = batch_of(p->c, a, step, false);

		ops->gradient(p->b, &batch);
		ops->update(p->b);
	}
}

/* All of the state of `from`. */
static void copy_state(struct peer *from, struct peer *to)
{
	bool moments = from->c->optimizer.kind != OPTIMIZER_SGD;

	for (unsigned t = 0; t < from->layout.num_tensors; t++)
		for (int what = BACKEND_VALUE; what <= BACKEND_MOMENT2; what++) {
			if (what == BACKEND_GRADIENT || (what > BACKEND_GRADIENT && !moments))
				continue;
			float *x = tensor_of(from, t, (enum backend_what)what);
			const struct neumf_rows first = { t, 0, 1 },
						rest = { t, 1, from->layout.tensor[t].rows - 1 };

			ops->write(to->b, rest, (enum backend_what)what,
				x + from->layout.tensor[t].cols);
			ops->write(to->b, first, (enum backend_what)what, x);
			free(x);
		}
	ops->set_step(to->b, ops->step(from->b));
}

/* Scores of a block, before and after the parameters change by write. */
static void check_scores(struct peer *a, struct peer *b)
{
	uint32_t user = a->c->shape.num_users - 1, items = a->c->shape.num_items;
	float *x = xmalloc(items, sizeof(*x)), *y = xmalloc(items, sizeof(*y));

	ops->score_block(a->b, 1, &user, 0, items, x);
	ops->score_block(b->b, 1, &user, 0, items, y);
	bool differ = memcmp(x, y, items * sizeof(*x));
	copy_state(a, b);
	ops->score_block(b->b, 1, &user, 0, items, y);
	CHECK(differ && !memcmp(x, y, items * sizeof(*x)), "%s: scores are of what was written",
		a->c->name);
	free(x);
	free(y);
}

/* A gradient is of the parameters at the time of gradient(), launched since then or not. */
static void check_pending(const struct test_case *c)
{
	struct peer a = peer_new(c), b = peer_new(c), later = peer_new(c);
	struct arrays arrays = make_arrays(c->batch_size);
	struct batch batch;

	train(&later, &arrays, 0, BEFORE);
	batch = batch_of(c, &arrays, BEFORE, false);
	ops->gradient(a.b, &batch);
	ops->loss(a.b); /* launches it */
	ops->gradient(b.b, &batch);
	copy_state(&later, &a);
	copy_state(&later, &b);
	ops->update(a.b);
	ops->update(b.b);
	check_equal(&a, &b, "written over a pending gradient");
	ops->destroy(a.b);
	ops->destroy(b.b);
	ops->destroy(later.b);
	free_arrays(&arrays);
}

/* `used`: the other backend has trained before, on other batches. */
static void check_resumed(const struct test_case *c, bool used)
{
	struct peer a = peer_new(c), b = peer_new(c), whole = peer_new(c);
	struct arrays arrays = make_arrays(c->batch_size);
	const char *when = used ? "into a used backend" : "into a fresh backend";
	struct backend_loss loss, loss_b, want;

	train(&whole, &arrays, 0, ALL);
	train(&a, &arrays, 0, BEFORE);
	if (used)
		train(&b, &arrays, BEFORE + 1, ALL);
	check_scores(&a, &b);
	CHECK(ops->step(a.b) == BEFORE, "%s: %d steps taken", c->name, BEFORE);
	check_equal(&a, &b, when);
	loss = ops->loss(a.b);
	ops->set_loss(a.b, &loss);
	ops->set_loss(b.b, &loss);
	train(&a, &arrays, BEFORE, ALL);
	train(&b, &arrays, BEFORE, ALL);
	check_equal(&a, &b, used ? "trained on, used" : "trained on, fresh");
	want = ops->loss(whole.b);
	loss = ops->loss(a.b);
	loss_b = ops->loss(b.b);
	CHECK(want.batches == ALL && !memcmp(&loss, &want, sizeof(want)) &&
			!memcmp(&loss_b, &want, sizeof(want)),
		"%s: %s: a loss that is put back goes on", c->name, when);
	ops->destroy(whole.b);
	ops->destroy(a.b);
	ops->destroy(b.b);
	free_arrays(&arrays);
}

static uint32_t count_distinct(
	const struct batch *batch, enum neumf_loss loss, int side, uint32_t bound)
{
	bool *seen = xcalloc(bound, sizeof(*seen));
	uint32_t num = 0;

	for (uint32_t k = 0; k < batch->size; k++) {
		seen[side == SIDE_USER ? batch->user[k] : batch->item[k]] = true;
		if (side == SIDE_ITEM && loss != LOSS_BCE)
			seen[batch->negative[k]] = true;
	}
	for (uint32_t i = 0; i < bound; i++)
		num += seen[i];
	free(seen);
	return num;
}

/* Is g the batch's gradient: its ids, and the rows and tensors that read gives? */
static bool right_gradient(struct peer *p, const struct batch *batch, struct backend_gradient *g)
{
	const uint32_t bound[2] = { p->c->shape.num_users, p->c->shape.num_items };
	bool right = true;

	for (int side = SIDE_USER; side <= SIDE_ITEM; side++) {
		right &= g->num[side] == count_distinct(batch, p->c->shape.loss, side, bound[side]);
		for (uint32_t k = 1; k < g->num[side]; k++)
			right &= g->id[side][k - 1] < g->id[side][k];
	}
	for (unsigned i = 0; i < p->layout.num_tensors && right; i++) {
		const struct neumf_tensor *t = &p->layout.tensor[i];
		float *dense = tensor_of(p, i, BACKEND_GRADIENT);

		for (size_t k = 0; k < rows_in(g, t); k++)
			right &= !memcmp(g->tensor[i] + k * t->cols,
				dense + (size_t)(t->side == SIDE_NONE ? k : g->id[t->side][k]) *
						t->cols,
				t->cols * sizeof(*dense));
		free(dense);
	}
	return right;
}

/* Nothing of g is needed after write_gradient. */
static void spoil(struct backend_gradient *g, const struct neumf_layout *layout)
{
	for (int side = SIDE_USER; side <= SIDE_ITEM; side++)
		memset(g->id[side], 0xff, g->num[side] * sizeof(*g->id[side]));
	for (unsigned i = 0; i < layout->num_tensors; i++)
		memset(g->tensor[i], 0xff, layout->tensor[i].cols * sizeof(float));
}

/*
 * `batches` goes by batches alone. `mixed` takes every third as it is, every third out and in, and
 * for every third has computed the gradient of another batch when it gets the right one. `written`
 * gets nothing but gradients.
 */
static void check_exchanged(const struct test_case *c)
{
	struct peer batches = peer_new(c), mixed = peer_new(c), written = peer_new(c);
	struct arrays arrays = make_arrays(c->batch_size), others = make_arrays(c->batch_size);
	struct backend_gradient g;
	uint64_t rows = 0;
	bool right = true, kept = true;

	backend_gradient_init(&g, &c->shape, c->batch_size);
	for (unsigned step = 0; step < ALL; step++) {
		struct batch batch = batch_of(c, &arrays, step, false);
		struct batch other = batch_of(c, &others, step, true);

		ops->gradient(batches.b, &batch);
		ops->read_gradient(batches.b, &g);
		right &= right_gradient(&batches, &batch, &g);
		ops->gradient(mixed.b, step % 3 == 2 ? &other : &batch);
		rows += batch.size;
		if (step % 3)
			ops->write_gradient(mixed.b, &g);
		ops->write_gradient(written.b, &g);
		spoil(&g, &batches.layout);
		if (step % 4 == 1) {
			kept &= !difference(&batches, &mixed, BACKEND_GRADIENT);
			kept &= !difference(&batches, &written, BACKEND_GRADIENT);
		}
		ops->update(batches.b);
		ops->update(mixed.b);
		ops->update(written.b);
	}
	CHECK(right, "%s: read_gradient gives the rows of the batch, ascending, and their values",
		c->name);
	CHECK(kept, "%s: a written gradient is the one that is read", c->name);
	check_equal(&batches, &mixed, "gradients out and in between batches");
	check_equal(&batches, &written, "gradients alone");
	struct backend_loss loss = ops->loss(mixed.b);
	CHECK(loss.rows == rows && loss.batches == ALL,
		"%s: batches count in the loss although their gradient was replaced", c->name);
	loss = ops->loss(written.b);
	CHECK(!loss.rows && !loss.batches, "%s: a written gradient has no loss", c->name);
	backend_gradient_release(&g);
	free_arrays(&arrays);
	free_arrays(&others);
	ops->destroy(batches.b);
	ops->destroy(mixed.b);
	ops->destroy(written.b);
}

/* A gradient without rows, as a process has it that owns no row of a batch. */
static void check_no_rows(const struct test_case *c)
{
	const struct neumf_optimizer *o = &c->optimizer;
	bool moves = o->kind == OPTIMIZER_ADAM || (o->kind == OPTIMIZER_SGD && o->weight_decay > 0);
	struct peer a = peer_new(c), b = peer_new(c);
	struct arrays arrays = make_arrays(c->batch_size);
	struct backend_gradient g;
	bool moved = false, all = true;

	backend_gradient_init(&g, &c->shape, c->batch_size);
	train(&a, &arrays, 0, BEFORE);
	train(&b, &arrays, 0, BEFORE);
	ops->read_gradient(b.b, &g);
	g.num[SIDE_USER] = g.num[SIDE_ITEM] = 0;
	ops->write_gradient(b.b, &g);
	ops->read_gradient(b.b, &g);
	CHECK(!g.num[SIDE_USER] && !g.num[SIDE_ITEM], "%s: no rows out either", c->name);
	ops->update(b.b);
	for (unsigned i = 0; i < a.layout.num_tensors; i++) {
		if (a.layout.tensor[i].side == SIDE_NONE)
			continue;
		float *x = tensor_of(&a, i, BACKEND_VALUE), *y = tensor_of(&b, i, BACKEND_VALUE);

		bool same = !memcmp(x, y, tensor_size(&a.layout.tensor[i]) * sizeof(*x));
		moved |= !same;
		all &= !same;
		free(x);
		free(y);
	}
	CHECK(moves ? all : !moved, "%s: without rows every embedding table %s", c->name,
		moves ? "still moves" : "stays");
	backend_gradient_release(&g);
	free_arrays(&arrays);
	ops->destroy(a.b);
	ops->destroy(b.b);
}

int main(int argc, char **argv)
{
	bool quick = argc > 1 && !strcmp(argv[1], "quick");

	die_set_name("test_state");
	ops = backend_select(DEVICE_CUDA, false);
	for (unsigned i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		if (quick && !cases[i].quick)
			continue;
		check_resumed(&cases[i], false);
		check_resumed(&cases[i], true);
		check_pending(&cases[i]);
		check_exchanged(&cases[i]);
		check_no_rows(&cases[i]);
	}
	return CHECK_EXIT;
}
