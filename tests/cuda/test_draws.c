/*
 * test_draws: rows drawn on the device against those that lib/data makes on the host, and the models
 * trained on them: byte for byte. The batches of the host go through the columns that the backend
 * lends and through arrays of the caller's in turn.
 *   COFILTER_CUDA_PLUGIN=FILE test_draws [quick]
 */
#include "../unit/check.h"
#include "base/die.h"
#include "base/mem.h"
#include "base/pool.h"
#include "data/epoch_rows.h"
#include "model/backend.h"

#include <stdlib.h>
#include <string.h>

struct draw_case {
	const char *name;
	uint32_t users, items, most; /* interactions of a user, at most: most user has items - 1 */
	bool popularity;
	enum rec_kind kind;
	uint32_t negatives, batch_size;
	uint64_t from; /* the first row trained */
	bool quick;
};

/* Small n, where a permutation takes more rounds, and large; users who lack one item; epochs that end
   within a batch, and many in one. */
static const struct draw_case cases[] = {
	{ "triples, uniform", 61, 90, 40, false, REC_TRIPLE, 1, 130, 0, true },
	{ "triples, popularity", 61, 90, 40, true, REC_TRIPLE, 1, 100, 0, true },
	{ "triples, 3 negatives", 200, 700, 60, false, REC_TRIPLE, 3, 1000, 0, true },
	{ "triples, 3 negatives, popularity", 200, 700, 60, true, REC_TRIPLE, 3, 999, 17, false },
	{ "samples, 4 negatives", 61, 90, 30, false, REC_SAMPLE, 4, 257, 1000, true },
	{ "samples, popularity", 61, 90, 89, true, REC_SAMPLE, 2, 257, 1, true },
	{ "samples, 1 negative, later epochs", 300, 400, 30, false, REC_SAMPLE, 1, 700, 1u << 31,
		false },
	{ "users who lack one item", 40, 33, 32, false, REC_TRIPLE, 2, 300, 0, true },
	{ "users who lack one item, popularity", 40, 33, 32, true, REC_TRIPLE, 2, 300, 0, true },
	{ "many epochs in a batch", 2, 5, 2, false, REC_TRIPLE, 1, 64, 0, true },
	{ "one interaction", 1, 2, 1, false, REC_SAMPLE, 1, 5, 0, true },
	{ "14 in a line", 1, 29, 14, false, REC_TRIPLE, 1, 33, 0, true },
};

static struct pool *pool;

/* User u has `most` items, or fewer: every third has all but one, if that is most, the last none. */
static void add_items(struct user_items *m, const struct draw_case *c)
{
	struct rng r;

	for (uint32_t u = 0; u < c->users; u++) {
		const uint32_t num = u % 3 == 0 ? c->most : 1 + u % c->most;

		rng_start(&r, 3, RNG_TEST, 0, u);
		for (uint32_t k = 0; k < num && (u < c->users - 1 || u == 0); k++)
			user_items_add(m, u,
				c->most == c->items - 1 ? (u + k) % c->items
							: rng_below(&r, c->items));
	}
}

/* As sampling_epochs has it, from rows that are no stream. */
static void make_sampling(struct sampling *s, const struct draw_case *c)
{
	double *weight = c->popularity ? xmalloc(c->items, sizeof(*weight)) : NULL;

	memset(s, 0, sizeof(*s));
	user_items_init(&s->excluded, c->users, c->items);
	add_items(&s->excluded, c);
	user_items_finish_all(&s->excluded, pool);
	for (uint32_t i = 0; weight && i < c->items; i++)
		weight[i] = i == 3 ? 1e-9 : 1.0 / (i + 1);
	positive_index_init(&s->positives, &s->excluded, pool);
	user_items_add(&s->excluded, c->users - 1, 0); /* as --exclude does */
	user_items_finish(&s->excluded);
	s->sampler = sampler_new(&s->excluded, weight, 24, 11, pool);
}

/* Rows first .. first + n - 1 of the run as the host makes them. */
static void make_batch(
	const struct epoch_rows *e, uint64_t first, uint32_t n, const struct batch_room *to)
{
	const size_t slice = epoch_rows_slice(e->kind, e->negatives);
	uint32_t *rows = xmalloc(slice, e->row_size);

	for (uint32_t done = 0, some; done < n; done += some) {
		some = n - done < slice ? n - done : (uint32_t)slice;
		epoch_rows_make(e, first + done, some, rows);
		for (uint32_t k = 0; k < some; k++) {
			to->user[done + k] = rows[3 * k];
			to->item[done + k] = rows[3 * k + 1];
			if (to->negative)
				to->negative[done + k] = rows[3 * k + 2];
			else
				memcpy(&to->label[done + k], &rows[3 * k + 2], sizeof(float));
		}
	}
	free(rows);
}

static struct neumf_shape shape_of(const struct draw_case *c)
{
	return (struct neumf_shape){ .model = MODEL_MF,
		.loss = c->kind == REC_SAMPLE ? LOSS_BCE : LOSS_BPR,
		.num_users = c->users,
		.num_items = c->items,
		.factors = 3 };
}

static struct backend *make_backend(const struct backend_ops *ops, const struct draw_case *c)
{
	const struct neumf_optimizer optimizer = { OPTIMIZER_LAZY_ADAM, 0.01, 0, 0, 0.9, 0.999,
		1e-8 };
	const struct neumf_fresh fresh = { 0.1, DENSE_NORMAL, 1 };
	const struct backend_config config = { .shape = shape_of(c),
		.fresh = &fresh,
		.optimizer = &optimizer,
		.batch_size = c->batch_size };

	return ops->create(&config);
}

static bool same_columns(const struct batch_room *a, const struct batch_room *b, uint32_t n)
{
	const size_t bytes = n * sizeof(uint32_t);

	return !memcmp(a->user, b->user, bytes) && !memcmp(a->item, b->item, bytes) &&
	       (a->negative ? !memcmp(a->negative, b->negative, bytes)
			    : !memcmp(a->label, b->label, bytes));
}

static bool same_values(const struct backend_ops *ops, struct backend *a, struct backend *b,
	const struct neumf_shape *shape)
{
	struct neumf_layout layout;
	bool same = true;

	neumf_layout(shape, &layout);
	for (unsigned t = 0; t < layout.num_tensors; t++) {
		const struct neumf_rows all = neumf_whole(&layout, t);
		const size_t n = neumf_floats(&layout, all);
		float *x = xmalloc(n, sizeof(*x)), *y = xmalloc(n, sizeof(*y));

		ops->read(a, all, BACKEND_VALUE, x);
		ops->read(b, all, BACKEND_VALUE, y);
		same = same && !memcmp(x, y, n * sizeof(*x));
		free(x);
		free(y);
	}
	return same;
}

static struct batch_room own_room(uint32_t n, bool pointwise)
{
	struct batch_room room = { xmalloc(n, 4), xmalloc(n, 4), NULL, NULL };

	if (pointwise)
		room.label = xmalloc(n, 4);
	else
		room.negative = xmalloc(n, 4);
	return room;
}

static void check_case(const struct backend_ops *ops, const struct draw_case *c)
{
	enum { STEPS = 9 };
	struct backend *device = make_backend(ops, c), *host = make_backend(ops, c);
	struct batch_room own = own_room(c->batch_size, c->kind == REC_SAMPLE), lent, drawn;
	const struct neumf_shape shape = shape_of(c);
	struct sampling sampling;
	struct epoch_rows rows;
	uint64_t first = c->from;
	bool same = true;

	make_sampling(&sampling, c);
	epoch_rows_init(&rows, &sampling, c->kind, c->negatives, 11);
	const struct row_draws draws = epoch_rows_draws(&rows);
	CHECK(ops->draw_from(device, &draws) == NULL, "%s: %llu rows an epoch", c->name,
		(unsigned long long)rows.rows_per_epoch);
	for (int step = 0; step < STEPS; step++) {
		const uint32_t n = step == STEPS - 1 ? 1
				   : step % 4 == 3   ? (c->batch_size + 2) / 3
						     : c->batch_size;

		make_batch(&rows, first, n, &own);
		ops->gradient_drawn(device, first, n);
		if (step % 3 == 0) {
			drawn = ops->drawn(device);
			same = same && same_columns(&drawn, &own, n);
		}
		ops->update(device);
		if (step % 3 == 1) {
			drawn = ops->drawn(device);
			same = same && same_columns(&drawn, &own, n);
		}
		lent = own;
		if (step % 2) {
			lent = ops->lend(host);
			make_batch(&rows, first, n, &lent);
		}
		const struct batch batch = { n, lent.user, lent.item, lent.negative, lent.label };
		ops->gradient(host, &batch);
		ops->update(host);
		first += n;
	}
	CHECK(same, "%s: the rows that the host makes", c->name);
	CHECK(same_values(ops, device, host, &shape), "%s: the same model", c->name);
	const struct backend_loss a = ops->loss(device), b = ops->loss(host);
	CHECK(a.sum == b.sum && a.rows == b.rows, "%s: the same loss", c->name);
	ops->destroy(device);
	ops->destroy(host);
	sampler_free(sampling.sampler);
	positive_index_release(&sampling.positives);
	user_items_release(&sampling.excluded);
	free(own.user);
	free(own.item);
	free(own.negative);
	free(own.label);
}

int main(int argc, char **argv)
{
	const bool quick = argc > 1 && !strcmp(argv[1], "quick");
	const struct backend_ops *ops = backend_select(DEVICE_CUDA, false);

	die_set_name("test_draws");
	pool = pool_new(1);
	for (size_t k = 0; k < sizeof(cases) / sizeof(*cases); k++)
		if (!quick || cases[k].quick)
			check_case(ops, &cases[k]);
	pool_free(pool);
	return CHECK_EXIT;
}
