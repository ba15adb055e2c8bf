/*
 * test_ranked: a backend without an optimizer, and blocks ranked on the device: rank_block and
 * top_block must agree with ranking.c on the scores that score_block gives.
 *   COFILTER_CUDA_PLUGIN=FILE test_ranked
 */
#include "../unit/check.h"
#include "base/die.h"
#include "base/mem.h"
#include "model/backend.h"
#include "rank/ranking.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { USERS = 40, ITEMS = 333 };

static const struct neumf_shape shapes[] = {
	{ MODEL_NEUMF, LOSS_BPR, false, USERS, ITEMS, 10, 10, 3, { 10, 10, 10 }, false,
		{ 0, 0, 0 } },
	{ MODEL_NEUMF, LOSS_BPR, true, USERS, ITEMS, 5, 70, 2, { 70, 33 }, false, { 0, 0, 0 } },
	{ MODEL_MF, LOSS_BCE, false, USERS, ITEMS, 16, 0, 0, { 0 }, false, { 0, 0, 0 } },
};

/* A block of users: what is removed, what is wanted, and the answers. */
struct block {
	uint32_t n, first, end, width;
	uint32_t user[USERS], removed_start[USERS + 1], wanted_start[USERS + 1], bad[USERS],
		num[USERS];
	uint32_t *removed, *wanted, *top;
	float *score, *best;
	struct rank_place *place;
};

static struct block block_new(uint32_t n, uint32_t first, uint32_t end, uint32_t k)
{
	struct block x = { .n = n, .first = first, .end = end, .width = end - first };
	size_t size = (size_t)n * x.width;

	x.removed = xmalloc(size, sizeof(*x.removed));
	x.wanted = xmalloc(size, sizeof(*x.wanted));
	x.top = xmalloc((size_t)n * k, sizeof(*x.top));
	x.best = xmalloc((size_t)n * k, sizeof(*x.best));
	x.score = xmalloc(size, sizeof(*x.score));
	x.place = xmalloc(size, sizeof(*x.place));
	for (uint32_t r = 0; r < n; r++) {
		x.user[r] = (r * 7 + 3) % USERS;
		x.removed_start[r + 1] = x.removed_start[r];
		x.wanted_start[r + 1] = x.wanted_start[r];
		for (uint32_t i = r % 5; i < x.width;
			i += 5) { /* row 4 and every fifth after it: nothing wanted */
			if (i % 3 == 0)
				x.removed[x.removed_start[r + 1]++] = i;
			else if (r % 5 < 4)
				x.wanted[x.wanted_start[r + 1]++] = i;
		}
	}
	return x;
}

static void block_free(struct block *x)
{
	free(x->removed);
	free(x->wanted);
	free(x->top);
	free(x->best);
	free(x->score);
	free(x->place);
}

static uint32_t wrong_places(const struct block *x, uint32_t r, const float *row)
{
	uint32_t wrong = 0;

	for (uint32_t p = x->wanted_start[r]; p < x->wanted_start[r + 1]; p++) {
		struct rank_place want = rank_place(row, x->width, x->wanted[p]);

		wrong += memcmp(&want, &x->place[p], sizeof(want)) != 0;
	}
	return wrong;
}

static uint32_t wrong_top(const struct block *x, uint32_t r, const float *row, uint32_t k)
{
	uint32_t *want = xmalloc(k, sizeof(*want)), n = (uint32_t)rank_top(row, x->width, k, want);
	uint32_t wrong = n != x->num[r];

	for (uint32_t i = 0; i < n && !wrong; i++)
		wrong += x->top[r * k + i] != want[i] || x->best[r * k + i] != row[want[i]];
	free(want);
	return wrong;
}

static void check_block(const struct backend_ops *ops, struct backend *b, uint32_t n,
	uint32_t first, uint32_t end, uint32_t k, bool bad_user)
{
	struct block x = block_new(n, first, end, k);
	struct rank_lists lists = { x.removed_start, x.removed, x.wanted_start, x.wanted };
	uint32_t wrong = 0, bad = 0;

	ops->score_block(b, n, x.user, first, end, x.score);
	ops->rank_block(b, n, x.user, first, end, &lists, x.bad, x.place);
	for (uint32_t r = 0; r < n; r++)
		bad += x.bad[r] != rank_bad_score(x.score + (size_t)r * x.width, x.width);
	memset(x.bad, 0xff, sizeof(x.bad));
	ops->top_block(b, n, x.user, first, end, &lists, x.bad, k, x.top, x.best, x.num);
	for (uint32_t r = 0; r < n; r++) {
		float *row = x.score + (size_t)r * x.width;
		size_t at = rank_bad_score(row, x.width);

		bad += x.bad[r] != at;
		if (at < x.width)
			continue;
		for (uint32_t p = x.removed_start[r]; p < x.removed_start[r + 1]; p++)
			row[x.removed[p]] = -INFINITY;
		wrong += wrong_places(&x, r, row) + wrong_top(&x, r, row, k);
	}
	CHECK(!wrong && !bad,
		"%u users x items %u..%u, %u best%s: %u ranks or lists wrong, %u bad scores", n,
		first, end, k, bad_user ? ", a NaN" : "", wrong, bad);
	block_free(&x);
}

static void check_shape(
	const struct backend_ops *ops, const struct neumf_shape *shape, bool bad_user)
{
	struct neumf_layout layout;
	neumf_layout(shape, &layout);
	struct backend_config config = { .shape = *shape,
		.params = xmalloc(layout.num_params, sizeof(float)) };

	neumf_init(shape, 0.3, DENSE_GLOROT, 3, config.params);
	/* equal items: ties */
	for (unsigned t = 0; t < layout.num_tensors; t++) {
		const struct neumf_tensor *at = &layout.tensor[t];
		float *value = config.params + at->offset;

		for (uint32_t i = 0; strstr(at->name, "_item") && i < at->rows; i++)
			memcpy(value + i * at->cols, value + i % 29 * at->cols,
				at->cols * sizeof(*value));
		if (bad_user && strstr(at->name, "_user"))
			value[3 * at->cols] = NAN;
	}
	struct backend *b = ops->create(&config);
	check_block(ops, b, 1, 0, 1, 1, bad_user);
	check_block(ops, b, 7, 100, 201, 10, bad_user);
	check_block(ops, b, USERS, 0, ITEMS, 400, bad_user);
	check_block(ops, b, 7, 100, 201, 3, bad_user);
	ops->destroy(b);
}

/* More pairs than one launch takes, in users and in items: a block's scores are those of pairs. */
static void check_large(const struct backend_ops *ops)
{
	enum { MANY = (1 << 20) + 1500, EACH = 700, STEP = MANY / EACH };
	const struct neumf_shape shape = { MODEL_NEUMF, LOSS_BPR, false, 3, MANY, 1, 1, 1, { 1 },
		false, { 0, 0, 0 } };
	struct neumf_layout layout;
	neumf_layout(&shape, &layout);
	struct backend_config config = { .shape = shape,
		.params = xmalloc(layout.num_params, sizeof(float)) };
	const uint32_t block_user[2] = { 2, 1 };
	uint32_t user[EACH], item[EACH], wrong = 0;
	float *score = xmalloc(2 * (size_t)MANY, sizeof(*score)), pair[EACH];

	neumf_init(&shape, 0.3, DENSE_GLOROT, 3, config.params);
	struct backend *b = ops->create(&config);
	ops->score_block(b, 2, block_user, 0, MANY, score);
	for (uint32_t k = 0; k < 2; k++) {
		for (uint32_t i = 0; i < EACH; i++) {
			user[i] = block_user[k];
			item[i] = MANY - 1 - i * STEP;
		}
		ops->score_pairs(b, EACH, user, item, pair);
		for (uint32_t i = 0; i < EACH; i++)
			wrong += pair[i] != score[(size_t)k * MANY + item[i]];
	}
	CHECK(!wrong, "a block of %u items: %u of %u scores wrong", (unsigned)MANY, wrong,
		2u * EACH);
	ops->destroy(b);
	free(score);
}

int main(void)
{
	die_set_name("test_ranked");
	const struct backend_ops *ops = backend_select(DEVICE_CUDA, false);

	for (unsigned i = 0; i < sizeof(shapes) / sizeof(*shapes); i++) {
		check_shape(ops, &shapes[i], false);
		check_shape(ops, &shapes[i], true);
	}
	check_large(ops);
	return CHECK_EXIT;
}
