#include "linear/ease.h"

#include "base/die.h"
#include "base/mem.h"
#include "base/pool.h"
#include "data/user_items.h"
#include "linear/from_items.h"
#include "linear/gram.h"
#include "linear/item_weights.h"
#include "linear/kernels.h"
#include "linear/packed_items.h"
#include "linear/spd_inverse.h"
#include "stream/record.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct ease {
	const struct linear_kernels *kernels;
	uint32_t num_items;
	struct packed_items users; /* items of each user */
	struct pool *pool;
	struct from_items from_items;

	/* items with users have a row of P, in the order of their ids */
	uint32_t *row_of;  /* per item, or NO_ROW */
	uint32_t *item_of; /* per row */
	uint32_t num_rows;

	size_t stride; /* of p: num_rows, rounded up to SPD_MULTIPLE */
	float *p;      /* stride x stride, its diagonal set to 0; NULL for a model of a file */
	float **row;   /* rows of P; of a file those that were needed, else NULL */
	float *diagonal;
	double *scale;		      /* 1 / P_ii, per row */
	struct item_weights *weights; /* the file, or NULL */
};

/* y = P x */
struct product {
	const struct ease *m;
	const double *x;
	double *y;
};

static void multiply_row(void *arg, size_t row, unsigned thread)
{
	const struct product *p = arg;
	const struct ease *m = p->m;

	(void)thread;
	p->y[row] = m->kernels->row_dot(m->num_rows, m->p + row * m->stride, p->x);
}

static void multiply(const struct ease *m, const double *x, double *y)
{
	struct product p = { m, x, y };

	pool_run(m->pool, m->num_rows, multiply_row, &p);
}

/* r = v - G x, with G as X'X + l2 I */
static void residual(const struct ease *m, double l2, const double *v, const double *x, double *r)
{
	uint32_t *item = xmalloc(m->users.longest, sizeof(*item));

	for (uint32_t j = 0; j < m->num_rows; j++)
		r[j] = v[j] - l2 * x[j];
	for (uint32_t u = 0; u < m->users.num_users; u++) {
		const uint32_t n = packed_items_get(&m->users, u, item);
		double sum = 0;

		for (uint32_t a = 0; a < n; a++)
			sum += x[m->row_of[item[a]]];
		for (uint32_t a = 0; a < n; a++)
			r[m->row_of[item[a]]] -= sum;
	}
	free(item);
}

static double norm(const struct ease *m, const double *x)
{
	double sum = 0;

	for (uint32_t j = 0; j < m->num_rows; j++)
		sum += x[j] * x[j];
	return sqrt(sum);
}

/*
 * How wrong P is: for v of 1 and -1, as if drawn, x = P v misses G^-1 v by G^-1 (v - G x), which
 * P (v - G x) is close to as long as it is small. The relative miss.
 */
static double estimate_error(const struct ease *m, double l2)
{
	double *v = xmalloc(m->num_rows, sizeof(*v)), *x = xmalloc(m->num_rows, sizeof(*x));
	double *r = xmalloc(m->num_rows, sizeof(*r)), miss;

	for (uint32_t j = 0; j < m->num_rows; j++)
		v[j] = j * 2654435761u >> 31 ? 1 : -1; /* Knuth's multiplicative hash */
	multiply(m, v, x);
	residual(m, l2, v, x, r);
	multiply(m, r, v);
	miss = norm(m, v) / norm(m, x);
	free(r);
	free(x);
	free(v);
	return miss;
}

static void number_rows(struct ease *m, const struct user_items *users)
{
	const uint64_t size = user_items_size(users);

	m->row_of = xmalloc(m->num_items, sizeof(*m->row_of));
	for (uint32_t i = 0; i < m->num_items; i++)
		m->row_of[i] = NO_ROW;
	for (uint64_t k = 0; k < size; k++)
		m->row_of[users->item[k]] = 0;
	m->item_of = xmalloc(m->num_items, sizeof(*m->item_of));
	for (uint32_t i = 0; i < m->num_items; i++)
		if (m->row_of[i] != NO_ROW) {
			m->row_of[i] = m->num_rows;
			m->item_of[m->num_rows++] = i;
		}
}

/* Dies where the matrix is more than the machine can give. */
static void allocate(struct ease *m, const char *name)
{
	m->stride = (m->num_rows + (size_t)SPD_MULTIPLE - 1) / SPD_MULTIPLE * SPD_MULTIPLE;
	mem_need((double)m->stride * (double)m->stride * sizeof(*m->p),
		"'%s' has %u items with users: their matrix", name, m->num_rows);
	m->p = xmalloc_table(m->stride * m->stride, sizeof(*m->p));
}

static void invert(struct ease *m, const char *name, double l2)
{
	m->row = xmalloc(m->num_rows, sizeof(*m->row));
	m->diagonal = xmalloc(m->num_rows, sizeof(*m->diagonal));
	m->scale = xmalloc(m->num_rows, sizeof(*m->scale));
	if (m->num_rows == 0)
		return; /* nobody has anything: all scores are 0 */
	if (!spd_inverse(m->p, m->stride, m->pool))
		die("'%s': with l2 %g the matrix of its items is singular in float32: take more",
			name, l2);
	const double error = estimate_error(m, l2);
	if (!(error < 0.01))
		die("'%s': with l2 %g the inverse matrix is wrong by %.2g in float32: take more",
			name, l2, error);
	for (uint32_t j = 0; j < m->num_rows; j++) {
		m->row[j] = m->p + j * m->stride;
		m->diagonal[j] = m->row[j][j];
		m->scale[j] = 1.0 / m->diagonal[j];
		m->row[j][j] = 0;
	}
}

/* The first row of an item not below `item`. */
static uint32_t row_from(const struct ease *m, uint32_t item)
{
	uint32_t low = 0, high = m->num_rows;

	while (low < high) {
		const uint32_t middle = low + (high - low) / 2;

		if (m->item_of[middle] < item)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void score_row(const void *arg, const uint32_t *own, size_t n, uint32_t first, uint32_t end,
	double *sum, float *score)
{
	const struct ease *m = arg;
	const uint32_t low = row_from(m, first), high = row_from(m, end);
	const float *row[64];
	size_t num = 0;

	memset(sum, 0, (high - low) * sizeof(*sum));
	for (size_t a = 0; a < n; a++) {
		if (m->row_of[own[a]] != NO_ROW)
			row[num++] = m->row[m->row_of[own[a]]] + low;
		if (num == sizeof(row) / sizeof(*row) || a + 1 == n) {
			m->kernels->add_rows(num, row, high - low, sum);
			num = 0;
		}
	}
	memset(score, 0, (end - first) * sizeof(*score));
	for (uint32_t j = low; j < high; j++)
		score[m->item_of[j] - first] = (float)(0 - m->scale[j] * sum[j - low]);
}

static void score_some(const void *arg, const uint32_t *own, size_t n, const uint32_t *item,
	size_t num, double *sum, float *score)
{
	const struct ease *m = arg;

	(void)sum;
	for (size_t k = 0; k < num; k++) {
		const uint32_t row = m->row_of[item[k]];
		double s = 0;

		score[k] = 0;
		if (row == NO_ROW)
			continue;
		for (size_t a = 0; a < n; a++)
			if (m->row_of[own[a]] != NO_ROW)
				s += m->row[row][m->row_of[own[a]]];
		score[k] = (float)(0 - m->scale[row] * s);
	}
}

/* Where the file has the rows of these items. */
static void need(void *arg, const uint32_t *own, size_t n)
{
	struct ease *m = arg;
	size_t missing = 0;

	if (!m->weights)
		return;
	for (size_t a = 0; a < n; a++)
		missing += m->row_of[own[a]] != NO_ROW && !m->row[m->row_of[own[a]]];
	missing = missing < m->num_rows ? missing : m->num_rows;
	mem_need((double)missing * m->num_rows * sizeof(**m->row), "%zu rows of '%s'", missing,
		item_weights_name(m->weights));
	for (size_t a = 0; a < n; a++) {
		const uint32_t row = m->row_of[own[a]];

		if (row == NO_ROW || m->row[row])
			continue;
		m->row[row] = xmalloc(m->num_rows, sizeof(**m->row));
		item_weights_row(m->weights, row, (void *[]){ NULL, NULL, NULL, m->row[row] });
	}
}

static const struct from_items_model ops = { need, score_row, score_some };

/* What is made of the interactions before they are released. */
struct preparation {
	struct ease *m;
	const struct user_items *users;
	struct gram *gram;
};

enum { ITEMS, USERS, PREPARATIONS };

static void prepare(void *arg, size_t k, unsigned thread)
{
	const struct preparation *p = arg;

	(void)thread;
	if (k == ITEMS) {
		gram_take_items(p->gram, p->users);
	} else {
		gram_take_users(p->gram, p->users);
		packed_items_init(&p->m->users, p->users);
	}
}

struct ease *ease_new(struct rec_reader *train, double l2, struct pool *pool)
{
	struct ease *m = xcalloc(1, sizeof(*m));
	struct user_items users;
	struct gram gram;

	m->kernels = linear_kernels();
	m->pool = pool;
	m->num_items = rec_header(train)->num_items;
	user_items_init(&users, rec_header(train)->num_users, m->num_items);
	user_items_add_stream(&users, train, pool);
	user_items_finish_all(&users, pool);
	user_items_finish(&users);
	number_rows(m, &users);
	allocate(m, rec_name(train));
	gram_init(&gram, &users, m->row_of, m->item_of, m->num_rows);
	struct preparation p = { m, &users, &gram };
	pool_run(pool, PREPARATIONS, prepare, &p);
	user_items_release(&users);
	gram_make(&gram, l2, m->p, m->stride, pool);
	gram_release(&gram);
	invert(m, rec_name(train), l2);
	from_items_init(&m->from_items, &ops, m, m->num_items, &m->users, pool);
	return m;
}

/* The tensors of a model with so many rows: item_weights.h. */
static struct item_weights_layout layout_of(uint64_t rows)
{
	return (struct item_weights_layout){ .num = 4,
		.tensor = { { "diagonal", SAFETENSORS_F32, 1, { rows, 0 } },
			{ "items", SAFETENSORS_U32, 1, { rows, 0 } },
			{ "row_checksums", SAFETENSORS_U64, 1, { rows, 0 } },
			{ "weights", SAFETENSORS_F32, 2, { rows, rows } } },
		.of_rows = { [3] = true },
		.num_rows = rows };
}

void ease_save(const struct ease *m, struct stream_out *out, const struct rec_header *train,
	const struct js *provenance)
{
	const struct item_weights_layout layout = layout_of(m->num_rows);

	item_weights_save(out, EASE_METHOD, train, provenance, &layout,
		(struct safetensors_data[]){
			{ m->diagonal, 0 }, { m->item_of, 0 }, { NULL, 0 }, { m->p, m->stride } });
}

/* What the file says of items, which its checksum does not make true. */
static void check_index(const struct ease *m)
{
	for (uint32_t r = 0; r < m->num_rows; r++) {
		if (m->item_of[r] >= m->num_items || (r > 0 && m->item_of[r] <= m->item_of[r - 1]))
			item_weights_die(m->weights, "its items do not ascend within its bounds");
		if (!(m->diagonal[r] > 0))
			item_weights_die(m->weights, "its diagonal is not above 0");
	}
}

struct ease *ease_load(struct item_weights *w, struct pool *pool)
{
	const uint32_t num_items = item_weights_header(w)->num_items;
	const uint64_t rows = item_weights_length(w, "items");
	const struct item_weights_layout layout = layout_of(rows);
	struct ease *m = xcalloc(1, sizeof(*m));

	if (rows > num_items)
		item_weights_die(w, "it has more rows than items");
	m->kernels = linear_kernels();
	m->pool = pool;
	m->weights = w;
	m->num_items = num_items;
	m->num_rows = (uint32_t)rows;
	m->diagonal = xmalloc(rows, sizeof(*m->diagonal));
	m->item_of = xmalloc(rows, sizeof(*m->item_of));
	item_weights_index(w, &layout, (void *[]){ m->diagonal, m->item_of, NULL, NULL });
	check_index(m);
	m->row_of = xmalloc(num_items, sizeof(*m->row_of));
	for (uint32_t i = 0; i < num_items; i++)
		m->row_of[i] = NO_ROW;
	m->scale = xmalloc(rows, sizeof(*m->scale));
	for (uint32_t r = 0; r < m->num_rows; r++) {
		m->row_of[m->item_of[r]] = r;
		m->scale[r] = 1.0 / m->diagonal[r];
	}
	m->row = xcalloc(rows, sizeof(*m->row));
	from_items_init(&m->from_items, &ops, m, num_items, NULL, pool);
	return m;
}

void ease_free(struct ease *m)
{
	from_items_release(&m->from_items);
	packed_items_release(&m->users);
	for (uint32_t r = 0; r < m->num_rows && m->weights; r++)
		free(m->row[r]);
	free(m->row);
	free(m->diagonal);
	free(m->scale);
	free(m->p);
	free(m->row_of);
	free(m->item_of);
	free(m);
}

struct scorer ease_scorer(struct ease *m)
{
	return from_items_scorer(&m->from_items);
}
