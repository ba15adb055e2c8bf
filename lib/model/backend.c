#include "model/backend.h"
#include "base/mem.h"

#include <math.h>
#include <stdlib.h>

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

void backend_gradient_init(
	struct backend_gradient *g, const struct neumf_shape *s, uint32_t batch_size)
{
	const size_t rows[2] = { batch_size, (size_t)batch_size * (s->loss == LOSS_BCE ? 1 : 2) };
	struct neumf_layout layout;

	*g = (struct backend_gradient){ 0 };
	neumf_layout(s, &layout);
	for (int side = SIDE_USER; side <= SIDE_ITEM; side++)
		g->id[side] = xmalloc(rows[side], sizeof(*g->id[side]));
	for (unsigned i = 0; i < layout.num_tensors; i++) {
		const struct neumf_tensor *t = &layout.tensor[i];
		size_t num = t->side == SIDE_NONE ? t->rows : rows[t->side];

		g->tensor[i] = xmalloc(num * t->cols, sizeof(float));
	}
}

void backend_gradient_release(struct backend_gradient *g)
{
	for (int side = SIDE_USER; side <= SIDE_ITEM; side++)
		free(g->id[side]);
	for (unsigned i = 0; i < NEUMF_MAX_TENSORS; i++)
		free(g->tensor[i]);
}
