/*
 * panel_score: scores of up to CPU_SCORE_USERS users, one panel of items at a time.
 *
 * The item half of the network is kept for all items as panels of F + H1 columns: head.weight x
 * gmf_item, then W1i mlp_item; or of F + 1, gmf_item and item_bias. (With cosines gmf_item is
 * normalized, as a user's row is.) That leaves F + H1 operations per pair and the layers above the
 * first; a panel's columns stay in the first cache for all users of the call.
 */
#ifndef PANEL_SCORE_H
#define PANEL_SCORE_H

#include "cpu/ccl.h"
#include "cpu/cpu.h"
#include "cpu/dots.h"
#include "cpu/panel.h"

#include <string.h>

/* Columns of a panel of item_half that make a sum of products with a user's: with biases one more,
   of the item's bias and the user's 1. */
static uint32_t product_columns(const struct backend *b)
{
	return b->factors + b->biases;
}

/* Columns of a panel of item_half. */
static uint32_t half_columns(const struct backend *b)
{
	return product_columns(b) + (b->num_hidden > 0 ? b->hidden[0] : 0);
}

static size_t item_half_size(const struct backend *b)
{
	return ((size_t)b->shape.num_items + PANEL_ROWS - 1) / PANEL_ROWS * half_columns(b) *
	       PANEL_ROWS;
}

/* Scratch memory of a call. */
struct score_scratch {
	float *user;	  /* (users, F) gmf rows, or (users, F + 1) */
	float *user_bias; /* (users) what begins the sum: head.bias, or global bias + user's */
	float *user_half; /* (users, H1) W1u p + b of cpu.h */
	vf *gmf;	  /* (users) columns: logits of the gmf branch */
	vf *x[2];	  /* (widest layer) columns: outputs of two layers, used in turn */
	vf *items;	  /* a panel of embedding rows (F or E), or of item halves (F + H1) */
};

static size_t score_layout(const struct backend *b, struct score_scratch *s, char *base)
{
	const size_t panel = PANEL_GROUPS * sizeof(vf), users = CPU_SCORE_USERS * sizeof(float);
	char *top = base;

	s->gmf = cpu_take(&top, CPU_SCORE_USERS * panel);
	s->x[0] = cpu_take(&top, neumf_widest_hidden(&b->shape) * panel);
	s->x[1] = cpu_take(&top, neumf_widest_hidden(&b->shape) * panel);
	s->items = cpu_take(&top, ((size_t)half_columns(b) + b->mlp_factors + 3) * panel);
	s->user = cpu_take(&top, users * product_columns(b));
	s->user_bias = cpu_take(&top, users);
	s->user_half = cpu_take(&top, users * neumf_widest_hidden(&b->shape));
	return (size_t)(top - base);
}

static size_t score_scratch(const struct backend *b)
{
	struct score_scratch s;

	return score_layout(b, &s, NULL);
}

/* Rows of items first, first + 1 ... of a table into the lanes of a panel; lanes from `end` on
   repeat an item. */
static void gather_items(
	const struct cpu_side *side, unsigned branch, uint32_t first, uint32_t end, vf *out)
{
	for (unsigned j = 0; j < PANEL_GROUPS; j++) {
		const uint32_t from = end - first > j * LANES ? first + j * LANES : first;
		uint32_t id[LANES];

		for (uint32_t l = 0; l < LANES; l++)
			id[l] = end - from > l ? from + l : from;
		gather(out + j, side->table[branch], side->cols[branch], id);
	}
}

/* Divide the n columns of a panel by the norm of each example. */
static void normalize_panel(vf *panel, uint32_t n)
{
	for (unsigned j = 0; j < PANEL_GROUPS; j++) {
		vf squares = { 0 };

		for (uint32_t c = 0; c < n; c++)
			squares = fused(
				panel[c * PANEL_GROUPS + j], panel[c * PANEL_GROUPS + j], squares);
		for (unsigned l = 0; l < LANES; l++)
			squares[l] = inverse_norm(squares[l]);
		for (uint32_t c = 0; c < n; c++)
			panel[c * PANEL_GROUPS + j] *= squares;
	}
}

/* `first` is a multiple of PANEL_ROWS. */
static void item_halves(struct backend *b, void *scratch, uint32_t first, uint32_t end)
{
	const uint32_t f = b->factors, e = b->mlp_factors;
	struct score_scratch s;

	score_layout(b, &s, scratch);
	for (; first < end; first += PANEL_ROWS) {
		vf *to = (vf *)(b->item_half + (size_t)first * half_columns(b));

		if (f > 0) {
			gather_items(&b->item, 0, first, end, s.items);
			if (neumf_cosine(&b->shape))
				normalize_panel(s.items, f);
			for (uint32_t c = 0; c < f * PANEL_GROUPS; c++)
				to[c] = b->head[c / PANEL_GROUPS] * s.items[c];
		}
		if (b->biases) {
			gather_items(&b->item, 1, first, end, s.items);
			memcpy(to + (size_t)f * PANEL_GROUPS, s.items, PANEL_GROUPS * sizeof(*to));
		}
		if (b->num_hidden > 0) {
			const struct product half = { b->weight[0] + e, 2 * e, 1, b->hidden[0], e };

			gather_items(&b->item, 1, first, end, s.items);
			product_panel(&half, FROM_ZERO, AS_IT_IS, s.items, NULL, NULL,
				to + (size_t)f * PANEL_GROUPS);
		}
	}
}

/* W1u p + b of cpu.h for the mlp row p of a user. */
static void user_half(const struct backend *b, const float *p, float *half)
{
	const uint32_t e = b->mlp_factors, out = b->hidden[0];
	const size_t ld = 2 * (size_t)e;
	const float *row[4];
	uint32_t o = 0;

	memcpy(half, b->bias[0], out * sizeof(*half));
	for (; o + 4 <= out; o += 4) {
		for (uint32_t k = 0; k < 4; k++)
			row[k] = b->weight[0] + (o + k) * ld;
		add4(half + o, dots(4, row, p, e), 4);
	}
	for (; o < out; o++) {
		row[0] = b->weight[0] + o * ld;
		add4(half + o, dots(1, row, p, e), 1);
	}
}

/* The users' part of the scratch memory: gmf rows, biases and halves of the first layer. */
static void user_halves(
	const struct backend *b, const struct score_scratch *s, const uint32_t *user, uint32_t n)
{
	const uint32_t f = b->factors, e = b->mlp_factors, width = product_columns(b);

	for (uint32_t k = 0; k < n; k++) {
		if (f > 0)
			memcpy(s->user + k * width, b->user.table[0] + (size_t)user[k] * f,
				f * sizeof(float));
		if (neumf_cosine(&b->shape)) {
			const float norm =
				row_inverse_norm(b->user.table[0] + (size_t)user[k] * f, f);

			for (uint32_t c = 0; c < f; c++)
				s->user[k * width + c] *= norm;
		}
		s->user_bias[k] = *b->head_bias;
		if (b->biases) {
			s->user[k * width + f] = 1;
			s->user_bias[k] += b->user.table[1][user[k]];
		}
		if (b->num_hidden > 0)
			user_half(b, b->user.table[1] + (size_t)user[k] * e,
				s->user_half + (size_t)k * b->hidden[0]);
	}
}

/* Scores of a panel of items for user k of the call. */
static void score_panel(const struct backend *b, const struct score_scratch *s, const vf *items,
	uint32_t k, vf *score)
{
	const uint32_t f = b->factors, last = b->num_hidden - 1;
	const vf *x = s->x[0];

	if (b->num_hidden == 0) {
		memcpy(score, s->gmf + k * PANEL_GROUPS, PANEL_GROUPS * sizeof(*score));
	} else {
		const float *half = s->user_half + (size_t)k * b->hidden[0];
		const struct product head = { b->head + f, 0, 1, 1, b->hidden[last] };

		for (uint32_t c = 0; c < b->hidden[0] * PANEL_GROUPS; c++)
			s->x[0][c] = relu(half[c / PANEL_GROUPS] + items[f * PANEL_GROUPS + c]);
		for (uint32_t l = 1; l <= last; l++) {
			const uint32_t in = b->hidden[l - 1];
			const struct product layer = { b->weight[l], in, 1, b->hidden[l], in };

			product_panel(
				&layer, FROM_BIAS, WITH_RELU, x, b->bias[l], NULL, s->x[l % 2]);
			x = s->x[l % 2];
		}
		product_panel(
			&head, FROM_OTHER, AS_IT_IS, x, NULL, s->gmf + k * PANEL_GROUPS, score);
	}
	if (b->shape.sigmoid_output)
		for (unsigned j = 0; j < PANEL_GROUPS; j++)
			for (unsigned l = 0; l < LANES; l++)
				score[j][l] = neumf_sigmoid(score[j][l]);
}

/* The gmf branch of the logits of all users of the call: bias + user . items. */
static void gmf_logits(
	const struct backend *b, const struct score_scratch *s, const vf *items, uint32_t users)
{
	const uint32_t width = product_columns(b);
	const struct product gmf = { s->user, width, 1, users, width };

	product_panel(&gmf, FROM_BIAS, AS_IT_IS, items, s->user_bias, NULL, s->gmf);
}

static void score_block(const struct backend *b, void *scratch, const uint32_t *user,
	uint32_t users, uint32_t first, uint32_t end, float *score, size_t ld)
{
	const uint32_t n = half_columns(b);
	struct score_scratch s;

	score_layout(b, &s, scratch);
	user_halves(b, &s, user, users);
	for (uint32_t i = first - first % PANEL_ROWS; i < end; i += PANEL_ROWS) {
		const vf *items = (const vf *)(b->item_half + (size_t)i * n);
		const uint32_t from = i < first ? first : i;
		const uint32_t to = end - i < PANEL_ROWS ? end : i + PANEL_ROWS;

		gmf_logits(b, &s, items, users);
		for (uint32_t k = 0; k < users; k++) {
			vf panel[PANEL_GROUPS];

			score_panel(b, &s, items, k, panel);
			memcpy(score + k * ld + (from - first), (const float *)panel + (from - i),
				(to - from) * sizeof(*score));
		}
	}
}

/* Scores of n <= PANEL_ROWS items for user 0 of the call; their columns form a panel. */
static void score_items(const struct backend *b, const struct score_scratch *s,
	const uint32_t *item, uint32_t n, float *score)
{
	const uint32_t columns = half_columns(b);
	vf panel[PANEL_GROUPS];

	for (uint32_t l = 0; l < n; l++) {
		const float *from = b->item_half +
				    (size_t)(item[l] / PANEL_ROWS) * columns * PANEL_ROWS +
				    item[l] % PANEL_ROWS;

		for (uint32_t c = 0; c < columns; c++)
			((float *)s->items)[c * PANEL_ROWS + l] = from[c * PANEL_ROWS];
	}
	gmf_logits(b, s, s->items, 1);
	score_panel(b, s, s->items, 0, panel);
	memcpy(score, panel, n * sizeof(*score));
}

static void score_pairs(const struct backend *b, void *scratch, size_t n, const uint32_t *user,
	const uint32_t *item, float *score)
{
	struct score_scratch s;

	score_layout(b, &s, scratch);
	for (size_t k = 0, run; k < n; k += run) {
		if (k == 0 || user[k] != user[k - 1])
			user_halves(b, &s, user + k, 1);
		for (run = 1; run < PANEL_ROWS && k + run < n && user[k + run] == user[k];)
			run++;
		score_items(b, &s, item + k, (uint32_t)run, score + k);
	}
}

#endif
