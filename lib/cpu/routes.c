/*
 * routes: which rows of a batch each process computes, and which rows of the tables it needs from
 * whom. Each process finds out what concerns it: it sorts its share to know what it needs, and the
 * occurrences of its own rows to know who needs those, which the optimizer needs sorted anyway.
 */
#include "cpu/processes.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

static bool is_ccl(const struct cpu_processes *p)
{
	return p->own->shape.loss == LOSS_CCL;
}

static void route_init(struct cpu_processes *p, enum neumf_side side, uint32_t num_rows)
{
	struct cpu_route *r = &p->route[side];
	const size_t size = p->exchange->size;

	r->own = side == SIDE_USER ? &p->own->user : &p->own->item;
	r->work = side == SIDE_USER ? &p->work->user : &p->work->item;
	r->num_rows = num_rows;
	r->per_row = side == SIDE_USER ? 1 : p->own->items_per_row;
	r->width = (size_t)r->own->cols[0] + r->own->cols[1];
	r->work->num_rows = num_rows; /* of the ids that are sorted */
	r->ids = xmalloc((size_t)p->own->batch_size * r->per_row, sizeof(*r->ids));
	r->from = xmalloc((size_t)p->own->batch_size * r->per_row, sizeof(*r->from));
	r->wanted = xmalloc((size_t)p->own->batch_size * r->per_row, sizeof(*r->wanted));
	r->need = xcalloc(size + 1, sizeof(*r->need));
	r->wanted_start = xcalloc(size + 1, sizeof(*r->wanted_start));
	r->arrive = xcalloc(size + 1, sizeof(*r->arrive));
	r->leave = xcalloc(size, sizeof(*r->leave));
}

void cpu_routes_init(struct cpu_processes *p, const struct neumf_shape *s)
{
	const size_t size = p->exchange->size;

	p->row_start = xcalloc(size + 1, sizeof(*p->row_start));
	p->job_start = xcalloc(size + 1, sizeof(*p->job_start));
	route_init(p, SIDE_USER, s->num_users);
	route_init(p, SIDE_ITEM, s->num_items);
}

void cpu_routes_release(struct cpu_processes *p)
{
	for (enum neumf_side s = SIDE_USER; s <= SIDE_ITEM; s++) {
		struct cpu_route *r = &p->route[s];

		free(r->ids);
		free(r->from);
		free(r->wanted);
		free(r->need);
		free(r->wanted_start);
		free(r->arrive);
		free(r->leave);
		free(r->cached);
		free(r->cache[0]);
		free(r->cache[1]);
	}
	free(p->row_start);
	free(p->job_start);
}

/* Jobs, of which a process may have none, or groups. */
static void share_out(struct cpu_processes *p, uint32_t rows)
{
	const uint32_t size = p->exchange->size;
	struct backend *b = p->work;

	b->rows = rows;
	b->jobs = is_ccl(p) ? 1 : cpu_num_jobs(b);
	for (uint32_t q = 0; q <= size; q++) {
		uint32_t end;

		p->job_start[q] = is_ccl(p) ? 0 : (uint32_t)(q * (uint64_t)b->jobs / size);
		if (is_ccl(p))
			p->row_start[q] = (uint32_t)(q * (uint64_t)rows / size);
		else if (p->job_start[q] < b->jobs)
			cpu_job_rows(b, p->job_start[q], &p->row_start[q], &end);
		else
			p->row_start[q] = rows;
	}
}

/* The ids of a side, those of a row of the batch side by side, the positive first. */
static void list_ids(const struct cpu_processes *p, const struct batch *batch)
{
	const uint32_t per_row = p->own->items_per_row;
	uint32_t *item = p->route[SIDE_ITEM].ids;

	memcpy(p->route[SIDE_USER].ids, batch->user, batch->size * sizeof(*batch->user));
	for (size_t row = 0; row < batch->size; row++) {
		item[row * per_row] = batch->item[row];
		for (uint32_t k = 1; k < per_row; k++)
			item[row * per_row + k] = batch->negative[row * (per_row - 1) + k - 1];
	}
}

/* Sort, but for what cannot be: nothing. */
void cpu_sort_any(struct cpu_side *s)
{
	s->num_unique = 0;
	s->start[0] = 0;
	if (s->count > 0)
		cpu_sort(s);
}

/* The occurrences of rows owned, in the order of the batch. */
static void find_own(const struct cpu_processes *p, struct cpu_route *r)
{
	const uint32_t size = p->exchange->size, rank = p->exchange->rank;
	uint32_t count = 0;

	for (uint32_t q = 0; q < size; q++) {
		const size_t end = (size_t)p->row_start[q + 1] * r->per_row;

		r->arrive[q] = count;
		for (size_t k = (size_t)p->row_start[q] * r->per_row; k < end; k++)
			if (r->ids[k] % size == rank) {
				r->own->id[count] = r->ids[k] / size;
				r->from[count++] = q;
			}
	}
	r->arrive[size] = r->own->count = count; /* arrive[0] is 0 */
	cpu_sort_any(r->own);
}

/* counts[q + 1] of each q become where those of q begin, counts[q], and end. */
static void add_up(uint32_t *counts, uint32_t size)
{
	for (uint32_t q = 0; q < size; q++)
		counts[q + 1] += counts[q];
}

/* Go through the shares that have an owned row, once for each: count, or list the rows. */
static void walk_wanted(const struct cpu_route *r, uint32_t *at, uint32_t *wanted)
{
	const struct cpu_side *own = r->own;

	for (uint32_t u = 0; u < own->num_unique; u++) {
		uint32_t before = UINT32_MAX; /* shares ascend, as the batch does */

		for (uint32_t j = own->start[u]; j < own->start[u + 1]; j++) {
			const uint32_t q = r->from[own->order[j]];

			if (q == before)
				continue;
			if (wanted != NULL)
				wanted[at[q]] = own->unique[u];
			at[q]++;
			before = q;
		}
	}
}

static void find_wanted(const struct cpu_processes *p, struct cpu_route *r)
{
	const uint32_t size = p->exchange->size;

	memset(r->wanted_start, 0, (size + 1) * sizeof(*r->wanted_start));
	walk_wanted(r, r->wanted_start + 1, NULL);
	add_up(r->wanted_start, size);
	memcpy(p->next, r->wanted_start, size * sizeof(*p->next));
	walk_wanted(r, p->next, r->wanted);
}

/* Room for the rows needed, never NULL; kernels read whole vectors, past the end of a row. */
static void reserve_cache(struct cpu_route *r, size_t rows)
{
	if (r->cached != NULL && rows <= r->capacity)
		return;
	r->capacity = rows + rows / 4;
	r->cached = xrealloc(r->cached, r->capacity, sizeof(*r->cached));
	for (unsigned branch = 0; branch < 2; branch++) {
		free(r->cache[branch]);
		r->cache[branch] = xcalloc_aligned(
			r->capacity * r->own->cols[branch] + CPU_SLACK, sizeof(float));
		if (r->own->cols[branch] > 0)
			r->work->table[branch] = r->cache[branch];
	}
}

/* The rows that the own share needs, and its ids as places in the cache. */
static void find_needed(const struct cpu_processes *p, struct cpu_route *r)
{
	const uint32_t size = p->exchange->size, rank = p->exchange->rank;
	const size_t first = (size_t)p->row_start[rank] * r->per_row;
	const size_t end = (size_t)p->row_start[rank + 1] * r->per_row;
	struct cpu_side share = *r->work;

	share.count = (uint32_t)(end - first);
	share.id += first;
	memcpy(share.id, r->ids + first, share.count * sizeof(*share.id));
	cpu_sort_any(&share);
	reserve_cache(r, share.num_unique);
	memset(r->need, 0, (size + 1) * sizeof(*r->need));
	for (uint32_t u = 0; u < share.num_unique; u++)
		r->need[share.unique[u] % size + 1]++;
	add_up(r->need, size);
	memcpy(p->next, r->need, size * sizeof(*p->next));
	for (uint32_t u = 0; u < share.num_unique; u++) {
		const uint32_t id = share.unique[u], place = p->next[id % size]++;

		r->cached[place] = id;
		share.unique[u] = place;
	}
	for (uint32_t k = 0; k < share.count; k++)
		share.id[share.order[k]] = share.unique[share.slot[k]];
	r->work->order = share.order; /* sorting may exchange them */
	r->work->spare = share.spare;
}

void cpu_routes_find(struct cpu_processes *p, const struct batch *batch)
{
	share_out(p, batch->size);
	list_ids(p, batch);
	for (enum neumf_side s = SIDE_USER; s <= SIDE_ITEM; s++) {
		find_own(p, &p->route[s]);
		find_wanted(p, &p->route[s]);
		find_needed(p, &p->route[s]);
	}
}
