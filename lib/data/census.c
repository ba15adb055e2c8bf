#include "data/census.h"

#include "base/mem.h"
#include "base/progress.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
	BUFFER_BYTES = 2 * REC_BLOCK_BYTES,
	FINE = 65536 /* steps of time */
};

/* Where the values of a row are, in its C struct. */
struct columns {
	unsigned item, negatives; /* their first values */
	unsigned num_negatives;
	int time, label, score, ties;	/* -1: none */
	unsigned offset[CENSUS_FIELDS]; /* of the fields */
	enum rec_type type[CENSUS_FIELDS];
};

/* Rows per step of time; `shift` is the k of census.h, `origin` the number of the first step. */
struct fine {
	uint64_t *rows;
	uint64_t origin;
	unsigned shift;
	uint64_t first, last;
	bool any;
};

/* The scores of the list that is being read. */
struct list {
	uint32_t user;
	float *score;
	size_t num, capacity;
};

/* Times in an order that unsigned numbers have. */
static uint64_t moment(int64_t time)
{
	return (uint64_t)time ^ (uint64_t)1 << 63;
}

static int64_t time_of(uint64_t moment)
{
	return (int64_t)(moment ^ (uint64_t)1 << 63);
}

static void find_columns(struct columns *at, struct census *c)
{
	const struct rec_info info = rec_row_info(&c->header);
	bool has_item = false;

	*at = (struct columns){ .time = -1, .label = -1, .score = -1, .ties = -1 };
	for (unsigned f = 0; f < info.num_fields; f++) {
		const struct rec_field *field = &info.fields[f];
		const int offset = (int)field->offset;

		if (field->type == REC_I64) {
			at->time = offset;
		} else if (field->meaning == REC_ITEM && !has_item) {
			at->item = field->offset;
			has_item = true;
		} else if (field->meaning == REC_ITEM) {
			at->negatives = field->offset;
			at->num_negatives = field->is_list ? info.list : 1;
		} else if (field->meaning != REC_USER && strcmp(field->name, "ties_before") != 0) {
			at->offset[c->num_fields] = field->offset;
			at->type[c->num_fields] = field->type;
			c->field[c->num_fields++] = (struct census_field){
				.name = field->name, .min = INFINITY, .max = -INFINITY
			};
			if (strcmp(field->name, "label") == 0)
				at->label = offset;
			else if (strcmp(field->name, "ties") == 0)
				at->ties = offset;
			else if (field->meaning == REC_SCORE_VALUE)
				at->score = offset;
		}
	}
	c->has_ties = at->score >= 0 || at->ties >= 0;
}

/* Put the steps so that `moment` is among them: move the origin down, or make steps longer. */
static void make_room(struct fine *f, uint64_t moment)
{
	const uint64_t first = moment < f->first ? moment : f->first;
	const uint64_t last = moment > f->last ? moment : f->last;
	unsigned shift = f->shift;
	uint64_t *old = f->rows;

	while ((last >> shift) - (first >> shift) >= FINE)
		shift++;
	f->rows = xcalloc(FINE, sizeof(*f->rows));
	for (uint64_t k = 0; k < FINE; k++)
		if (old[k])
			f->rows[((f->origin + k) >> (shift - f->shift)) - (first >> shift)] +=
				old[k];
	f->origin = first >> shift;
	f->shift = shift;
	free(old);
}

static void count_time(struct fine *f, int64_t time)
{
	const uint64_t m = moment(time);

	if (!f->any) {
		f->any = true;
		f->origin = f->first = f->last = m;
	}
	if (m >> f->shift < f->origin || (m >> f->shift) - f->origin >= FINE)
		make_room(f, m);
	f->rows[(m >> f->shift) - f->origin]++;
	f->first = m < f->first ? m : f->first;
	f->last = m > f->last ? m : f->last;
}

static void finish_times(struct census *c, const struct fine *f)
{
	const double span = (double)(f->last - f->first) + 1;

	c->first = time_of(f->first);
	c->last = time_of(f->last);
	c->has_times = f->any && (c->first != 0 || c->last != 0);
	for (uint64_t k = 0; k < FINE; k++) {
		const uint64_t start = (f->origin + k) << f->shift;
		const uint64_t into = start < f->first ? 0 : start - f->first;
		const unsigned bin = (unsigned)((double)into * CENSUS_BINS / span);

		if (f->rows[k])
			c->bin[bin < CENSUS_BINS ? bin : CENSUS_BINS - 1] += f->rows[k];
	}
}

static void count_value(struct census_field *f, double v)
{
	unsigned k;

	if (v == -INFINITY) {
		f->infinite++;
		return;
	}
	f->num++;
	f->sum += v;
	f->min = v < f->min ? v : f->min;
	f->max = v > f->max ? v : f->max;
	if (f->many)
		return;
	for (k = 0; k < f->num_values && f->value[k].value != v; k++)
		;
	if (k == CENSUS_VALUES) {
		f->many = true;
		f->num_values = 0;
		return;
	}
	if (k == f->num_values)
		f->value[f->num_values++].value = v;
	f->value[k].num++;
}

static int compare_values(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b; /* the first member */

	return (x > y) - (x < y);
}

static int compare_floats(const void *a, const void *b)
{
	const float x = *(const float *)a, y = *(const float *)b;

	return (x > y) - (x < y);
}

/* The list is complete: how many of its scores are not alone? */
static uint64_t end_list(struct list *l)
{
	uint64_t tied = 0;

	qsort(l->score, l->num, sizeof(*l->score), compare_floats);
	for (size_t k = 0, end; k < l->num; k = end) {
		for (end = k + 1; end < l->num && l->score[end] == l->score[k]; end++)
			;
		tied += end - k > 1 ? end - k : 0;
	}
	l->num = 0;
	return tied;
}

static uint64_t add_to_list(struct list *l, uint32_t user, float score)
{
	const uint64_t tied = l->num && user != l->user ? end_list(l) : 0;

	l->user = user;
	if (score > -INFINITY) {
		l->score = xgrow(l->score, &l->capacity, l->num + 1, sizeof(*l->score));
		l->score[l->num++] = score;
	}
	return tied;
}

static uint32_t get_u32(const char *row, unsigned offset)
{
	uint32_t v;

	memcpy(&v, row + offset, sizeof(v));
	return v;
}

static float get_float(const char *row, unsigned offset)
{
	float v;

	memcpy(&v, row + offset, sizeof(v));
	return v;
}

static void count_row(struct census *c, const struct columns *at, const char *row, struct fine *f,
	struct list *list)
{
	const uint32_t user = get_u32(row, 0);
	int64_t time;

	c->user_rows[user]++;
	c->item_rows[get_u32(row, at->item)]++;
	for (unsigned k = 0; k < at->num_negatives; k++)
		c->negative_rows[get_u32(row, at->negatives + 4 * k)]++;
	for (unsigned k = 0; k < c->num_fields; k++)
		count_value(&c->field[k], at->type[k] == REC_F32
						  ? (double)get_float(row, at->offset[k])
						  : get_u32(row, at->offset[k]));
	if (at->label >= 0)
		c->positives += get_float(row, (unsigned)at->label) > 0;
	if (at->ties >= 0)
		c->tied += get_u32(row, (unsigned)at->ties) > 0;
	if (at->score >= 0)
		c->tied += add_to_list(list, user, get_float(row, (unsigned)at->score));
	if (at->time >= 0) {
		memcpy(&time, row + at->time, sizeof(time));
		count_time(f, time);
	}
}

/* A copy of the header, and arrays of zeros. */
static void census_init(struct census *c, const struct rec_header *h, struct columns *at)
{
	*c = (struct census){ 0 };
	rec_header_init(&c->header, h->kind, h, NULL);
	c->header.negatives = h->negatives;
	c->header.epochs = h->epochs;
	c->header.rows_per_epoch = h->rows_per_epoch;
	c->header.first_row = h->first_row;
	find_columns(at, c);
	c->user_rows = xcalloc(h->num_users, sizeof(*c->user_rows));
	c->item_rows = xcalloc(h->num_items, sizeof(*c->item_rows));
	if (at->num_negatives)
		c->negative_rows = xcalloc(h->num_items, sizeof(*c->negative_rows));
}

void census_read(struct census *c, struct rec_reader *in)
{
	struct columns at;
	struct fine fine = { .rows = xcalloc(FINE, sizeof(*fine.rows)) };
	struct list list = { 0 };
	size_t n;

	census_init(c, rec_header(in), &at);
	const size_t row_size = rec_row_info(&c->header).struct_size;
	const size_t capacity = BUFFER_BYTES / row_size;
	char *rows = xmalloc(capacity, row_size);

	while ((n = rec_read_rows(in, rows, capacity)) > 0) {
		for (size_t k = 0; k < n; k++)
			count_row(c, &at, rows + k * row_size, &fine, &list);
		c->rows += n;
		progress_at(c->rows);
	}
	c->tied += end_list(&list);
	if (at.time >= 0)
		finish_times(c, &fine);
	for (unsigned k = 0; k < c->num_fields; k++)
		qsort(c->field[k].value, c->field[k].num_values, sizeof(c->field[k].value[0]),
			compare_values);
	free(fine.rows);
	free(list.score);
	free(rows);
}

void census_release(struct census *c)
{
	rec_header_release(&c->header);
	free(c->user_rows);
	free(c->item_rows);
	free(c->negative_rows);
}

static int compare_counts(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* Of n sorted counts, between the two next to it. */
static double quantile(const uint64_t *x, uint64_t n, double q)
{
	const double at = q * (double)(n - 1);
	const uint64_t k = (uint64_t)at;

	if (k + 1 == n)
		return (double)x[k];
	return (double)x[k] + (at - (double)k) * ((double)x[k + 1] - (double)x[k]);
}

/* Of n ascending counts with this sum; point k is at k n / (CENSUS_CURVE - 1) items from the top. */
static void make_curve(double *curve, const uint64_t *x, uint64_t n, double sum)
{
	const uint64_t steps = CENSUS_CURVE - 1;
	uint64_t items = 0;
	double rows = 0;

	for (uint64_t k = 0; k <= steps; k++) {
		double part = 0;

		for (; items < k * n / steps; items++)
			rows += (double)x[n - 1 - items];
		if (items < n)
			part = (double)x[n - 1 - items] * (double)(k * n % steps) / (double)steps;
		curve[k] = (rows + part) / sum;
	}
}

void census_summarize(struct census_counts *s, const uint64_t *count, uint32_t num)
{
	uint64_t *x = xmalloc(num, sizeof(*x)), n = 0;
	double sum = 0, weighted = 0;

	*s = (struct census_counts){ 0, NAN, NAN, NAN, NAN, NAN, NAN, NAN, { 0 } };
	for (uint32_t k = 0; k < num; k++)
		if (count[k])
			x[n++] = count[k];
	if (n) {
		const double all = (double)n;

		qsort(x, n, sizeof(*x), compare_counts);
		for (uint64_t k = 0; k < n; k++) {
			sum += (double)x[k];
			weighted += (double)(k + 1) * (double)x[k];
		}
		s->num = n;
		s->min = (double)x[0];
		s->p25 = quantile(x, n, 0.25);
		s->median = quantile(x, n, 0.5);
		s->p75 = quantile(x, n, 0.75);
		s->max = (double)x[n - 1];
		s->mean = sum / all;
		s->gini = 2 * weighted / (all * sum) - (all + 1) / all;
		make_curve(s->curve, x, n, sum);
	}
	free(x);
}
