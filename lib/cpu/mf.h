/*
 * mf: the gradient of a matrix factorization, to the bit what gradient.h gives, whose panels cost
 * more moving than there is to compute.
 *
 * Rows are read where they lie, LANES examples at a time, in the order of their users: so a user's
 * row is read once, and his contributions are added up while the items' rows are at hand. The
 * contribution of an item's occurrence is a coefficient, d loss / d logit, times the user's row:
 * the coefficient is kept instead, and whoever adds up an item's contributions reads the users'
 * rows, which must not have been changed meanwhile (update.c).
 */
#ifndef MF_H
#define MF_H

#include "cpu/cpu.h"
#include "cpu/gradient.h"

#include <string.h>

enum { MF_AHEAD = 16 }; /* rows between a prefetch and its use */

/* LANES rows of the batch, and their embedding rows. */
struct mf_rows {
	uint32_t number[LANES];
	const float *user[LANES], *item[2][LANES];
};

/* The row at place p, in the order of users, into lane l. */
INLINE void mf_row(
	const struct backend *b, const unsigned items, struct mf_rows *to, uint32_t l, uint32_t p)
{
	const struct cpu_side *u = &b->user, *i = &b->item;
	const uint32_t r = u->order[p];

	to->number[l] = r;
	to->user[l] = u->table[0] + (size_t)u->unique[u->slot[p]] * b->factors;
	for (unsigned s = 0; s < items; s++)
		to->item[s][l] = i->table[0] + (size_t)i->id[(size_t)r * items + s] * b->factors;
}

INLINE void mf_fetch(const struct backend *b, const unsigned items, uint32_t p)
{
	struct mf_rows rows;

	mf_row(b, items, &rows, 0, p);
	cpu_fetch(rows.user[0], b->factors);
	for (unsigned s = 0; s < items; s++)
		cpu_fetch(rows.item[s][0], b->factors);
}

/* Add the products of columns c .. c + n - 1 to the logits, one column after the other. */
INLINE void mf_columns(
	const unsigned items, const unsigned n, const struct mf_rows *rows, uint32_t c, vf logit[2])
{
	vf p[4];

	for (unsigned j = 0; j < 4; j++)
		p[j] = rows_load(rows->user, j, c);
	for (unsigned s = 0; s < items; s++) {
		vf t[4];

		for (unsigned j = 0; j < 4; j++)
			t[j] = p[j] * rows_load(rows->item[s], j, c);
		transpose4(t);
		for (unsigned j = 0; j < n; j++)
			logit[s] += t[j];
	}
}

/* The logits of the rows at places first .. first + n - 1, which are put into `rows`; lanes from n
   on repeat the first. */
INLINE void mf_logits(const struct backend *b, const unsigned items, uint32_t first, uint32_t n,
	struct mf_rows *rows, vf logit[2])
{
	const uint32_t f = b->factors;
	uint32_t c = 0;

	for (uint32_t l = 0; l < LANES; l++)
		mf_row(b, items, rows, l, first + (l < n ? l : 0));
	for (unsigned s = 0; s < items; s++)
		logit[s] = splat(*b->head_bias);
	for (; c + 4 <= f; c += 4)
		mf_columns(items, 4, rows, c, logit);
	if (f - c == 3)
		mf_columns(items, 3, rows, c, logit);
	else if (f - c == 2)
		mf_columns(items, 2, rows, c, logit);
	else if (f - c == 1)
		mf_columns(items, 1, rows, c, logit);
	for (unsigned s = 0; b->biases && s < items; s++) {
		vf sum = { 0 };

		for (uint32_t l = 0; l < LANES; l++)
			sum[l] = b->user.table[1][b->user.id[rows->number[l]]] +
				 b->item.table[1][b->item.id[(size_t)rows->number[l] * items + s]];
		logit[s] += sum;
	}
}

/* Add the contribution of the row at place p to the sum of its user, whose first it may be. */
INLINE void mf_user(const struct backend *b, const unsigned items, uint32_t p,
	const float *const item[2], const float d[2])
{
	const struct cpu_side *side = &b->user;
	const uint32_t slot = side->slot[p];
	const bool begun = side->start[slot] < p;
	const vi same = (vi){ 0 } - (int32_t)begun;
	float *to = side->gradient + slot * side->stride;
	const float bias = b->biases && begun ? to[b->factors] : 0; // the vectors reach it

	for (uint32_t c = 0; c < b->factors; c += LANES) {
		const vf g = d[0] * load(item[0] + c);

		store(to + c, keep(same, load(to + c)) +
				      (items == 2 ? fused(splat(d[1]), load(item[1] + c), g) : g));
	}
	if (b->biases)
		to[b->factors] = bias + (items == 2 ? d[0] + d[1] : d[0]);
}

/* The rows at n <= LANES places: coefficients and losses, and what they add to sums of users. */
INLINE void mf_group(struct backend *b, const unsigned items, uint32_t first, uint32_t n)
{
	struct mf_rows rows;
	vf logit[2], d[2] = { { 0 } }, loss;

	mf_logits(b, items, first, n, &rows, logit);
	if (items == 2) {
		loss = loss_of_pair(&b->shape, logit[0], logit[1], &d[0], &d[1]);
	} else {
		vf label = { 0 };

		for (uint32_t l = 0; l < LANES; l++)
			label[l] = b->label[rows.number[l]];
		loss = loss_of_label(logit[0], label, &d[0]);
	}
	for (unsigned s = 0; s < items; s++)
		d[s] *= b->batch_scale;
	for (uint32_t l = 0; l < n; l++) {
		const float *const item[2] = { rows.item[0][l], rows.item[items - 1][l] };

		if (first + l + MF_AHEAD < b->rows)
			mf_fetch(b, items, first + l + MF_AHEAD);
		b->row_loss[rows.number[l]] = loss[l];
		for (unsigned s = 0; s < items; s++)
			b->coefficient[s][rows.number[l]] = d[s][l];
		mf_user(b, items, first + l, item, (float[2]){ d[0][l], d[1][l] });
	}
}

/* Where, in the order of users, job k begins: with a user. */
static inline uint32_t mf_place(const struct backend *b, size_t k)
{
	const struct cpu_side *side = &b->user;
	const uint32_t place = (uint32_t)(k * (uint64_t)b->rows / b->jobs);

	if (place == b->rows || side->start[side->slot[place]] == place)
		return place;
	return side->start[side->slot[place] + 1];
}

/* Coefficients, losses and sums of users, of a job of whole users. */
static void mf_gradient(struct backend *b, size_t job)
{
	const uint32_t end = mf_place(b, job + 1);

	for (uint32_t p = mf_place(b, job); p < end; p += LANES) {
		const uint32_t n = end - p < LANES ? end - p : LANES;

		if (b->items_per_row == 2)
			mf_group(b, 2, p, n);
		else
			mf_group(b, 1, p, n);
	}
}

/* The derivatives by the global bias of a block of rows, added to the sums of its job. */
static void mf_global_bias(const struct backend *b, uint32_t first, uint32_t rows, float *sums)
{
	vf dbias[CPU_BLOCK / LANES] = { { 0 } };

	for (uint32_t r = 0; r < rows; r++)
		dbias[r / LANES][r % LANES] =
			b->items_per_row == 2
				? b->coefficient[0][first + r] + b->coefficient[1][first + r]
				: b->coefficient[0][first + r];
	column_sums(cpu_dense(b, sums, TENSOR_GLOBAL_BIAS), (struct columns){ dbias, 1 }, 1,
		CPU_BLOCK / PANEL_ROWS);
}

/* The loss of a job of rows in the order of the batch, and its dense sums, from all coefficients. */
static void mf_sums(struct backend *b, size_t job)
{
	float *sums = start_sums(b, job);
	uint32_t first, end;
	double loss = 0;

	for (cpu_job_rows(b, job, &first, &end); first < end; first += CPU_BLOCK) {
		const uint32_t rows = end - first < CPU_BLOCK ? end - first : CPU_BLOCK;
		double sum = 0;

		for (uint32_t r = first; r < first + rows; r++)
			sum += b->row_loss[r];
		loss += sum;
		if (b->biases)
			mf_global_bias(b, first, rows, sums);
	}
	b->job_loss[job] = loss;
}

/* The sums of `vectors` vectors from `column` on, as sum_columns. */
INLINE void mf_sum_columns(const struct backend *b, const unsigned items, const unsigned vectors,
	uint32_t column, uint32_t first, uint32_t end, float *sums)
{
	const struct cpu_side *side = &b->item;
	const size_t stride = cpu_sum_stride(side), f = b->factors;
	const float *table = b->user.table[0] + column;
	const uint32_t last = side->start[end];
	uint32_t previous = first;
	vf sum[4] = { { 0 } };

	for (uint32_t j = side->start[first]; j < last; j++) {
		const uint32_t at = side->order[j], slot = side->slot[j];
		const uint32_t ahead = j + MF_AHEAD < last ? side->order[j + MF_AHEAD] : at;
		const float *from = table + b->user.id[at / items] * f;
		const vf d = splat(b->coefficient[at % items][at / items]);
		const vi same = (vi){ 0 } - (int32_t)(slot == previous);
		float *to = sums + (slot - first) * stride + column;

		cpu_fetch(table + b->user.id[ahead / items] * f, vectors * LANES);
		for (unsigned k = 0; k < vectors; k++) {
			sum[k] = keep(same, sum[k]) + d * load(from + k * LANES);
			store(to + k * LANES, sum[k]);
		}
		previous = slot;
	}
}

INLINE void mf_sum_biases(
	const struct backend *b, const unsigned items, uint32_t first, uint32_t end, float *sums)
{
	const struct cpu_side *side = &b->item;
	const size_t stride = cpu_sum_stride(side);

	for (uint32_t k = first; k < end; k++) {
		float sum = 0;

		for (uint32_t j = side->start[k]; j < side->start[k + 1]; j++)
			sum += b->coefficient[side->order[j] % items][side->order[j] / items];
		sums[(k - first) * stride + b->factors] = sum;
	}
}

INLINE void mf_item_sums_of(
	const struct backend *b, const unsigned items, uint32_t first, uint32_t end, float *sums)
{
	uint32_t column = 0;

	for (; column + 3 * LANES < b->factors; column += 4 * LANES)
		mf_sum_columns(b, items, 4, column, first, end, sums);
	for (; column < b->factors; column += LANES)
		mf_sum_columns(b, items, 1, column, first, end, sums);
	if (b->biases)
		mf_sum_biases(b, items, first, end, sums);
}

/* The sums of items first .. end - 1 of those in the batch, without l2. */
static inline void mf_item_sums(const struct backend *b, uint32_t first, uint32_t end, float *sums)
{
	if (b->items_per_row == 2)
		mf_item_sums_of(b, 2, first, end, sums);
	else
		mf_item_sums_of(b, 1, first, end, sums);
}

#endif
