/*
 * cpu_wide_score: scores of wide networks. The item half of layer 1, W1i mlp_item, is kept for all items,
 * (num_items, H1); the user half is made once a user. What is left for a tile of pairs is the sum of the
 * two and a matrix product for each further layer.
 */
#include "cpu_kernels.h"
#include "cpu_wide.h"
#include "gemm.h"

enum { TILE_ITEMS = 256 };

struct room {
	float *user, *user_half; /* (F) gmf row times head, (H1) W1u p + b */
	float *x[2];		 /* (TILE_ITEMS, widest layer) */
	const uint32_t *item;	 /* the tile's items, or NULL: from `first` on */
	uint32_t first;
};

static size_t room_layout(const struct backend *b, struct room *r, char *base)
{
	const size_t widest = cpu_widest(b);
	char *top = base;

	r->user = cpu_take(&top, b->factors * sizeof(float));
	r->user_half = cpu_take(&top, b->hidden[0] * sizeof(float));
	r->x[0] = cpu_take(&top, TILE_ITEMS * widest * sizeof(float));
	r->x[1] = cpu_take(&top, TILE_ITEMS * widest * sizeof(float));
	return (size_t)(top - base);
}

size_t LEVEL(wide_score_scratch)(const struct backend *b)
{
	struct room r;

	return room_layout(b, &r, NULL);
}

size_t LEVEL(wide_items_size)(const struct backend *b)
{
	return (size_t)b->shape.num_items * b->hidden[0];
}

void LEVEL(wide_items)(struct backend *b, uint32_t first, uint32_t end)
{
	const uint32_t e = b->mlp_factors, width = b->hidden[0];

	gemm_nt(end - first, width, e, b->item.table[1] + (size_t)first * e, e, b->weight[0] + e,
		2 * e, 0, b->item_half + (size_t)first * width, width);
}

static void user_half(const struct backend *b, const struct room *r, uint32_t user)
{
	const uint32_t f = b->factors, e = b->mlp_factors;

	for (uint32_t c = 0; c < f; c++)
		r->user[c] = b->head[c] * b->user.table[0][(size_t)user * f + c];
	for (uint32_t o = 0; o < b->hidden[0]; o++)
		r->user_half[o] = b->bias[0][o] +
				  lanes_sum(dot_lanes(splat(0), b->weight[0] + (size_t)o * 2 * e,
					  b->user.table[1] + (size_t)user * e, e));
}

static uint32_t item_at(const struct room *r, uint32_t k)
{
	return r->item != NULL ? r->item[k] : r->first + k;
}

/* Scores of n <= TILE_ITEMS items for the room's user. */
static void score_tile(const struct backend *b, const struct room *r, uint32_t n, float *score)
{
	const uint32_t f = b->factors, last = b->num_hidden - 1, width = b->hidden[0];
	const float *x = r->x[0];

	for (uint32_t k = 0; k < n; k++)
		add_relu(r->x[0] + (size_t)k * width, r->user_half,
			b->item_half + (size_t)item_at(r, k) * width, width);
	for (uint32_t l = 1; l <= last; l++) {
		const uint32_t in = b->hidden[l - 1], out = b->hidden[l];

		gemm_nt(n, out, in, x, in, b->weight[l], in, 0, r->x[l % 2], out);
		bias_relu(r->x[l % 2], b->bias[l], n, out);
		x = r->x[l % 2];
	}
	for (uint32_t k = 0; k < n; k++) {
		vf sum = dot_lanes(
			splat(0), b->head + f, x + (size_t)k * b->hidden[last], b->hidden[last]);

		if (f > 0)
			sum = dot_lanes(
				sum, r->user, b->item.table[0] + (size_t)item_at(r, k) * f, f);
		score[k] = *b->head_bias + lanes_sum(sum);
	}
	if (b->shape.sigmoid_output)
		for (uint32_t k = 0; k < n; k++)
			score[k] = sigmoid_lanes(splat(score[k]))[0];
}

void LEVEL(wide_score)(const struct backend *b, void *scratch, const uint32_t *user, uint32_t users,
	uint32_t first, uint32_t end, float *score, size_t ld)
{
	struct room r;

	room_layout(b, &r, scratch);
	r.item = NULL;
	for (uint32_t k = 0; k < users; k++) {
		user_half(b, &r, user[k]);
		for (r.first = first; r.first < end; r.first += TILE_ITEMS)
			score_tile(b, &r, end - r.first < TILE_ITEMS ? end - r.first : TILE_ITEMS,
				score + k * ld + (r.first - first));
	}
}

void LEVEL(wide_score_pairs)(const struct backend *b, void *scratch, size_t n, const uint32_t *user,
	const uint32_t *item, float *score)
{
	struct room r;

	room_layout(b, &r, scratch);
	for (size_t k = 0, run; k < n; k += run) {
		if (k == 0 || user[k] != user[k - 1])
			user_half(b, &r, user[k]);
		for (run = 1; run < TILE_ITEMS && k + run < n && user[k + run] == user[k];)
			run++;
		r.item = item + k;
		score_tile(b, &r, (uint32_t)run, score + k);
	}
}
