#include "model/backend.h"

#include "base/die.h"
#include "base/mem.h"
#include "base/pool.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *const backend_precision_names[] = { "fp32", "tf32", "bf16", NULL };

/* The first values, drawn by all threads: a job takes a piece of a tensor. */
struct drawing {
	const struct neumf_fresh *fresh;
	struct neumf_layout layout;
	float *params;
};

static size_t num_pieces(const struct neumf_tensor *t)
{
	const uint32_t most = NEUMF_PIECE / t->cols;

	return t->rows / most + (t->rows % most > 0);
}

/* Piece k of those of all tensors. */
static struct neumf_rows find_piece(const struct neumf_layout *l, size_t k)
{
	unsigned t = 0;

	for (; k >= num_pieces(&l->tensor[t]); t++)
		k -= num_pieces(&l->tensor[t]);
	const uint32_t first = (uint32_t)k * (NEUMF_PIECE / l->tensor[t].cols);
	struct neumf_rows rows = { .tensor = t, .first = first };
	neumf_next_piece(l, &rows);
	return rows;
}

static void draw_piece(void *arg, size_t k, unsigned thread)
{
	const struct drawing *d = arg;
	const struct neumf_rows rows = find_piece(&d->layout, k);

	(void)thread;
	neumf_init_rows(&d->layout, d->fresh, rows, d->params + neumf_offset(&d->layout, rows));
}

float *backend_params(const struct backend_config *config, size_t slack)
{
	const struct neumf_fresh *fresh = config->fresh;
	struct drawing d = { .fresh = fresh };
	struct neumf_layout *l = &d.layout;
	size_t pieces = 0;

	neumf_layout(&config->shape, l);
	const uint64_t n = l->num_params + slack;
	const bool given = config->params;

	/* given values stay where they are: a copy would take their memory twice */
	d.params = given ? xrealloc(config->params, n, sizeof(float))
			 : xmalloc_table(n, sizeof(float));
	for (unsigned t = 0; t < l->num_tensors; t++)
		pieces += num_pieces(&l->tensor[t]);
	if (!given && fresh)
		pool_run(config->pool, pieces, draw_piece, &d);
	const uint64_t known = given || fresh ? l->num_params : 0;
	memset(d.params + known, 0, (n - known) * sizeof(float));
	return d.params;
}

void backend_loss_add(struct backend_loss *l, double sum, uint32_t rows)
{
	if (l->bad_batch == l->batches && isfinite(sum))
		l->bad_batch++;
	l->batches++;
	l->rows += rows;
	l->sum += sum;
}

struct backend_loss backend_loss_take(struct backend_loss *l)
{
	struct backend_loss taken = *l;

	*l = (struct backend_loss){ 0 };
	return taken;
}

static uint32_t side_rows(const struct neumf_shape *s, enum neumf_side side)
{
	return side == SIDE_USER ? s->num_users : s->num_items;
}

/* Most rows of a side that a batch of `batch_size` rows can hold. */
static uint32_t most_rows(const struct neumf_shape *s, enum neumf_side side, uint32_t batch_size)
{
	uint64_t n = batch_size;

	if (side == SIDE_ITEM)
		n *= neumf_items_per_row(s);
	return n < side_rows(s, side) ? (uint32_t)n : side_rows(s, side);
}

void backend_gradient_init(
	struct backend_gradient *g, const struct neumf_shape *s, uint32_t batch_size)
{
	struct neumf_layout l;

	memset(g, 0, sizeof(*g));
	neumf_layout(s, &l);
	for (enum neumf_side side = SIDE_USER; side <= SIDE_ITEM; side++)
		g->id[side] = xmalloc(most_rows(s, side, batch_size), sizeof(*g->id[side]));
	for (unsigned k = 0; k < l.num_tensors; k++) {
		const struct neumf_tensor *t = &l.tensor[k];
		uint64_t rows = t->side == SIDE_NONE ? t->rows : most_rows(s, t->side, batch_size);

		g->tensor[k] = xmalloc(rows * t->cols, sizeof(*g->tensor[k]));
	}
}

void backend_gradient_release(struct backend_gradient *g)
{
	for (int side = 0; side < 2; side++)
		free(g->id[side]);
	for (int k = 0; k < NEUMF_MAX_TENSORS; k++)
		free(g->tensor[k]);
}

void backend_gradient_check(
	const struct backend_gradient *g, const struct neumf_shape *s, uint32_t batch_size)
{
	for (enum neumf_side side = SIDE_USER; side <= SIDE_ITEM; side++) {
		const uint32_t n = g->num[side], *id = g->id[side];

		if (n > most_rows(s, side, batch_size))
			BUG("a gradient of %" PRIu32 " rows for a batch of %" PRIu32, n,
				batch_size);
		for (uint32_t k = 1; k < n; k++)
			if (id[k] <= id[k - 1])
				BUG("ids of a gradient are not ascending");
		if (n > 0 && id[n - 1] >= side_rows(s, side))
			BUG("id %" PRIu32 " of a gradient is out of bounds", id[n - 1]);
	}
}

struct scorer backend_scorer(
	const struct backend_ops *ops, struct backend *b, const struct neumf_shape *shape)
{
	return (struct scorer){
		.num_users = shape->num_users,
		.num_items = shape->num_items,
		.arg = b,
		.score_pairs = ops->score_pairs,
		.score_block = ops->score_block,
		.rank_block = ops->rank_block,
		.top_block = ops->top_block,
	};
}
