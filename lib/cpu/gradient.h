/*
 * gradient: the gradient of a batch, block by block. Its time goes into the multiply-adds of
 * product_panel and outer_tile, which run near the peak; the rest (rows into lanes and back,
 * losses) does not grow with the number of weights.
 */
#ifndef GRADIENT_H
#define GRADIENT_H

#include "cpu/cpu.h"
#include "cpu/loss.h"
#include "cpu/panel.h"

#include <string.h>

/* Panels of users in a full block, and in a stretch of SUM_LANES x 4 rows: a block is filled up to
   whole stretches, with rows that count for nothing, on every machine. */
enum {
	BLOCK_PANELS = CPU_BLOCK / PANEL_ROWS,
	STRETCH_ROWS = SUM_LANES * 4,
	STRETCH_PANELS = STRETCH_ROWS / PANEL_ROWS
};

/*
 * The arrays of a block of rows, as columns. PANEL_ROWS rows take one panel in arrays of users
 * and one panel per item in all others: first the panels of all positives, then those of all
 * negatives.
 */
struct block {
	uint32_t first, rows; /* first row in the batch, number of rows */
	uint32_t user_panels, panels;
	struct columns user, item;	    /* (F + E) gmf and mlp rows, (F + 1) with biases */
	struct columns user_half;	    /* (H1) W1u p + b of cpu.h, of one panel */
	struct columns concat;		    /* (F + Hn) input of the head, (F + 1) with biases */
	struct columns x[NEUMF_MAX_HIDDEN]; /* (H) outputs of the layers; the last lies in concat */
	struct columns logit, dlogit;	    /* (1) */
	struct columns d[NEUMF_MAX_HIDDEN]; /* (H) d loss / d sums of the layers, before relu */
	struct columns dsum;		    /* (H1) d[0] summed over the items of a row */
	struct columns duser, ditem;	    /* as user and item; ditem of one panel per item */
	float *loss, *label;		    /* (rows) */
};

/* Scratch memory for `panels` panels of n columns; *top moves behind it (cpu_take). */
static struct columns take(char **top, uint32_t panels, uint32_t n)
{
	return (struct columns){ cpu_take(top, (size_t)panels * n * PANEL_GROUPS * sizeof(vf)), n };
}

/* Lay out the arrays of a full block from `base` on; returns the bytes they take. */
static size_t block_layout(const struct backend *b, struct block *k, char *base)
{
	const uint32_t panels = BLOCK_PANELS * b->items_per_row, last = b->num_hidden - 1;
	const uint32_t width = b->factors + b->mlp_factors + b->biases + 3; // moved by four
	const uint32_t hidden = b->num_hidden > 0 ? b->hidden[last] : 0;
	char *top = base;

	k->user = take(&top, BLOCK_PANELS, width);
	k->item = take(&top, panels, width);
	k->duser = take(&top, BLOCK_PANELS, width);
	k->ditem = take(&top, b->items_per_row, width);
	k->concat = take(&top, panels, b->factors + b->biases + hidden);
	k->logit = take(&top, panels, 1);
	k->dlogit = take(&top, panels, 1);
	for (uint32_t l = 0; l < b->num_hidden; l++) {
		if (l < last)
			k->x[l] = take(&top, panels, b->hidden[l]);
		k->d[l] = take(&top, panels, b->hidden[l]);
	}
	if (b->num_hidden > 0) {
		k->x[last] = k->concat;
		k->x[last].v += (size_t)b->factors * PANEL_GROUPS;
		k->user_half = take(&top, 1, b->hidden[0]);
		k->dsum = take(&top, BLOCK_PANELS, b->hidden[0]);
	}
	k->loss = cpu_take(&top, BLOCK_PANELS * PANEL_ROWS * sizeof(float));
	k->label = cpu_take(&top, BLOCK_PANELS * PANEL_ROWS * sizeof(float));
	return (size_t)(top - base);
}

static size_t gradient_scratch(const struct backend *b)
{
	struct block k;

	return block_layout(b, &k, NULL);
}

/* Embedding rows of a side, those of user panel uq, into panel `panel`: occurrence s of the `step` in
   each row of the batch. Lanes past the last row of the block repeat its first. */
static void gather_side(const struct block *k, uint32_t uq, const struct cpu_side *side, size_t s,
	size_t step, struct columns out, uint32_t panel)
{
	for (uint32_t g = 0; g < PANEL_GROUPS; g++) {
		const uint32_t first = uq * PANEL_ROWS + g * LANES;
		vf *to = column(out, panel, 0) + g;
		uint32_t id[LANES];

		for (uint32_t l = 0; l < LANES; l++) {
			const uint32_t row = first + l < k->rows ? first + l : 0;

			id[l] = side->id[(k->first + row) * step + s];
		}
		if (side->cols[0] > 0)
			gather(to, side->table[0], side->cols[0], id);
		if (side->cols[1] > 0)
			gather(to + (size_t)side->cols[0] * PANEL_GROUPS, side->table[1],
				side->cols[1], id);
	}
}

/* The inverse for gradients: columns of both tables into the contributions of those occurrences. */
static void store_side(const struct block *k, uint32_t uq, const struct cpu_side *side, size_t s,
	size_t step, struct columns in, uint32_t panel)
{
	const uint32_t width = side->cols[0] + side->cols[1];

	for (uint32_t g = 0; g < PANEL_GROUPS && uq * PANEL_ROWS + g * LANES < k->rows; g++) {
		const uint32_t first = k->first + uq * PANEL_ROWS + g * LANES;
		const vf *from = column(in, panel, 0) + g;
		float *to = side->gradient + (first * step + s) * side->stride;

		for (uint32_t c = 0; c < width; c += 4) {
			vf t[4];

			for (unsigned j = 0; j < 4; j++)
				t[j] = from[(c + j) * PANEL_GROUPS];
			transpose4(t);
			for (unsigned j = 0; j < 4; j++)
				rows_store(to, step * side->stride, j, c, t[j]);
		}
	}
}

/* Outputs of all layers and the logits, of the rows of user panel uq. */
static void forward(const struct backend *b, struct block *k, uint32_t uq)
{
	const uint32_t f = b->factors, e = b->mlp_factors;
	const struct product user_half = { b->weight[0], 2 * e, 1, b->hidden[0], e };
	const struct product item_half = { b->weight[0] + e, 2 * e, 1, b->hidden[0], e };
	const struct product head = { b->head, 0, 1, 1, k->concat.n };
	const vf *user = column(k->user, uq, 0);

	if (b->num_hidden > 0)
		product_panel(&user_half, FROM_BIAS, AS_IT_IS, column(k->user, uq, f), b->bias[0],
			NULL, k->user_half.v);
	for (uint32_t q = uq; q < k->panels; q += k->user_panels) {
		const vf *item = column(k->item, q, 0);
		vf *g = column(k->concat, q, 0);

		for (uint32_t c = 0; c < f * PANEL_GROUPS; c++)
			g[c] = user[c] * item[c];
		for (uint32_t c = f * PANEL_GROUPS; c < (f + b->biases) * PANEL_GROUPS; c++)
			g[c] = user[c] + item[c];
		if (b->num_hidden > 0)
			product_panel(&item_half, FROM_OTHER, WITH_RELU, column(k->item, q, f),
				NULL, k->user_half.v, column(k->x[0], q, 0));
		for (uint32_t l = 1; l < b->num_hidden; l++) {
			const uint32_t in = b->hidden[l - 1];
			const struct product layer = { b->weight[l], in, 1, b->hidden[l], in };

			product_panel(&layer, FROM_BIAS, WITH_RELU, column(k->x[l - 1], q, 0),
				b->bias[l], NULL, column(k->x[l], q, 0));
		}
		product_panel(
			&head, FROM_BIAS, AS_IT_IS, g, b->head_bias, NULL, column(k->logit, q, 0));
	}
}

/* Losses of the rows, and dlogit: d loss / d logit, divided by the rows of the batch. */
static void losses(const struct backend *b, struct block *k, uint32_t uq)
{
	const uint32_t end = (uq + 1) * PANEL_GROUPS, negative = k->user_panels * PANEL_GROUPS;
	const vf *logit = k->logit.v;
	vf *d = k->dlogit.v;

	for (uint32_t g = uq * PANEL_GROUPS; g < end; g++) {
		const vi rows = lanes_below(k->rows > g * LANES ? k->rows - g * LANES : 0);
		vf loss;

		if (b->items_per_row == 2) {
			loss = loss_of_pair(
				&b->shape, logit[g], logit[negative + g], &d[g], &d[negative + g]);
			d[negative + g] = keep(rows, d[negative + g]) * b->batch_scale;
		} else {
			loss = loss_of_label(logit[g], load(k->label + g * LANES), &d[g]);
		}
		d[g] = keep(rows, d[g]) * b->batch_scale;
		store(k->loss + g * LANES, keep(rows, loss));
	}
}

/* Gradients of the gmf rows and biases and d of the last layer, from dlogit. */
static void backward_head(const struct backend *b, struct block *k, uint32_t uq)
{
	const uint32_t f = b->factors;
	const vf *user = column(k->user, uq, 0);
	vf *duser = column(k->duser, uq, 0);

	for (uint32_t q = uq; q < k->panels; q += k->user_panels) {
		const vf *item = column(k->item, q, 0), *dlogit = column(k->dlogit, q, 0);
		vf *ditem = column(k->ditem, q / k->user_panels, 0);

		for (uint32_t c = 0; c < f * PANEL_GROUPS; c++) {
			vf dg = dlogit[c % PANEL_GROUPS] * b->head[c / PANEL_GROUPS];

			duser[c] = q == uq ? dg * item[c] : fused(dg, item[c], duser[c]);
			ditem[c] = dg * user[c];
		}
		for (uint32_t c = f * PANEL_GROUPS; c < (f + b->biases) * PANEL_GROUPS; c++) {
			const vf d = dlogit[c % PANEL_GROUPS];

			duser[c] = q == uq ? d : duser[c] + d;
			ditem[c] = d;
		}
		if (b->num_hidden == 0)
			continue;
		const uint32_t last = b->num_hidden - 1;
		const vf *x = column(k->x[last], q, 0);
		vf *d = column(k->d[last], q, 0);

		for (uint32_t c = 0; c < b->hidden[last] * PANEL_GROUPS; c++)
			d[c] = keep(x[c] > 0.f,
				dlogit[c % PANEL_GROUPS] * b->head[f + c / PANEL_GROUPS]);
	}
}

/* d of the layers below the last and gradients of the mlp rows. */
static void backward_hidden(const struct backend *b, struct block *k, uint32_t uq)
{
	const uint32_t f = b->factors, e = b->mlp_factors;
	const struct product user_half = { b->weight[0], 1, 2 * e, e, b->hidden[0] };
	const struct product item_half = { b->weight[0] + e, 1, 2 * e, e, b->hidden[0] };
	vf *dsum = column(k->dsum, uq, 0);

	for (uint32_t q = uq; q < k->panels; q += k->user_panels) {
		const vf *d = column(k->d[0], q, 0);

		for (uint32_t l = b->num_hidden - 1; l > 0; l--) {
			const uint32_t in = b->hidden[l - 1];
			const struct product layer = { b->weight[l], 1, in, in, b->hidden[l] };

			product_panel(&layer, FROM_ZERO, WHERE_POSITIVE, column(k->d[l], q, 0),
				NULL, column(k->x[l - 1], q, 0), column(k->d[l - 1], q, 0));
		}
		for (uint32_t c = 0; c < b->hidden[0] * PANEL_GROUPS; c++)
			dsum[c] = q == uq ? d[c] : dsum[c] + d[c];
		product_panel(&item_half, FROM_ZERO, AS_IT_IS, d, NULL, NULL,
			column(k->ditem, q / k->user_panels, f));
	}
	product_panel(&user_half, FROM_ZERO, AS_IT_IS, dsum, NULL, NULL, column(k->duser, uq, f));
}

/* Add the block's gradients of the dense tensors to the sums of its job. */
static void add_dense(const struct backend *b, const struct block *k, float *sums)
{
	const uint32_t f = b->factors, e = b->mlp_factors;
	float *dw = cpu_dense(b, sums, TENSOR_MLP), *dhead = cpu_dense(b, sums, TENSOR_HEAD);

	if (dhead != NULL)
		outer_product(dhead, 0, k->dlogit, 1, k->concat, k->concat.n, k->panels);
	if (cpu_dense(b, sums, TENSOR_HEAD_BIAS) != NULL)
		column_sums(cpu_dense(b, sums, TENSOR_HEAD_BIAS), k->dlogit, 1, k->panels);
	/* by rows of the batch: what cancels in a row of bpr is exactly 0 */
	if (b->biases)
		column_sums(cpu_dense(b, sums, TENSOR_GLOBAL_BIAS), columns_from(k->duser, f), 1,
			k->user_panels);
	if (b->num_hidden == 0)
		return;
	outer_product(
		dw, 2 * e, k->dsum, b->hidden[0], columns_from(k->user, f), e, k->user_panels);
	outer_product(dw + e, 2 * e, k->d[0], b->hidden[0], columns_from(k->item, f), e, k->panels);
	column_sums(cpu_dense(b, sums, TENSOR_MLP + 1), k->dsum, b->hidden[0], k->user_panels);
	for (uint32_t l = 1; l < b->num_hidden; l++) {
		const uint32_t in = b->hidden[l - 1], out = b->hidden[l];

		outer_product(cpu_dense(b, sums, TENSOR_MLP + 2 * (int)l), in, k->d[l], out,
			k->x[l - 1], in, k->panels);
		column_sums(
			cpu_dense(b, sums, TENSOR_MLP + 2 * (int)l + 1), k->d[l], out, k->panels);
	}
}

/* The rows of user panel uq: what lies between their embedding rows and contributions stays in the
   second-level cache. */
static void panel_gradient(struct backend *b, struct block *k, uint32_t uq)
{
	gather_side(k, uq, &b->user, 0, 1, k->user, uq);
	for (uint32_t s = 0; s < b->items_per_row; s++)
		gather_side(k, uq, &b->item, s, b->items_per_row, k->item, s * k->user_panels + uq);
	forward(b, k, uq);
	losses(b, k, uq);
	backward_head(b, k, uq);
	if (b->num_hidden > 0)
		backward_hidden(b, k, uq);
	store_side(k, uq, &b->user, 0, 1, k->duser, uq);
	for (uint32_t s = 0; s < b->items_per_row; s++)
		store_side(k, uq, &b->item, s, b->items_per_row, k->ditem, s);
}

/* A block of k->rows rows from k->first on: stores their contributions, adds to the job's
   dense sums and returns the sum of their losses. */
static double block_gradient(struct backend *b, struct block *k, float *sums)
{
	double loss = 0;

	k->user_panels = (k->rows + STRETCH_ROWS - 1) / STRETCH_ROWS * STRETCH_PANELS;
	k->panels = k->user_panels * b->items_per_row;
	if (b->items_per_row == 1)
		memcpy(k->label, b->label + k->first, k->rows * sizeof(*k->label));
	for (uint32_t uq = 0; uq < k->user_panels; uq++)
		panel_gradient(b, k, uq);
	add_dense(b, k, sums);
	for (uint32_t r = 0; r < k->rows; r++)
		loss += k->loss[r];
	return loss;
}

/* Where the sums of dense gradients of a job begin. */
static float *start_sums(const struct backend *b, size_t job)
{
	float *sums = b->dense_gradient + job * b->dense_size;

	memset(sums, 0, b->dense_size * sizeof(*sums));
	if (b->biases && job == 0)
		*cpu_dense(b, sums, TENSOR_GLOBAL_BIAS) = (float)b->l2 * *b->head_bias;
	return sums;
}

static void gradient(struct backend *b, size_t job, void *scratch)
{
	float *sums = start_sums(b, job);
	struct block k;
	uint32_t end;
	double loss = 0;

	block_layout(b, &k, scratch);
	for (cpu_job_rows(b, job, &k.first, &end); k.first < end; k.first += CPU_BLOCK) {
		k.rows = end - k.first < CPU_BLOCK ? end - k.first : CPU_BLOCK;
		loss += block_gradient(b, &k, sums);
	}
	b->job_loss[job] = loss;
}

#endif
