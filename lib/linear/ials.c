#include "linear/ials.h"

#include "base/die.h"
#include "base/mem.h"
#include "base/pool.h"
#include "base/real.h"
#include "base/rng.h"
#include "data/user_items.h"
#include "linear/jacobi.h"
#include "linear/kernels.h"
#include "stream/record.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_PARTS = 16, DEPTH = 512, ROWS = 16 }; /* of a table's product; rows of a job */

/* One of the two tables. */
struct table {
	struct user_items *others; /* those a row has interactions with */
	float *rows;		   /* width floats each; those beyond the factors are 0 */
	uint32_t num;
};

struct ials {
	struct ials_config config;
	const struct linear_kernels *kernels;
	struct pool *pool;
	struct user_items users, items; /* items of each user, users of each item */
	struct table user, item;
	size_t width, block;

	/* what the solution for one side takes from the other */
	struct table *fixed, *solved;
	float *vector, *gram, *value;
	float *part;		      /* MAX_PARTS x width x width */
	struct ials_scratch *scratch; /* per thread */
};

/* One panel of columns of the product of some rows of a table with themselves: upper triangle. */
struct product {
	const struct ials *m;
	const float *rows;
	size_t num, parts;
	bool blocks_only; /* leave out what is in no block */
};

static void multiply_part(void *arg, size_t job, unsigned thread)
{
	const struct product *p = arg;
	const size_t width = p->m->width, panels = width / PANEL;
	const size_t part = job / panels, column = job % panels * PANEL;
	const size_t first = part * p->num / p->parts, end = (part + 1) * p->num / p->parts;
	float *to = p->m->part + part * width * width + column;

	(void)thread;
	for (size_t i = 0; i < column + PANEL; i += TILE_ROWS) {
		if (p->blocks_only && i / p->m->block != column / p->m->block)
			continue;
		for (size_t j = 0; j < TILE_ROWS; j++)
			memset(to + (i + j) * width, 0, PANEL * sizeof(*to));
		for (size_t at = first; at < end; at += DEPTH) {
			const float *row = p->rows + at * width;

			p->m->kernels->tile(end - at < DEPTH ? end - at : DEPTH, row + i, width,
				row + column, width, to + i * width, width, 1, 1);
		}
	}
}

/* m->part, its first width x width floats: rows' rows, both triangles. */
static void multiply_table(const struct ials *m, const float *rows, size_t num, bool blocks_only)
{
	const size_t width = m->width;
	struct product p = { m, rows, num, width > 256 ? 1 : MAX_PARTS, blocks_only };

	pool_run(m->pool, p.parts * (width / PANEL), multiply_part, &p);
	for (size_t i = 0; i < width; i++)
		for (size_t j = i; j < width; j++) {
			double sum = 0;

			for (size_t part = 0; part < p.parts; part++)
				sum += m->part[(part * width + i) * width + j];
			m->part[i * width + j] = m->part[j * width + i] = (float)sum;
		}
}

/* The eigenvectors of a block. */
static void find_vectors(void *arg, size_t k, unsigned thread)
{
	struct ials *m = arg;
	const size_t b = m->block, at = k * b;
	double *a = xmalloc(b * b, sizeof(*a)), *v = xmalloc(b * b, sizeof(*v));
	double *value = xmalloc(b, sizeof(*value));

	(void)thread;
	for (size_t i = 0; i < b; i++)
		for (size_t j = 0; j < b; j++)
			a[i * b + j] = m->part[(at + i) * m->width + at + j];
	jacobi(b, a, v, value);
	for (size_t i = 0; i < b; i++) {
		const double weighted = m->config.unobserved_weight * value[i];

		m->value[at + i] = weighted > 0 ? (float)weighted : 0; /* no less but by rounding */
		for (size_t j = 0; j < b; j++)
			m->vector[(at + j) * b + i] = (float)v[i * b + j];
	}
	free(value);
	free(v);
	free(a);
}

/* The rows of the fixed side take the eigenvectors as coordinates: their scores stay, as the rows
   that are solved for follow. */
static void rotate_rows(void *arg, size_t job, unsigned thread)
{
	struct ials *m = arg;
	const size_t b = m->block, end = (job + 1) * ROWS;
	struct ials_scratch *x = &m->scratch[thread];

	for (size_t r = job * ROWS; r < end && r < m->fixed->num; r++) {
		float *row = m->fixed->rows + r * m->width;

		for (size_t at = 0; at < m->width; at += b) {
			for (size_t k = 0; k < b; k++)
				x->line[k] = m->vector + (at + k) * b;
			m->kernels->combine(b, row + at, x->line, b, x->w + at);
		}
		memcpy(row, x->w, m->width * sizeof(*row));
	}
}

double ials_l2(const struct ials_config *c, uint32_t n, uint32_t others)
{
	return c->l2 * real_exp(c->l2_exponent * real_log(n + c->unobserved_weight * others));
}

static double l2_of(const struct ials *m, const struct table *t, uint32_t n)
{
	return ials_l2(&m->config, n, t == &m->user ? m->item.num : m->user.num);
}

static void solve_rows(void *arg, size_t job, unsigned thread)
{
	struct ials *m = arg;
	const struct ials_side side = { m->width, m->block, m->fixed->rows, m->vector, m->gram,
		m->value };
	const struct table *t = m->solved;
	const uint32_t end = (uint32_t)((job + 1) * ROWS);

	for (uint32_t r = (uint32_t)(job * ROWS); r < end && r < t->num; r++) {
		float *w = t->rows + r * m->width;
		uint32_t n;
		const uint32_t *other = user_items_get(t->others, r, &n);

		if (n == 0)
			memset(w, 0, m->width * sizeof(*w)); /* which is the solution */
		else
			m->kernels->ials_row(
				&side, other, n, (float)l2_of(m, t, n), w, &m->scratch[thread]);
	}
}

static void solve_side(struct ials *m, struct table *solved, struct table *fixed)
{
	const size_t width = m->width;

	m->solved = solved;
	m->fixed = fixed;
	multiply_table(m, fixed->rows, fixed->num, true);
	pool_run(m->pool, width / m->block, find_vectors, m);
	pool_run(m->pool, (fixed->num + ROWS - 1) / ROWS, rotate_rows, m);
	if (m->block < width) {
		multiply_table(m, fixed->rows, fixed->num, false);
		for (size_t k = 0; k < width * width; k++)
			m->gram[k] = (float)(m->config.unobserved_weight * m->part[k]);
	}
	pool_run(m->pool, (solved->num + ROWS - 1) / ROWS, solve_rows, m);
}

void ials_epoch(struct ials *m)
{
	solve_side(m, &m->user, &m->item);
	solve_side(m, &m->item, &m->user);
}

/* The squared errors of the interactions of some users. */
struct errors {
	const struct ials *m;
	double *sum; /* per user */
};

static void sum_errors(void *arg, size_t user, unsigned thread)
{
	const struct errors *e = arg;
	const struct ials *m = e->m;
	const float *w = m->user.rows + user * m->width;
	uint32_t n;
	const uint32_t *item = user_items_get(&m->users, (uint32_t)user, &n);

	(void)thread;
	e->sum[user] = 0;
	for (uint32_t a = 0; a < n; a++) {
		const float *h = m->item.rows + item[a] * m->width;
		double p = 0;

		for (size_t k = 0; k < m->width; k++)
			p += (double)w[k] * h[k];
		e->sum[user] += (1 - p) * (1 - p);
	}
}

static double penalty(const struct ials *m, const struct table *t)
{
	double sum = 0;

	for (uint32_t r = 0; r < t->num; r++) {
		const float *w = t->rows + r * m->width;
		double square = 0;
		uint32_t n;

		user_items_get(t->others, r, &n);
		for (size_t k = 0; k < m->width; k++)
			square += (double)w[k] * w[k];
		sum += l2_of(m, t, n) * square;
	}
	return sum;
}

double ials_loss(const struct ials *m)
{
	const size_t size = m->width * m->width;
	struct errors e = { m, xmalloc(m->user.num, sizeof(*e.sum)) };
	float *users = xmalloc(size, sizeof(*users));
	double all = 0, loss = penalty(m, &m->user) + penalty(m, &m->item);

	multiply_table(m, m->user.rows, m->user.num, false);
	memcpy(users, m->part, size * sizeof(*users));
	multiply_table(m, m->item.rows, m->item.num, false);
	for (size_t k = 0; k < size; k++)
		all += (double)users[k] * m->part[k];
	pool_run(m->pool, m->user.num, sum_errors, &e);
	for (uint32_t u = 0; u < m->user.num; u++)
		loss += e.sum[u];
	free(users);
	free(e.sum);
	return loss + m->config.unobserved_weight * all;
}

/* As few blocks as will do, all of one width. */
static void choose_blocks(struct ials *m)
{
	const size_t panels = (m->config.factors + (size_t)PANEL - 1) / PANEL;
	const size_t blocks = (panels * PANEL + IALS_CHUNK - 1) / IALS_CHUNK;

	m->block = (panels + blocks - 1) / blocks * PANEL;
	m->width = m->block * blocks;
}

static void check_memory(const struct ials *m, const char *name)
{
	const double width = (double)m->width;
	const double rows = (double)m->users.num_users + m->users.num_items;
	const double squares = m->block == m->width ? MAX_PARTS
			       : m->width > 256	    ? 2
						    : MAX_PARTS + 1;

	mem_need(4 * width * (rows + squares * width), "'%s' with %u factors", name,
		m->config.factors);
}

static void init_table(struct ials *m, struct table *t, struct user_items *others)
{
	t->others = others;
	t->num = others->num_users;
	t->rows = xmalloc_table(t->num * m->width, sizeof(*t->rows));
	memset(t->rows, 0, t->num * m->width * sizeof(*t->rows));
}

/* The same numbers as a model that neumf-train starts with. */
static void init_items(struct ials *m)
{
	const uint32_t factors = m->config.factors;
	const double std = 0.1 / sqrt(factors);

	for (uint32_t i = 0; i < m->item.num; i++)
		for (uint32_t k = 0; k < factors; k++) {
			struct rng r;

			rng_start(&r, m->config.seed, RNG_INIT, TENSOR_GMF_ITEM,
				(uint64_t)i * factors + k);
			m->item.rows[i * m->width + k] = (float)(std * rng_normal(&r));
		}
}

static size_t longest_list(const struct table *t)
{
	size_t longest = 0;

	for (uint32_t r = 0; r < t->num; r++) {
		uint32_t n;

		user_items_get(t->others, r, &n);
		longest = n > longest ? n : longest;
	}
	return longest;
}

static void allocate(struct ials *m)
{
	const size_t width = m->width, users = longest_list(&m->user),
		     items = longest_list(&m->item);
	const size_t longest = (users > items ? users : items) + PANEL;
	const size_t lines = width > IALS_CHUNK ? width : IALS_CHUNK;

	m->vector = xmalloc_table(m->block * width, sizeof(*m->vector));
	m->value = xmalloc_table(width, sizeof(*m->value));
	m->gram = xmalloc_table(m->block < width ? width * width : 0, sizeof(*m->gram));
	m->part = xmalloc_table((width > 256 ? 1 : MAX_PARTS) * width * width, sizeof(*m->part));
	m->scratch = xmalloc(pool_threads(m->pool), sizeof(*m->scratch));
	for (unsigned t = 0; t < pool_threads(m->pool); t++) {
		struct ials_scratch *x = &m->scratch[t];

		x->matrix = xcalloc_aligned(IALS_CHUNK * IALS_CHUNK, sizeof(*x->matrix));
		x->rows = xcalloc_aligned(IALS_CHUNK * IALS_CHUNK, sizeof(*x->rows));
		x->row = xmalloc(longest, sizeof(*x->row));
		x->error = xmalloc(longest, sizeof(*x->error));
		x->line = xmalloc(lines, sizeof(*x->line));
		x->w = xcalloc_aligned(width, sizeof(*x->w));
	}
}

struct ials *ials_new(struct rec_reader *train, const struct ials_config *config, struct pool *pool)
{
	struct ials *m = xcalloc(1, sizeof(*m));

	m->config = *config;
	m->kernels = linear_kernels();
	m->pool = pool;
	user_items_init(&m->users, rec_header(train)->num_users, rec_header(train)->num_items);
	user_items_add_stream(&m->users, train, pool);
	user_items_finish(&m->users);
	if (user_items_size(&m->users) == 0)
		die("'%s' holds no rows: nothing to train on", rec_name(train));
	user_items_transpose(&m->items, &m->users);
	choose_blocks(m);
	check_memory(m, rec_name(train));
	init_table(m, &m->user, &m->users);
	init_table(m, &m->item, &m->items);
	init_items(m);
	allocate(m);
	return m;
}

void ials_free(struct ials *m)
{
	for (unsigned t = 0; t < pool_threads(m->pool); t++) {
		struct ials_scratch *x = &m->scratch[t];

		free(x->matrix);
		free(x->rows);
		free(x->row);
		free(x->error);
		free(x->line);
		free(x->w);
	}
	free(m->scratch);
	free(m->vector);
	free(m->value);
	free(m->gram);
	free(m->part);
	free(m->user.rows);
	free(m->item.rows);
	user_items_release(&m->users);
	user_items_release(&m->items);
	free(m);
}

struct neumf_shape ials_shape(const struct ials *m)
{
	return (struct neumf_shape){ .model = MODEL_MF,
		.loss = LOSS_BPR,
		.num_users = m->user.num,
		.num_items = m->item.num,
		.factors = m->config.factors };
}

void ials_values(void *arg, struct neumf_rows rows, float *out)
{
	const struct ials *m = arg;
	const struct neumf_shape shape = ials_shape(m);
	struct neumf_layout layout;

	neumf_layout(&shape, &layout);
	const struct table *t = layout.tensor[rows.tensor].side == SIDE_USER ? &m->user : &m->item;
	for (uint32_t r = 0; r < rows.num; r++)
		memcpy(out + (size_t)r * shape.factors, t->rows + (rows.first + r) * m->width,
			shape.factors * sizeof(*out));
}
