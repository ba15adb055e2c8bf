/*
 * score_driver: the forward pass without a batch. The first layer is computed in halves: the user
 * half once per call, the item half once per version of the parameters; the rest for every pair,
 * device_pairs_at_a_time() at a time: of a narrow network in one kernel, else layer by layer.
 */
#include "cuda/device.h"

/* Pairs whose ids come from the host, at a time: the copies take longer than the launches. */
static const size_t MOST_PAIRS = 65536;

/* half (n, H1) = x (n, E) w[:, offset..offset + E)^T. Where the kernel is narrow, the bits of a row
   do not depend on n. */
static void first_layer_half(
	struct backend *b, const float *x, uint32_t n, uint32_t offset, float *half)
{
	const float *w = device_param(b, TENSOR_MLP)->value + offset;
	uint32_t E = b->E, out = b->shape.hidden[0];

	if (narrow_fits(E, out))
		narrow_forward_cuda(b->stream, x, E, w, 2 * E, NULL, n, E, out, half);
	else
		dense_forward_cuda(b->blas, x, E, w, 2 * E, n, E, out, half);
}

static float *claim_floats(struct backend *b, size_t n)
{
	return (float *)device_claim(b, n, sizeof(float));
}

/* Pairs at a time. */
static uint32_t most_pairs(const struct backend *b)
{
	const uint32_t hidden = neumf_widest_hidden(&b->shape);

	return device_pairs_at_a_time(b->E > hidden ? b->E : hidden);
}

/* Is all but the first layer for one kernel? */
static bool one_kernel(struct backend *b)
{
	struct score_scratch *s = &b->scores;
	struct narrow_scores *a = &s->narrow;

	if (s->planned || !b->E)
		return s->fits;
	s->planned = s->fits = true;
	a->to.F = b->F;
	a->to.H = b->H;
	a->num_layers = b->shape.num_hidden;
	for (uint32_t l = 0; l < a->num_layers; l++) {
		a->layer[l].weight = device_weight(b, l)->value;
		a->layer[l].bias = device_bias(b, l)->value;
		a->layer[l].out = b->shape.hidden[l];
		s->fits = s->fits && (!l || device_narrow(b, l));
	}
	s->fits = s->fits && score_narrow_plan(a);
	return s->fits;
}

/* Make the scratch hold so many pairs at a time, users, items and scores; growing loses what it
   held. */
static void reserve(struct backend *b, size_t pairs, size_t users, size_t items, size_t scores)
{
	struct score_scratch *s = &b->scores;
	const size_t E = b->E, H = E ? b->shape.hidden[0] : 0;
	const size_t widest = neumf_widest_hidden(&b->shape);

	if (s->pairs >= pairs && s->users >= users && s->items >= items && s->scores >= scores)
		return;
	if (s->scores)
		device_free(b, s->mark);
	s->mark = b->num_allocations;
	s->pairs = s->pairs > pairs ? s->pairs : pairs;
	s->users = s->users > users ? s->users : users;
	s->items = s->items > items ? s->items : items;
	s->scores = s->scores > scores ? s->scores : scores;
	s->held = 0;
	s->user = (uint32_t *)device_claim(b, s->users, sizeof(uint32_t));
	s->item = (uint32_t *)device_claim(b, s->items, sizeof(uint32_t));
	s->score = claim_floats(b, s->scores);
	if (!E)
		return;
	s->user_rows = claim_floats(b, s->users * E);
	s->item_rows = claim_floats(b, (s->items < MOST_PAIRS ? s->items : MOST_PAIRS) * E);
	s->user_half = claim_floats(b, s->users * H);
	s->item_half = claim_floats(b, s->items * H);
	for (int i = 0; i < 2 && !one_kernel(b); i++)
		s->act[i] = claim_floats(b, s->pairs * widest);
}

/* Layer by layer, from the halves of the first, for so many pairs; items: as struct score_output.
   Returns the output of the last. */
static const float *hidden_layers(
	struct backend *b, const float *user_half, uint32_t rows, uint32_t items)
{
	struct score_scratch *s = &b->scores;

	for (uint32_t l = 0; l < b->shape.num_hidden; l++) {
		const float *w = device_weight(b, l)->value;
		const float *bias = device_bias(b, l)->value, *x = s->act[~l & 1];
		uint32_t in = device_in(b, l), out = b->shape.hidden[l];
		float *y = s->act[l & 1];

		if (l == 0) {
			pair_forward_cuda(
				b->stream, user_half, s->item_half, bias, rows, items, out, y);
		} else if (device_narrow(b, l)) {
			narrow_forward_cuda(b->stream, x, in, w, in, bias, rows, in, out, y);
		} else {
			dense_forward_cuda(b->blas, x, in, w, in, rows, in, out, y);
			bias_relu_forward_cuda(b->stream, y, bias, rows, out);
		}
	}
	return s->act[(b->shape.num_hidden - 1) & 1];
}

/* All that follows the halves of the first layer, for so many pairs; items: as struct score_output,
   whose users are those from `user` on. */
static void score_rows(struct backend *b, uint32_t rows, size_t user, uint32_t first,
	uint32_t items, float *score, size_t width)
{
	struct score_scratch *s = &b->scores;
	const float *user_half = b->E ? s->user_half + user * b->shape.hidden[0] : NULL;
	struct score_output a;

	memset(&a, 0, sizeof(a));
	a.gmf_user = device_value(b, TENSOR_GMF_USER);
	a.gmf_item = device_value(b, TENSOR_GMF_ITEM);
	a.user = s->user + user;
	a.item = s->item;
	a.first = first;
	a.items = items;
	a.head = device_value(b, TENSOR_HEAD);
	a.bias = device_value(b, b->shape.bias ? TENSOR_GLOBAL_BIAS : TENSOR_HEAD_BIAS);
	a.user_bias = device_value(b, TENSOR_USER_BIAS);
	a.item_bias = device_value(b, TENSOR_ITEM_BIAS);
	a.rows = rows;
	a.F = b->F;
	a.H = b->H;
	a.sigmoid_output = b->shape.sigmoid_output;
	a.width = (uint32_t)width;
	a.score = score;
	if (one_kernel(b)) {
		struct narrow_scores narrow = s->narrow;

		narrow.to = a;
		narrow.user_half = user_half;
		narrow.item_half = s->item_half;
		score_narrow_cuda(b->stream, &narrow);
		return;
	}
	a.x = b->E ? hidden_layers(b, user_half, rows, items) : NULL;
	score_output_cuda(b->stream, &a);
}

static void put_ids(struct backend *b, uint32_t *device, const uint32_t *id, size_t n)
{
	CUDA(cudaMemcpyAsync(device, id, n * sizeof(*id), cudaMemcpyHostToDevice, b->stream));
}

static void user_halves(struct backend *b, uint32_t n)
{
	struct score_scratch *s = &b->scores;

	if (!b->E)
		return;
	rows_forward_cuda(
		b->stream, device_param(b, TENSOR_MLP_USER)->value, s->user, n, b->E, s->user_rows);
	first_layer_half(b, s->user_rows, n, 0, s->user_half);
}

void score_pairs(void *backend, size_t n, const uint32_t *user, const uint32_t *item, float *score)
{
	struct backend *b = (struct backend *)backend;
	struct score_scratch *s = &b->scores;
	size_t most = most_pairs(b) < MOST_PAIRS ? most_pairs(b) : MOST_PAIRS;

	most = n < most ? n : most;
	reserve(b, most, most, most, most);
	s->held = 0; /* item_half is overwritten below */
	for (size_t begin = 0; begin < n; begin += most) {
		uint32_t rows = (uint32_t)(n - begin < most ? n - begin : most);

		put_ids(b, s->user, user + begin, rows);
		put_ids(b, s->item, item + begin, rows);
		user_halves(b, rows);
		if (b->E) {
			rows_forward_cuda(b->stream, device_param(b, TENSOR_MLP_ITEM)->value,
				s->item, rows, b->E, s->item_rows);
			first_layer_half(b, s->item_rows, rows, b->E, s->item_half);
		}
		score_rows(b, rows, 0, 0, 0, s->score, 1);
		CUDA(cudaMemcpyAsync(score + begin, s->score, rows * sizeof(*score),
			cudaMemcpyDeviceToHost, b->stream));
		CUDA(cudaStreamSynchronize(b->stream));
	}
}

/* item_half of `items` items from `first` on, unless it holds them from an earlier call. */
static void item_halves(struct backend *b, uint32_t first, uint32_t items)
{
	struct score_scratch *s = &b->scores;

	if (!b->E || (s->held == items && s->first == first && s->version == b->version))
		return;
	first_layer_half(b, device_param(b, TENSOR_MLP_ITEM)->value + (size_t)first * b->E, items,
		b->E, s->item_half);
	s->first = first;
	s->held = items;
	s->version = b->version;
}

void score_on_device(
	struct backend *b, size_t n, const uint32_t *user, uint32_t first, uint32_t end)
{
	const size_t width = end - first, most = most_pairs(b), pairs = n * width;
	const uint32_t most_items = width < most ? (uint32_t)width : (uint32_t)most;

	reserve(b, pairs < most ? pairs : most, n, most_items, pairs);
	put_ids(b, b->scores.user, user, n);
	user_halves(b, (uint32_t)n);
	for (uint32_t begin = first; begin < end; begin += most_items) {
		uint32_t items = end - begin < most_items ? end - begin : most_items;
		size_t users = most / items;

		item_halves(b, begin, items);
		for (size_t k = 0; k < n; k += users) {
			uint32_t rows = (uint32_t)(n - k < users ? n - k : users);

			score_rows(b, rows * items, k, begin, items,
				b->scores.score + k * width + (begin - first), width);
		}
	}
}

void score_block(
	void *backend, size_t n, const uint32_t *user, uint32_t first, uint32_t end, float *score)
{
	struct backend *b = (struct backend *)backend;
	size_t width = end - first;

	if (!n || !width)
		return;
	score_on_device(b, n, user, first, end);
	CUDA(cudaMemcpyAsync(score, b->scores.score, n * width * sizeof(*score),
		cudaMemcpyDeviceToHost, b->stream));
	CUDA(cudaStreamSynchronize(b->stream));
}
