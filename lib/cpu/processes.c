/* processes: the backend of several processes as process 0 has it, and what the others do: they
   obey. */
#include "cpu/processes.h"

#include "base/die.h"
#include "base/mem.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum verb { CREATE, GRADIENT, UPDATE, READ, WRITE, SET_STEP, END };

/* What process 0 tells all others, before whatever belongs to it. */
struct command {
	uint32_t verb, what;
	struct neumf_rows rows;
	uint64_t number; /* of rows of a batch, of the step */
};

/* What belongs to CREATE. */
struct setup {
	uint32_t abi, batch_size;
	struct neumf_shape shape;
	struct neumf_optimizer optimizer;
	bool draws;
	struct neumf_fresh fresh; /* how, where they are drawn */
};

static void tell(struct cpu_processes *p, struct command c)
{
	cpu_broadcast(p, 0, &c, sizeof(c));
}

/* Rows of ours among rows first .. first + num - 1 of a table. */
static struct neumf_rows own_rows(const struct exchange *x, struct neumf_rows rows, unsigned rank)
{
	const uint64_t size = x->size, end = (uint64_t)rows.first + rows.num;
	const uint32_t first = (uint32_t)((rows.first + size - 1 - rank) / size);

	return (struct neumf_rows){ rows.tensor, first,
		(uint32_t)((end + size - 1 - rank) / size) - first };
}

static uint32_t own_num(const struct exchange *x, uint32_t num)
{
	return own_rows(x, (struct neumf_rows){ .num = num }, x->rank).num;
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
static struct backend *make_own(const struct exchange *x, const struct setup *s,
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
	struct backend *b = backend_cpu.create(&c);
	free(b->dense_gradient); /* it holds sums only */
	b->dense_gradient = xcalloc_aligned(b->dense_size, sizeof(float));
	return b;
}

/* What computes the share: its tables are the cache, its dense tensors those of `own`, which moves
   them. */
static struct backend *make_work(const struct setup *s, const struct backend *own)
{
	const struct neumf_optimizer none = { .kind = OPTIMIZER_SGD };
	struct backend_config c = { .shape = s->shape,
		.optimizer = &none,
		.batch_size = s->batch_size,
		.pool = own->pool };

	c.shape.num_users = c.shape.num_items = 0;
	struct backend *b = backend_cpu.create(&c);
	memcpy(b->weight, own->weight, sizeof(b->weight));
	memcpy(b->bias, own->bias, sizeof(b->bias));
	b->head = own->head;
	b->head_bias = own->head_bias;
	return b;
}

static struct backend *start(struct exchange *x, const struct setup *s, struct pool *pool)
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
	return p->own;
}

static void release(struct cpu_processes *p)
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

/* Tell, or be told, the columns of a batch. */
static void share_batch(struct cpu_processes *p, struct batch *b)
{
	const struct neumf_shape *s = &p->own->shape;
	const size_t n = b->size;

	cpu_broadcast(p, 0, (void *)b->user, n * sizeof(*b->user));
	cpu_broadcast(p, 0, (void *)b->item, n * sizeof(*b->item));
	if (s->loss == LOSS_BCE)
		cpu_broadcast(p, 0, (void *)b->label, n * sizeof(*b->label));
	else
		cpu_broadcast(p, 0, (void *)b->negative,
			n * (neumf_items_per_row(s) - 1) * sizeof(*b->negative));
}

/* A part of the rows of a table from who owns it, or to him: all of `rows` are in `all`. */
static void copy_part(const struct cpu_processes *p, struct neumf_rows rows, unsigned q, float *all,
	float *part, bool out)
{
	const struct neumf_rows own = own_rows(p->exchange, rows, q);
	const size_t cols = p->layout.tensor[rows.tensor].cols, size = p->exchange->size;

	for (size_t k = 0; k < own.num; k++) {
		float *row = all + ((own.first + k) * size + q - rows.first) * cols;

		memcpy(out ? part + k * cols : row, out ? row : part + k * cols,
			cols * sizeof(*part));
	}
}

/* Rows of a table, or a dense tensor, which every process has. `all` is process 0's. */
static void read_rows(struct cpu_processes *p, const struct command *c, float *all)
{
	const size_t cols = p->layout.tensor[c->rows.tensor].cols;
	const unsigned rank = p->exchange->rank;
	float *part = xmalloc((c->rows.num / p->exchange->size + 1) * cols, sizeof(*part));

	for (unsigned q = rank; q < (rank == 0 ? p->exchange->size : rank + 1); q++) {
		const struct neumf_rows rows = own_rows(p->exchange, c->rows, q);
		const size_t bytes = rows.num * cols * sizeof(*part);

		if (q == rank)
			cpu_read(p->own, rows, c->what, part);
		else
			cpu_receive(p, q, part, bytes);
		if (rank == 0)
			copy_part(p, c->rows, q, all, part, false);
		else
			p->exchange->send(p->exchange, 0, part, bytes);
	}
	free(part);
}

static void write_rows(struct cpu_processes *p, const struct command *c, float *all)
{
	const size_t cols = p->layout.tensor[c->rows.tensor].cols;
	const unsigned rank = p->exchange->rank;
	float *part = xmalloc((c->rows.num / p->exchange->size + 1) * cols, sizeof(*part));

	for (unsigned q = rank; q < (rank == 0 ? p->exchange->size : rank + 1); q++) {
		const struct neumf_rows rows = own_rows(p->exchange, c->rows, q);
		const size_t bytes = rows.num * cols * sizeof(*part);

		if (rank == 0)
			copy_part(p, c->rows, q, all, part, true);
		else
			cpu_receive(p, 0, part, bytes);
		if (q == rank)
			cpu_write(p->own, rows, c->what, part);
		else
			p->exchange->send(p->exchange, q, part, bytes);
	}
	free(part);
}

static void write_dense(struct cpu_processes *p, const struct command *c, float *values)
{
	cpu_broadcast(p, 0, values, neumf_floats(&p->layout, c->rows) * sizeof(*values));
	cpu_write(p->own, c->rows, c->what, values);
}

static bool is_dense(const struct cpu_processes *p, struct neumf_rows rows)
{
	return p->layout.tensor[rows.tensor].side == SIDE_NONE;
}

/* Process 0 learns what all have received. */
static uint64_t add_received(struct cpu_processes *p)
{
	struct exchange *x = p->exchange;
	uint64_t sum = x->received;

	if (x->rank > 0)
		x->send(x, 0, &sum, sizeof(sum));
	for (unsigned q = 1; q < x->size && x->rank == 0; q++) {
		uint64_t more;

		x->receive(x, q, &more, sizeof(more));
		sum += more;
	}
	return sum;
}

/* What process 0 calls. */

static void process_write(
	struct backend *b, struct neumf_rows rows, enum backend_what what, const float *in)
{
	const struct command c = { .verb = WRITE, .what = what, .rows = rows };

	tell(b->processes, c);
	if (is_dense(b->processes, rows))
		write_dense(b->processes, &c, (float *)in);
	else
		write_rows(b->processes, &c, (float *)in);
}

static void process_read(
	struct backend *b, struct neumf_rows rows, enum backend_what what, float *out)
{
	const struct command c = { .verb = READ, .what = what, .rows = rows };

	if (is_dense(b->processes, rows)) {
		cpu_read(b, rows, what, out);
		return;
	}
	tell(b->processes, c);
	read_rows(b->processes, &c, out);
}

static struct backend *process_create(const struct backend_config *config)
{
	struct exchange *x = config->exchange;
	struct command c = { .verb = CREATE };
	struct setup s = { .abi = EXCHANGE_ABI,
		.batch_size = config->batch_size,
		.shape = config->shape,
		.optimizer = *config->optimizer,
		.draws = !config->params && config->fresh };
	struct neumf_layout l;

	if (s.draws)
		s.fresh = *config->fresh;
	x->broadcast(x, 0, &c, sizeof(c));
	x->broadcast(x, 0, &s, sizeof(s));
	struct backend *b = start(x, &s, config->pool);
	neumf_layout(&s.shape, &l);
	for (unsigned k = 0; k < l.num_tensors && config->params; k++)
		for (struct neumf_rows rows = { .tensor = k }; neumf_next_piece(&l, &rows);)
			process_write(b, rows, BACKEND_VALUE,
				config->params + l.tensor[k].offset +
					(size_t)rows.first * l.tensor[k].cols);
	free(config->params);
	return b;
}

static void process_gradient(struct backend *b, const struct batch *batch)
{
	struct cpu_processes *p = b->processes;
	struct batch told = *batch;

	tell(p, (struct command){ .verb = GRADIENT, .number = batch->size });
	share_batch(p, &told);
	cpu_share_gradient(p, batch);
	p->rows += batch->size;
}

static void process_update(struct backend *b)
{
	tell(b->processes, (struct command){ .verb = UPDATE });
	cpu_update(b);
}

static void process_set_step(struct backend *b, uint64_t step)
{
	tell(b->processes, (struct command){ .verb = SET_STEP, .number = step });
	cpu_set_step(b, step);
}

static void process_destroy(struct backend *b)
{
	struct cpu_processes *p = b->processes;

	tell(p, (struct command){ .verb = END });
	const double bytes = (double)add_received(p);
	note("%u processes told each other %.1f MB, %.0f bytes a row", p->exchange->size,
		bytes / 1e6, p->rows > 0 ? bytes / (double)p->rows : 0.0);
	release(p);
}

static const char *process_describe(struct backend *b)
{
	return b->processes->describe;
}

const struct backend_ops backend_cpu_processes = {
	.abi = BACKEND_ABI,
	.name = "cpu",
	.arithmetic = CPU_ARITHMETIC,
	.create = process_create,
	.gradient = process_gradient,
	.update = process_update,
	.loss = cpu_loss,
	.set_loss = cpu_set_loss,
	.read = process_read,
	.write = process_write,
	.step = cpu_step,
	.set_step = process_set_step,
	.describe = process_describe,
	.destroy = process_destroy,
};

/* What the others do. */

static struct backend *obey_create(struct exchange *x, struct pool *pool)
{
	struct setup s;

	x->broadcast(x, 0, &s, sizeof(s));
	if (s.abi != EXCHANGE_ABI)
		die("process 0 speaks version %" PRIu32 " of the exchange, this one %d", s.abi,
			(int)EXCHANGE_ABI);
	return start(x, &s, pool);
}

static void obey_gradient(struct cpu_processes *p, uint32_t size)
{
	struct batch batch = { size, p->user, p->item, p->negative, p->label };

	share_batch(p, &batch);
	cpu_share_gradient(p, &batch);
}

static void obey_write(struct cpu_processes *p, const struct command *c)
{
	if (!is_dense(p, c->rows)) {
		write_rows(p, c, NULL);
		return;
	}
	float *values = xmalloc(neumf_floats(&p->layout, c->rows), sizeof(*values));
	write_dense(p, c, values);
	free(values);
}

/* Do what process 0 does, on the rows of this one. */
static struct backend *obey(
	struct exchange *x, struct pool *pool, const struct command *c, struct backend *b)
{
	struct cpu_processes *p = b ? b->processes : NULL;

	switch ((enum verb)c->verb) {
	case CREATE:
		return obey_create(x, pool);
	case GRADIENT:
		obey_gradient(p, (uint32_t)c->number);
		break;
	case UPDATE:
		cpu_update(b);
		break;
	case READ:
		read_rows(p, c, NULL);
		break;
	case WRITE:
		obey_write(p, c);
		break;
	case SET_STEP:
		cpu_set_step(b, c->number);
		break;
	case END:
		add_received(p);
		release(p);
		break;
	}
	return b;
}

void backend_follow(struct exchange *x, struct pool *pool)
{
	struct backend *b = NULL;
	struct command c;

	do {
		x->broadcast(x, 0, &c, sizeof(c));
		x->received += sizeof(c);
		b = obey(x, pool, &c, b);
	} while (c.verb != END);
}
