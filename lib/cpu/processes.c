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

static void tell(struct cpu_processes *p, struct command c)
{
	cpu_broadcast(p, 0, &c, sizeof(c));
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

static void write_dense(struct cpu_processes *p, const struct command *c, float *values)
{
	struct exchange *x = p->exchange;

	x->broadcast(x, 0, values, neumf_floats(&p->layout, c->rows) * sizeof(*values));
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
		cpu_write_rows(b->processes, rows, what, (float *)in);
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
	cpu_read_rows(b->processes, rows, what, out);
}

static struct backend *process_create(const struct backend_config *config)
{
	struct exchange *x = config->exchange;
	struct command c = { .verb = CREATE };
	struct cpu_setup s = { .abi = EXCHANGE_ABI,
		.batch_size = config->batch_size,
		.shape = config->shape,
		.optimizer = *config->optimizer,
		.draws = !config->params && config->fresh };
	struct neumf_layout l;

	if (s.draws)
		s.fresh = *config->fresh;
	x->broadcast(x, 0, &c, sizeof(c));
	x->broadcast(x, 0, &s, sizeof(s));
	struct backend *b = cpu_processes_new(x, &s, config->pool)->own;
	neumf_layout(&s.shape, &l);
	for (unsigned k = 0; k < l.num_tensors && config->params; k++)
		for (struct neumf_rows rows = { .tensor = k }; neumf_next_piece(&l, &rows);)
			process_write(
				b, rows, BACKEND_VALUE, config->params + neumf_offset(&l, rows));
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
	note("%u processes told each other %.0f bytes a row, %.1f MB", p->exchange->size,
		p->rows > 0 ? bytes / (double)p->rows : 0.0, bytes / 1e6);
	cpu_processes_free(p);
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
	struct cpu_setup s;

	x->broadcast(x, 0, &s, sizeof(s));
	if (s.abi != EXCHANGE_ABI)
		die("process 0 speaks version %" PRIu32 " of the exchange, this one %d", s.abi,
			(int)EXCHANGE_ABI);
	return cpu_processes_new(x, &s, pool)->own;
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
		cpu_write_rows(p, c->rows, c->what, NULL);
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
		cpu_read_rows(p, c->rows, c->what, NULL);
		break;
	case WRITE:
		obey_write(p, c);
		break;
	case SET_STEP:
		cpu_set_step(b, c->number);
		break;
	case END:
		add_received(p);
		cpu_processes_free(p);
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
		x->received += c.verb == GRADIENT || c.verb == UPDATE ? sizeof(c) : 0;
		b = obey(x, pool, &c, b);
	} while (c.verb != END);
}
