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
			t->kind.ops->write(to, neumf_whole(&t->layout, n), states[k],
				state + t->layout.tensor[n].offset);
		free(state);
	}
	t->kind.ops->set_step(to, t->kind.ops->step(from));
}

/* Are rows read the same as those of the whole tensor, and nothing beside them? */
static bool right_rows(const struct setting *t, struct backend *b, struct neumf_rows part,
	enum backend_what what, const float *whole)
{
	const uint32_t cols = t->layout.tensor[part.tensor].cols;
	const size_t n = neumf_floats(&t->layout, part);
	float *out = xmalloc(n + 1, sizeof(*out));

	out[n] = -7;
	t->kind.ops->read(b, part, what, out);
	const bool right =
		out[n] == -7 && !memcmp(out, whole + (size_t)part.first * cols, n * sizeof(*out));
	free(out);
	return right;
}

/* State by pieces: what is read, of gradients too, and what is written, the last rows first. */
static void check_pieces(const struct setting *t)
{
	const unsigned kinds = t->optimizer.kind == OPTIMIZER_SGD ? 1 : 3;
	struct backend *a = make(t), *b = make(t);
	const struct batch batch = random_batch(&rows, t->batch_size, 2);
	bool right = true;

	train(t, a, 0, 2);
	t->kind.ops->gradient(a, &batch);
	for (unsigned n = 0; n < t->layout.num_tensors; n++) {
		const uint32_t all = t->layout.tensor[n].rows, third = all / 3;
		const struct neumf_rows parts[] = { { n, third, all - third }, { n, 0, third },
			{ n, all - 1, 1 }, { n, all / 2, 1 }, { n, all, 0 } };
		float *whole = xmalloc(
			neumf_floats(&t->layout, neumf_whole(&t->layout, n)), sizeof(*whole));

		for (int what = BACKEND_VALUE; what <= BACKEND_MOMENT2; what++) {
			t->kind.ops->read(a, neumf_whole(&t->layout, n), what, whole);
			for (unsigned k = 0; k < sizeof(parts) / sizeof(*parts); k++)
				right &= right_rows(t, a, parts[k], what, whole);
		}
		for (unsigned k = 0; k < kinds; k++)
			for (int part = 0; part < 2; part++) {
				t->kind.ops->read(a, parts[part], states[k], whole);
				t->kind.ops->write(b, parts[part], states[k], whole);
			}
		free(whole);
	}
	t->kind.ops->set_step(b, t->kind.ops->step(a));
	CHECK(right, "%s: rows of a tensor are read as in the whole", t->name);
	CHECK(same_state(t, a, b), "%s: and written", t->name);
	t->kind.ops->destroy(a);
	t->kind.ops->destroy(b);
}

/* A backend whose first values nobody gives it. */
static struct backend *begin(const struct setting *t, const struct neumf_fresh *fresh)
{
	const struct backend_config config = { .shape = t->shape,
		.fresh = fresh,
		.optimizer = &t->optimizer,
		.batch_size = t->batch_size,
		.pool = pool_of(2) };

	return t->kind.kernels ? cpu_create(&config, t->kind.kernels)
			       : t->kind.ops->create(&config);
}

/* Those drawn by the backend are those of neumf_init; where it has none to draw they are 0. */
static void check_first_values(const struct setting *t)
{
	const struct neumf_fresh fresh = { 0.3, DENSE_GLOROT, 9 };
	float *params = xmalloc(t->layout.num_params, sizeof(*params));

	neumf_init(&t->shape, fresh.init_std, fresh.dense_init, fresh.seed, params);
	struct backend *drawn = begin(t, &fresh), *empty = begin(t, NULL);
	float *a = read_all(t->kind.ops, drawn, &t->layout, BACKEND_VALUE);
	float *b = read_all(t->kind.ops, empty, &t->layout, BACKEND_VALUE);
	bool zero = true;

	for (uint64_t k = 0; k < t->layout.num_params; k++)
		zero &= b[k] == 0;
	CHECK(zero && !memcmp(a, params, t->layout.num_params * sizeof(*a)),
		"%s: first values, drawn and none", t->name);
	t->kind.ops->destroy(drawn);
	t->kind.ops->destroy(empty);
	free(params);
	free(a);
	free(b);
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
	{ "a gradient after its update", "no gradient is held" }, /* of the cpu backend */
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
		t->kind.ops->write(b, neumf_whole(&t->layout, 0),
			m->number == 1 ? BACKEND_GRADIENT : BACKEND_MOMENT2, zero);
		return;
	}
	const struct batch batch = random_batch(&rows, t->batch_size, 0);

	backend_gradient_init(&g, &t->shape, 8);
	t->kind.ops->gradient(b, &batch);
	if (m->number == 6)
		t->kind.ops->update(b);
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
	for (unsigned k = 0; k < (t->kind.kernels != NULL ? 7 : 6); k++) {
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
	for_each_setting(check_pieces);
	for_each_setting(check_first_values);
	for_each_setting(check_state);
	for_each_setting(check_loss);
	for_each_setting(check_misuse);
	for_each_setting(check_scorer);
	return CHECK_EXIT;
}
