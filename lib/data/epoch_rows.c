#include "data/epoch_rows.h"

#include "base/permute.h"

#include <string.h>

enum { SLICE = SAMPLER_DRAWS };

void epoch_rows_init(struct epoch_rows *e, const struct sampling *from, enum rec_kind kind,
	uint32_t negatives, uint64_t seed)
{
	const uint64_t num = from->positives.num;
	const struct rec_header h = { .kind = kind, .negatives = negatives };

	*e = (struct epoch_rows){ .from = from,
		.kind = kind,
		.negatives = negatives,
		.seed = seed,
		.rows_per_epoch = kind == REC_GROUP    ? num
				  : kind == REC_SAMPLE ? num * (negatives + UINT64_C(1))
						       : num * negatives,
		.row_size = rec_row_info(&h).struct_size };
}

size_t epoch_rows_slice(enum rec_kind kind, uint32_t negatives)
{
	return kind != REC_GROUP ? SLICE : negatives < SLICE ? SLICE / negatives : 1;
}

struct row_draws epoch_rows_draws(const struct epoch_rows *e)
{
	const struct positive_index *p = &e->from->positives;
	const struct user_items *excluded = &e->from->excluded;

	return (struct row_draws){ .pointwise = e->kind == REC_SAMPLE,
		.rows_per_epoch = e->rows_per_epoch,
		.from = sampler_from(e->from->sampler),
		.num_positives = p->num,
		.num_positive_users = p->num_users,
		.user = p->user,
		.line = p->line,
		.num_users = excluded->num_users,
		.start = excluded->start,
		.item = excluded->item };
}

/* Rows first .. first + n - 1 of one epoch. */
struct stretch {
	uint32_t epoch;
	uint64_t first;
	size_t n;
	struct permute order; /* of the epoch */
};

/* The numbers of the positives of the rows; label: is the row the positive itself? */
static void find_positives(
	const struct epoch_rows *e, const struct stretch *s, uint64_t *number, unsigned char *label)
{
	const uint64_t num = e->from->positives.num;

	permute_run(&s->order, s->first, s->n, number);
	for (size_t k = 0; k < s->n; k++)
		label[k] = number[k] < num; // the first of the copies is the positive
	if (e->rows_per_epoch > num)
		for (size_t k = 0; k < s->n; k++)
			number[k] %= num;
}

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* user, item (s->n): of the positives, and negatives drawn for them. Three steps of rows are at work:
   the positives of one are called for, the next one's are read and the filter called for, the last
   one's is read. */
static void draw_rows(const struct epoch_rows *e, const struct stretch *s, const uint64_t *number,
	uint32_t *user, uint32_t *positive, uint32_t *negative)
{
	const struct positive_index *p = &e->from->positives;
	const size_t n = s->n, step = SAMPLER_STEP;
	struct sampler_draws d;

	sampler_begin(&d, e->from->sampler, s->epoch, s->first, n, user, negative);
	for (size_t k = 0; k < n + 2 * step; k += step) {
		if (k < n)
			positive_index_call(p, number + k, smaller(step, n - k));
		if (k >= step && k < n + step) {
			const size_t from = k - step, to = smaller(k, n);

			positive_index_get(
				p, number + from, to - from, user + from, positive + from);
			sampler_call(&d, from, to);
		}
		if (k >= 2 * step)
			sampler_test(&d, k - 2 * step, smaller(k - step, n));
	}
	sampler_settle(&d);
}

static void make_rows(const struct epoch_rows *e, const struct stretch *s, void *rows)
{
	const size_t n = s->n;
	uint64_t number[SLICE];
	uint32_t user[SLICE], positive[SLICE], negative[SLICE];
	unsigned char label[SLICE];
	struct sample *sample = rows;
	struct triple *triple = rows;

	find_positives(e, s, number, label);
	draw_rows(e, s, number, user, positive, negative);
	if (e->kind == REC_SAMPLE)
		for (size_t k = 0; k < n; k++)
			sample[k] = (struct sample){ user[k], label[k] ? positive[k] : negative[k],
				label[k] };
	else
		for (size_t k = 0; k < n; k++)
			triple[k] = (struct triple){ user[k], positive[k], negative[k] };
}

/* Groups. Negative j of row r, counted from 0, is draw r x N + j. */
static void make_groups(const struct epoch_rows *e, const struct stretch *s, uint32_t *rows)
{
	uint64_t number[SLICE];
	uint32_t user[SLICE], positive[SLICE];
	uint32_t drawn_for[REC_MAX_NEGATIVES], negative[REC_MAX_NEGATIVES];
	const size_t n = s->n, num = e->negatives, words = GROUP_NEGATIVES + num;

	permute_run(&s->order, s->first, n, number);
	positive_index_call(&e->from->positives, number, n);
	positive_index_get(&e->from->positives, number, n, user, positive);
	for (size_t k = 0; k < n; k++)
		for (size_t j = 0; j < num; j++)
			drawn_for[k * num + j] = user[k];
	sampler_draw(e->from->sampler, s->epoch, s->first * num, n * num, drawn_for, negative);
	for (size_t k = 0; k < n; k++, rows += words) {
		rows[GROUP_USER] = user[k];
		rows[GROUP_POSITIVE] = positive[k];
		memcpy(rows + GROUP_NEGATIVES, negative + k * num, num * sizeof(*negative));
	}
}

void epoch_rows_make(const struct epoch_rows *e, uint64_t first, size_t n, void *rows)
{
	char *to = rows;

	for (size_t done = 0; done < n;) {
		const uint64_t row = first + done, epoch = row / e->rows_per_epoch;
		const uint64_t at = row % e->rows_per_epoch, left = e->rows_per_epoch - at;
		struct stretch s = { (uint32_t)epoch, at, n - done, { 0 } };

		if (left < s.n)
			s.n = (size_t)left;
		row_draws_order(e->seed, e->rows_per_epoch, s.epoch, &s.order);
		if (e->kind == REC_GROUP)
			make_groups(e, &s, (uint32_t *)(to + done * e->row_size));
		else
			make_rows(e, &s, to + done * e->row_size);
		done += s.n;
	}
}
