/*
 * share: the gradient of a batch by several processes: rows come, the share is computed, its
 * contributions leave, dense gradients are added up (processes.h).
 */
#include "cpu/processes.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

enum { CHAIN_FLOATS = 1 << 16 }; /* of dense gradients on their way from process to process */

void cpu_broadcast(struct cpu_processes *p, unsigned root, void *data, size_t bytes)
{
	p->exchange->broadcast(p->exchange, root, data, bytes);
	p->exchange->received += p->exchange->rank == root ? 0 : bytes;
}

static void receive(struct cpu_processes *p, unsigned from, void *data, size_t bytes)
{
	p->exchange->receive(p->exchange, from, data, bytes);
	p->exchange->received += bytes;
}

static size_t total(const struct cpu_processes *p, const size_t *bytes)
{
	size_t sum = 0;

	for (unsigned q = 0; q < p->exchange->size; q++)
		sum += bytes[q];
	return sum;
}

/* Room for messages of out_bytes and in_bytes. */
static void reserve_messages(struct cpu_processes *p)
{
	p->out = xgrow(p->out, &p->out_capacity, total(p, p->out_bytes), 1);
	p->in = xgrow(p->in, &p->in_capacity, total(p, p->in_bytes), 1);
}

static void exchange_messages(struct cpu_processes *p)
{
	struct exchange *x = p->exchange;

	x->all_to_all(x, p->out, p->out_bytes, p->in, p->in_bytes);
	x->received += total(p, p->in_bytes);
}

static char *put(char *to, const void *from, size_t bytes)
{
	memcpy(to, from, bytes);
	return to + bytes;
}

static const char *get(const char *from, void *to, size_t bytes)
{
	memcpy(to, from, bytes);
	return from + bytes;
}

/* The rows of a table that process q needs. */
static char *put_table(const struct cpu_route *r, unsigned branch, unsigned q, char *to)
{
	const size_t cols = r->own->cols[branch];

	for (uint32_t k = r->wanted_start[q]; k < r->wanted_start[q + 1]; k++)
		to = put(to, r->own->table[branch] + r->wanted[k] * cols, cols * sizeof(float));
	return to;
}

/* Those of both tables; what this process needs of its own is put where it is needed. */
static char *put_rows(
	const struct cpu_processes *p, const struct cpu_route *r, unsigned q, char *to)
{
	for (unsigned branch = 0; branch < 2; branch++) {
		const size_t cols = r->own->cols[branch];

		if (cols > 0 && q == p->exchange->rank)
			put_table(r, branch, q, (char *)(r->cache[branch] + r->need[q] * cols));
		else if (cols > 0)
			to = put_table(r, branch, q, to);
	}
	return to;
}

static const char *get_rows(
	const struct cpu_processes *p, const struct cpu_route *r, unsigned q, const char *from)
{
	for (unsigned branch = 0; branch < 2 && q != p->exchange->rank; branch++) {
		const size_t cols = r->own->cols[branch], num = r->need[q + 1] - r->need[q];

		if (cols > 0)
			from = get(from, r->cache[branch] + r->need[q] * cols,
				num * cols * sizeof(float));
	}
	return from;
}

/* Bytes of n rows of both tables of a side. */
static size_t bytes_of(const struct cpu_route *r, uint32_t n)
{
	return n * r->width * sizeof(float);
}

/* The rows of the tables that this share needs. */
static void fetch_rows(struct cpu_processes *p)
{
	const unsigned size = p->exchange->size;
	struct cpu_route *user = &p->route[SIDE_USER], *item = &p->route[SIDE_ITEM];

	for (unsigned q = 0; q < size; q++) {
		p->out_bytes[q] =
			bytes_of(user, user->wanted_start[q + 1] - user->wanted_start[q]) +
			bytes_of(item, item->wanted_start[q + 1] - item->wanted_start[q]);
		p->in_bytes[q] = bytes_of(user, user->need[q + 1] - user->need[q]) +
				 bytes_of(item, item->need[q + 1] - item->need[q]);
	}
	p->out_bytes[p->exchange->rank] = p->in_bytes[p->exchange->rank] = 0;
	reserve_messages(p);
	char *to = p->out;
	for (unsigned q = 0; q < size; q++)
		to = put_rows(p, item, q, put_rows(p, user, q, to));
	exchange_messages(p);
	const char *from = p->in;
	for (unsigned q = 0; q < size; q++)
		from = get_rows(p, item, q, get_rows(p, user, q, from));
}

static void share_job(void *arg, size_t k, unsigned thread)
{
	struct backend *b = arg;
	const struct cpu_processes *p = b->processes;

	b->kernels->gradient(b, p->job_start[p->exchange->rank] + k, cpu_thread_scratch(b, thread));
}

/* A batch of groups, its items as places in the cache. */
static void compute_groups(struct cpu_processes *p, uint32_t first, uint32_t end)
{
	const uint32_t per_row = p->own->items_per_row;
	struct backend *b = p->work;

	for (size_t row = first; row < end; row++) {
		const uint32_t *place = b->item.id + row * per_row;

		p->positives[row] = place[0];
		memcpy(p->negatives + row * (per_row - 1), place + 1,
			(per_row - 1) * sizeof(*place));
	}
	b->positive = p->positives;
	b->negative = p->negatives;
	cpu_group_rows(b, first, end);
}

static void compute(struct cpu_processes *p, const struct batch *batch)
{
	const unsigned rank = p->exchange->rank;
	const uint32_t first = p->row_start[rank], end = p->row_start[rank + 1];
	struct backend *b = p->work;

	b->label = batch->label;
	b->batch_scale = 1.0f / (float)b->rows;
	b->l2 = p->own->optimizer.l2;
	if (b->shape.loss == LOSS_CCL)
		compute_groups(p, first, end);
	else {
		b->gradient_operations = (end - first) * cpu_row_operations(b);
		cpu_run(b, b->gradient_operations, p->job_start[rank + 1] - p->job_start[rank],
			share_job);
	}
}

/* Occurrences in the share: with ccl of the items kept, from 0 on. */
static void occurrences(
	const struct cpu_processes *p, enum neumf_side side, size_t *first, size_t *end)
{
	const uint32_t *start = p->row_start + p->exchange->rank;
	const uint32_t per_row = p->route[side].per_row;
	const bool kept = side == SIDE_ITEM && p->work->shape.loss == LOSS_CCL;

	*first = kept ? 0 : (size_t)start[0] * per_row;
	*end = kept ? p->work->item.count : (size_t)start[1] * per_row;
}

static void count_leaving(struct cpu_processes *p, enum neumf_side side)
{
	const uint32_t size = p->exchange->size;
	struct cpu_route *r = &p->route[side];
	size_t first, end;

	memset(r->leave, 0, size * sizeof(*r->leave));
	occurrences(p, side, &first, &end);
	for (size_t k = first; k < end; k++)
		r->leave[r->cached[r->work->id[k]] % size]++;
}

/* With ccl only the share knows which negatives have a part in the loss: how many come. */
static void tell_counts(struct cpu_processes *p)
{
	const unsigned size = p->exchange->size, rank = p->exchange->rank;
	struct cpu_route *r = &p->route[SIDE_ITEM];

	for (unsigned q = 0; q < size; q++)
		p->out_bytes[q] = p->in_bytes[q] = q == rank ? 0 : sizeof(*r->leave);
	reserve_messages(p);
	char *to = p->out;
	for (unsigned q = 0; q < size; q++)
		to = put(to, &r->leave[q], p->out_bytes[q]);
	exchange_messages(p);
	const char *from = p->in;
	for (unsigned q = 0; q < size; q++) {
		uint32_t come = r->leave[q];

		from = get(from, &come, p->in_bytes[q]);
		r->arrive[q + 1] = r->arrive[q] + come;
	}
	r->own->count = r->arrive[size];
}

/* Where the losses of a share begin, of jobs or with ccl of rows. */
static const uint32_t *loss_start(const struct cpu_processes *p)
{
	return p->work->shape.loss == LOSS_CCL ? p->row_start : p->job_start;
}

static size_t loss_bytes(const struct cpu_processes *p, unsigned q)
{
	return (loss_start(p)[q + 1] - loss_start(p)[q]) * sizeof(double);
}

/* Contributions of a side to the messages of the owners, each with its id where owners know less;
   those of own rows to where they are added up. */
static void put_contributions(struct cpu_processes *p, enum neumf_side side, bool ids)
{
	const struct cpu_route *r = &p->route[side];
	const uint32_t size = p->exchange->size, rank = p->exchange->rank;
	const size_t bytes = bytes_of(r, 1);
	uint32_t own = r->arrive[rank];
	size_t first, end;

	occurrences(p, side, &first, &end);
	for (size_t k = first; k < end; k++) {
		const uint32_t id = r->cached[r->work->id[k]], q = id % size, row = id / size;
		const float *from = r->work->gradient + k * r->work->stride;

		if (q == rank) {
			r->own->id[own] = row;
			memcpy(r->own->gradient + own++ * r->own->stride, from, bytes);
			continue;
		}
		if (ids)
			p->message[q] = put(p->message[q], &row, sizeof(row));
		p->message[q] = put(p->message[q], from, bytes);
	}
}

static const char *get_contributions(struct cpu_route *r, unsigned q, bool ids, const char *from)
{
	struct cpu_side *own = r->own;

	for (uint32_t k = r->arrive[q]; k < r->arrive[q + 1]; k++) {
		if (ids)
			from = get(from, &own->id[k], sizeof(*own->id));
		from = get(from, own->gradient + k * own->stride, bytes_of(r, 1));
	}
	return from;
}

/* Sizes of the messages of contributions. */
static void size_contributions(struct cpu_processes *p, size_t id_bytes)
{
	const unsigned rank = p->exchange->rank;
	const struct cpu_route *user = &p->route[SIDE_USER], *item = &p->route[SIDE_ITEM];

	for (unsigned q = 0; q < p->exchange->size; q++) {
		const uint32_t come = item->arrive[q + 1] - item->arrive[q];

		p->out_bytes[q] = bytes_of(user, user->leave[q]) + bytes_of(item, item->leave[q]) +
				  item->leave[q] * id_bytes + (q == 0 ? loss_bytes(p, rank) : 0);
		p->in_bytes[q] = bytes_of(user, user->arrive[q + 1] - user->arrive[q]) +
				 bytes_of(item, come) + come * id_bytes +
				 (rank == 0 ? loss_bytes(p, q) : 0);
	}
	p->out_bytes[rank] = p->in_bytes[rank] = 0;
	reserve_messages(p);
	char *to = p->out;
	for (unsigned q = 0; q < p->exchange->size; to += p->out_bytes[q++])
		p->message[q] = to;
}

/* Contributions to the owners of their rows, losses to process 0. */
static void exchange_contributions(struct cpu_processes *p)
{
	const unsigned rank = p->exchange->rank;
	const bool ids = p->work->shape.loss == LOSS_CCL;
	struct cpu_route *user = &p->route[SIDE_USER], *item = &p->route[SIDE_ITEM];
	const double *losses = (ids ? p->work->row_loss : p->work->job_loss) + loss_start(p)[rank];

	cpu_reserve(user->own, user->own->count);
	cpu_reserve(item->own, item->own->count);
	size_contributions(p, ids ? sizeof(uint32_t) : 0);
	put_contributions(p, SIDE_USER, false);
	put_contributions(p, SIDE_ITEM, ids);
	memcpy(rank == 0 ? (char *)p->losses : p->message[0], losses, loss_bytes(p, rank));
	exchange_messages(p);
	const char *from = p->in;
	for (unsigned q = 0; q < p->exchange->size; q++) {
		if (q == rank)
			continue;
		from = get_contributions(user, q, false, from);
		from = get_contributions(item, q, ids, from);
		if (rank == 0)
			from = get(from, p->losses + loss_start(p)[q], loss_bytes(p, q));
	}
	if (ids)
		cpu_sort_any(item->own);
}

/* In the order of jobs, or of rows, as one process adds them. */
static void add_losses(struct cpu_processes *p)
{
	const uint32_t n = loss_start(p)[p->exchange->size];
	double sum = 0;

	for (uint32_t k = 0; k < n; k++)
		sum += p->losses[k];
	backend_loss_add(&p->own->loss, sum, p->own->rows);
}

/* The process before this one, or behind it, that has a job; `size`: there is none. */
static unsigned neighbour(const struct cpu_processes *p, bool before)
{
	const unsigned size = p->exchange->size;
	unsigned q = p->exchange->rank;

	do
		q = before ? (q > 0 ? q - 1 : size) : q + 1;
	while (q < size && p->job_start[q] == p->job_start[q + 1]);
	return q;
}

/*
 * Add up n dense gradients from `first` on, or hand them on. What comes from before takes the place
 * of the job before this share, which other processes have.
 */
static void chain(
	struct cpu_processes *p, uint64_t first, size_t n, unsigned before, unsigned after)
{
	const unsigned size = p->exchange->size, rank = p->exchange->rank;
	const bool alone = before == size;
	struct backend sums = *p->work;
	float *total_of = p->own->dense_gradient + first;

	sums.dense_gradient += (p->job_start[rank] - (size_t)!alone) * sums.dense_size;
	sums.jobs = p->job_start[rank + 1] - p->job_start[rank] + (size_t)!alone;
	if (!alone)
		receive(p, before, sums.dense_gradient + first, n * sizeof(float));
	sums.kernels->dense_sums(&sums, first, n, total_of);
	if (after < size)
		p->exchange->send(p->exchange, after, total_of, n * sizeof(float));
}

static void add_dense(struct cpu_processes *p)
{
	const unsigned size = p->exchange->size, rank = p->exchange->rank;
	const uint64_t num = p->own->dense_size;
	const unsigned before = neighbour(p, true), after = neighbour(p, false);

	for (uint64_t k = 0; k < num && p->job_start[rank] < p->job_start[rank + 1];
		k += CHAIN_FLOATS)
		chain(p, k, num - k < CHAIN_FLOATS ? num - k : CHAIN_FLOATS, before, after);
	if (num > 0)
		cpu_broadcast(p, size - 1, p->own->dense_gradient, num * sizeof(float));
}

void cpu_share_gradient(struct cpu_processes *p, const struct batch *batch)
{
	cpu_routes_find(p, batch);
	p->own->rows = batch->size;
	p->own->l2 = p->own->optimizer.l2;
	p->own->jobs = 1;
	p->own->held = p->work->held = HELD_CONTRIBUTIONS;
	fetch_rows(p);
	compute(p, batch);
	count_leaving(p, SIDE_USER);
	count_leaving(p, SIDE_ITEM);
	if (p->work->shape.loss == LOSS_CCL)
		tell_counts(p);
	exchange_contributions(p);
	if (p->exchange->rank == 0)
		add_losses(p);
	add_dense(p);
}
