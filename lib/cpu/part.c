/* part: what each of several processes holds: its rows of the model, and what computes a share. */
#include "cpu/processes.h"

#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct neumf_rows cpu_own_rows(const struct exchange *x, struct neumf_rows rows, unsigned rank)
{
	const uint64_t size = x->size, end = (uint64_t)rows.first + rows.num;
	const uint32_t first = (uint32_t)((rows.first + size - 1 - rank) / size);

	return (struct neumf_rows){ rows.tensor, first,
		(uint32_t)((end + size - 1 - rank) / size) - first };
}

static uint32_t own_num(const struct exchange *x, uint32_t num)
{
	return cpu_own_rows(x, (struct neumf_rows){ .num = num }, x->rank).num;
}

/* The first values of what this process has. */
static float *first_values(const struct exchange *x, const struct neumf_layout *whole,
	const struct neumf_layout *own, const struct neumf_fresh *fresh)
{
	float *params = xcalloc(own->num_params, sizeof(*params));

	for (unsigned k = 0; k < own->num_tensors; k++) {
		const struct neumf_tensor *t = &own->tensor[k];
		float *to = params + t->offset;

		if (t->side == SIDE_NONE)
			neumf_init_rows(whole, fresh, neumf_whole(whole, k), to);
		for (uint32_t row = 0; t->side != SIDE_NONE && row < t->rows; row++)
			neumf_init_rows(whole, fresh,
				(struct neumf_rows){ k, row * x->size + x->rank, 1 },
				to + (size_t)row * t->cols);
	}
	return params;
}

/* The part of the model that this process has. */
static struct backend *make_own(const struct exchange *x, const struct cpu_setup *s,
	const struct neumf_layout *whole, struct pool *pool)
{
	struct backend_config c = { .shape = s->shape,
		.optimizer = &s->optimizer,
		.batch_size = s->batch_size,
		.pool = pool };
	struct neumf_layout own;

	c.shape.num_users = own_num(x, s->shape.num_users);
	c.shape.num_items = own_num(x, s->shape.num_items);
	neumf_layout(&c.shape, &own);
	if (s->draws)
		c.params = first_values(x, whole, &own, &s->fresh);
	struct backend *b = cpu_create(&c, cpu_best_kernels());
	free(b->dense_gradient); /* it holds sums only */
	b->dense_gradient = xcalloc_aligned(b->dense_size, sizeof(float));
	return b;
}

/* What computes the share: its tables are the cache, its dense tensors those of `own`, which moves
   them. */
static struct backend *make_work(const struct cpu_setup *s, const struct backend *own)
{
	const struct neumf_optimizer none = { .kind = OPTIMIZER_SGD };
	struct backend_config c = { .shape = s->shape,
		.optimizer = &none,
		.batch_size = s->batch_size,
		.pool = own->pool };

	c.shape.num_users = c.shape.num_items = 0;
	struct backend *b = cpu_create(&c, cpu_best_kernels());
	memcpy(b->weight, own->weight, sizeof(b->weight));
	memcpy(b->bias, own->bias, sizeof(b->bias));
	b->head = own->head;
	b->head_bias = own->head_bias;
	return b;
}

struct cpu_processes *cpu_processes_new(
	struct exchange *x, const struct cpu_setup *s, struct pool *pool)
{
	struct cpu_processes *p = xcalloc(1, sizeof(*p));
	const size_t size = x->size, rows = s->batch_size;

	p->exchange = x;
	p->out = xgrow(NULL, &p->out_capacity, 1, 1); /* never NULL */
	p->in = xgrow(NULL, &p->in_capacity, 1, 1);
	neumf_layout(&s->shape, &p->layout);
	p->own = make_own(x, s, &p->layout, pool);
	p->work = make_work(s, p->own);
	p->own->processes = p->work->processes = p;
	if (p->work->coefficient[0] != NULL) { /* an owner has no rows of users to multiply */
		cpu_store_contributions(p->own);
		cpu_store_contributions(p->work);
	}
	p->out_bytes = xcalloc(size, sizeof(*p->out_bytes));
	p->in_bytes = xcalloc(size, sizeof(*p->in_bytes));
	p->message = xcalloc(size, sizeof(*p->message));
	p->next = xcalloc(size, sizeof(*p->next));
	const size_t negatives = s->shape.loss == LOSS_CCL ? s->shape.ccl.negatives : 1;
	const size_t losses = s->shape.loss == LOSS_CCL ? rows : CPU_MAX_JOBS;
	if (x->rank == 0)
		p->losses = xcalloc(losses, sizeof(*p->losses));
	if (s->shape.loss == LOSS_CCL) {
		p->positives = xmalloc(rows, sizeof(*p->positives));
		p->negatives = xmalloc(rows * negatives, sizeof(*p->negatives));
	}
	if (x->rank > 0) {
		p->user = xmalloc(rows, sizeof(*p->user));
		p->item = xmalloc(rows, sizeof(*p->item));
		p->negative = xmalloc(rows * negatives, sizeof(*p->negative));
		p->label = xmalloc(rows, sizeof(*p->label));
	}
	snprintf(p->describe, sizeof(p->describe), "%s, %u processes", p->own->kernels->name,
		x->size);
	cpu_routes_init(p, &s->shape);
	return p;
}

void cpu_processes_free(struct cpu_processes *p)
{
	cpu_routes_release(p);
	cpu_destroy(p->work);
	cpu_destroy(p->own);
	free(p->out);
	free(p->in);
	free(p->message);
	free(p->out_bytes);
	free(p->in_bytes);
	free(p->next);
	free(p->losses);
	free(p->positives);
	free(p->negatives);
	free(p->user);
	free(p->item);
	free(p->negative);
	free(p->label);
	free(p);
}
