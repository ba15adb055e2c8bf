/*
 * State that leaves a backend and comes back, for the reference and for every instruction set of
 * this processor: training goes on bit for bit from values, moments and the step number put into
 * another backend, and so do the sums of losses. What cannot be written is refused.
 */
#include "check.h"
#include "child.h"
#include "settings.h"

enum { BEFORE = 3, AFTER = 5 };

static void copy_state(const struct setting *t, struct backend *from, struct backend *to)
{
	const unsigned kinds = t->optimizer.kind == OPTIMIZER_SGD ? 1 : 3;

	for (unsigned k = 0; k < kinds; k++) {
		float *state = read_all(t->kind.ops, from, &t->layout, states[k]);

		for (unsigned n = 0; n < t->layout.num_tensors; n++)
			t->kind.ops->write(to, n, states[k], state + t->layout.tensor[n].offset);
		free(state);
	}
	t->kind.ops->set_step(to, t->kind.ops->step(from));
}

/* Into a fresh backend, and into one of another past, which must not show. */
static void check_state(const struct setting *t)
{
	for (int past = 0; past < 2; past++) {
		struct backend *a = make(t), *b = make(t);

		train(t, a, 0, BEFORE);
		train(t, b, 100, past ? 2 : 0);
		bool apart = !same_state(t, a, b); /* scores too: they may be kept */
		copy_state(t, a, b);
		bool copied = same_state(t, a, b) && t->kind.ops->step(b) == BEFORE;
		train(t, a, BEFORE, AFTER);
		train(t, b, BEFORE, AFTER);
		CHECK(apart && copied && same_state(t, a, b) &&
				t->kind.ops->step(b) == BEFORE + AFTER,
			"%s: goes on from its state in a %s backend", t->name,
			past ? "used" : "fresh");
		t->kind.ops->destroy(a);
		t->kind.ops->destroy(b);
	}
}

/* The sum of losses goes on, to the bit, where it is taken out and put back, into another too. */
static void check_loss(const struct setting *t)
{
	const struct backend_ops *ops = t->kind.ops;
	struct backend *whole = make(t), *a = make(t), *b = make(t);

	train(t, whole, 0, BEFORE + AFTER);
	train(t, a, 0, BEFORE);
	struct backend_loss taken = ops->loss(a);
	copy_state(t, a, b);
	ops->set_loss(a, &taken);
	train(t, b, 100, 0);
	ops->set_loss(b, &taken);
	train(t, a, BEFORE, AFTER);
	train(t, b, BEFORE, AFTER);
	struct backend_loss want = ops->loss(whole), x = ops->loss(a), y = ops->loss(b);
	CHECK(want.batches == BEFORE + AFTER && !memcmp(&x, &want, sizeof(x)) &&
			!memcmp(&y, &want, sizeof(y)),
		"%s: a loss that is put back goes on as if it had not been taken", t->name);
	ops->destroy(whole);
	ops->destroy(a);
	ops->destroy(b);
}

/* What a backend must not do, by number. */
struct misuse {
	struct setting setting;
	unsigned number;
};

static const struct {
	const char *what, *line;
} misuses[] = {
	{ "a moment that sgd does not have", "cannot be written" },
	{ "a gradient as a tensor", "cannot be written" },
	{ "a moment without an optimizer", "cannot be written" },
	{ "more users than a batch has rows", "a gradient of 5 rows for a batch of 4" },
	{ "ids that do not ascend", "not ascending" },
	{ "an id out of bounds", "id 37 of a gradient is out of bounds" },
};

static void commit(void *arg)
{
	const struct misuse *m = arg;
	const struct setting *t = &m->setting;
	struct backend *b = make_backend(&t->shape, m->number == 2 ? NULL : &t->optimizer,
		t->batch_size, 1, t->kind.kernels);
	struct backend_gradient g;
	float *zero = xcalloc(t->layout.num_params, sizeof(float));

	if (m->number < 3) {
		t->kind.ops->write(b, 0, m->number == 1 ? BACKEND_GRADIENT : BACKEND_MOMENT2, zero);
		return;
	}
	backend_gradient_init(&g, &t->shape, 8);
	train(t, b, 0, 1);
	t->kind.ops->read_gradient(b, &g);
	if (m->number == 3)
		g.num[SIDE_USER] = 5;
	for (uint32_t k = 0; k < g.num[SIDE_USER]; k++)
		g.id[SIDE_USER][k] = k + (m->number == 5 ? USERS - g.num[SIDE_USER] + 1 : 0);
	if (m->number == 4)
		g.id[SIDE_ITEM][1] = g.id[SIDE_ITEM][0];
	t->kind.ops->write_gradient(b, &g);
}

static void check_misuse(const struct setting *t)
{
	static int errors = -1;

	if (t->optimizer.kind != OPTIMIZER_SGD || t->shape.model != MODEL_MF || t->batch_size != 4)
		return;
	if (errors < 0)
		errors = child_file();
	for (unsigned k = 0; k < 6; k++) {
		struct misuse m = { .setting = *t, .number = k };
		struct child c = child_run(commit, &m, errors);

		CHECK(c.status == -SIGABRT && strstr(c.text, misuses[k].line),
			"%s: %s is a BUG: %.*s", t->name, misuses[k].what,
			(int)strcspn(c.text, "\n"), c.text);
	}
}

/* A scorer of a backend scores as the backend does; what the device lacks stays out. */
static void check_scorer(const struct setting *t)
{
	static const uint32_t user[] = { 1, 0, 2 }, item[] = { 5, 7, 0 };
	struct backend *b = make(t);
	struct scorer s = backend_scorer(t->kind.ops, b, &t->shape);
	float pairs[3], right[3], block[6], block_right[6];

	s.score_pairs(s.arg, 3, user, item, pairs);
	t->kind.ops->score_pairs(b, 3, user, item, right);
	s.score_block(s.arg, 3, user, 4, 6, block);
	t->kind.ops->score_block(b, 3, user, 4, 6, block_right);
	CHECK(s.num_users == USERS && s.num_items == ITEMS &&
			memcmp(pairs, right, sizeof(pairs)) == 0 &&
			memcmp(block, block_right, sizeof(block)) == 0 && !s.rank_block &&
			!s.top_block && !s.score_from_items,
		"%s: a backend as a scorer", t->name);
	t->kind.ops->destroy(b);
}

int main(void)
{
	for_each_setting(check_state);
	for_each_setting(check_loss);
	for_each_setting(check_misuse);
	for_each_setting(check_scorer);
	return CHECK_EXIT;
}
