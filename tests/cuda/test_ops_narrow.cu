/*
 * test_ops_narrow: scores of narrow networks, blocks and pairs, against plain loops in double. Layers
 * are given by their widths.
 */
#include "op_test.h"

#include <initializer_list>

struct narrow_test {
	struct floats user_half, item_half, weights, biases, gu, gi, head, bias;
	struct ids user, item;
	struct narrow_scores a;
};

enum { TABLE = 19, FIRST_ITEM = 3 };

static struct narrow_test narrow_new(
	uint32_t users, uint32_t items, uint32_t F, std::initializer_list<uint32_t> widths)
{
	const uint32_t H1 = *widths.begin(), H = *(widths.end() - 1), table = FIRST_ITEM + items;
	uint32_t weights = 0, biases = 0, in = 0;
	struct narrow_test t = { floats_random((size_t)users * H1, 1),
		floats_random((size_t)items * H1, 1), {}, {}, floats_random(TABLE * F, 1),
		floats_random((size_t)table * F, 1), floats_random(F + H, 1), floats_random(1, 1),
		ids_random(users, TABLE), ids_random(items, table), {} };

	for (uint32_t out : widths) {
		weights += in * out;
		biases += out;
		in = out;
	}
	t.weights = floats_random(weights, 1);
	t.biases = floats_random(biases, 1);
	weights = biases = in = 0;
	for (uint32_t out : widths) {
		struct narrow_layer *l = &t.a.layer[t.a.num_layers++];

		l->weight = t.weights.dev + weights;
		l->bias = t.biases.dev + biases;
		l->out = out;
		weights += in * out;
		biases += out;
		in = out;
	}
	t.a.to.F = F;
	t.a.to.H = H;
	t.a.to.gmf_user = t.gu.dev;
	t.a.to.gmf_item = t.gi.dev;
	t.a.to.head = t.head.dev;
	t.a.to.first = FIRST_ITEM;
	t.a.user_half = t.user_half.dev;
	t.a.item_half = t.item_half.dev;
	return t;
}

static void narrow_free(struct narrow_test *t)
{
	struct floats *all[] = { &t->user_half, &t->item_half, &t->weights, &t->biases, &t->gu,
		&t->gi, &t->head, &t->bias };

	for (unsigned i = 0; i < 8; i++)
		floats_free(all[i]);
	ids_free(&t->user);
	ids_free(&t->item);
}

/* The score of half u with half i and row `item` of the table, in double. */
static double narrow_plain(const struct narrow_test *t, uint32_t u, uint32_t i, uint32_t item)
{
	const struct narrow_scores *a = &t->a;
	const float *w = t->weights.host, *b = t->biases.host;
	const uint32_t F = a->to.F, H1 = a->layer[0].out;
	double x[64], y[64], sum = a->to.bias ? t->bias.host[0] : 0;

	for (uint32_t l = 0; l < a->num_layers; l++) {
		uint32_t out = a->layer[l].out, in = l ? a->layer[l - 1].out : 0;

		for (uint32_t j = 0; j < out; j++) {
			y[j] = b[j];
			if (!l)
				y[j] += (double)t->user_half.host[u * H1 + j] +
					t->item_half.host[i * H1 + j];
			for (uint32_t k = 0; k < in; k++)
				y[j] += x[k] * w[j * in + k];
			y[j] = y[j] > 0 ? y[j] : 0;
		}
		memcpy(x, y, sizeof(x));
		w += in * out;
		b += out;
	}
	for (uint32_t k = 0; k < F; k++)
		sum += (double)t->head.host[k] * t->gu.host[t->user.host[u] * F + k] *
		       t->gi.host[item * F + k];
	for (uint32_t k = 0; k < a->to.H; k++)
		sum += t->head.host[F + k] * x[k];
	return a->to.sigmoid_output ? 1 / (1 + exp(-sum)) : sum;
}

/* A block two items wider than what is scored, then the same pairs one by one: the same bits. */
static void test_narrow(uint32_t users, uint32_t items, uint32_t F,
	std::initializer_list<uint32_t> widths, bool sigmoid)
{
	struct narrow_test t = narrow_new(users, items, F, widths);
	struct floats block = floats_random((size_t)users * (items + 2), 0);
	struct floats pairs = floats_empty((size_t)users * items);
	const uint32_t H1 = t.a.layer[0].out;
	double *want = doubles(block.n);

	t.a.to.sigmoid_output = sigmoid;
	t.a.to.bias = sigmoid ? NULL : t.bias.dev;
	t.a.to.user = t.user.dev;
	t.a.to.items = items;
	t.a.to.rows = users * items;
	t.a.to.width = items + 2;
	t.a.to.score = block.dev;
	bool fits = score_narrow_plan(&t.a);
	score_narrow_cuda(stream, &t.a);
	for (uint32_t u = 0; u < users; u++)
		for (uint32_t i = 0; i < items; i++)
			want[u * (items + 2) + i] = narrow_plain(&t, u, i, FIRST_ITEM + i);
	double e = compare(&block, want);
	/* user u with each of the items, as pairs whose halves are side by side */
	struct floats half = floats_empty((size_t)items * H1);
	struct ids user = ids_empty(items), item = ids_empty(items);
	size_t other = 0;
	for (uint32_t u = 0; u < users; u++) {
		for (uint32_t i = 0; i < items; i++) {
			user.host[i] = t.user.host[u];
			item.host[i] = FIRST_ITEM + i;
			memcpy(half.host + (size_t)i * H1, t.user_half.host + (size_t)u * H1,
				H1 * sizeof(float));
		}
		put_bytes(user.dev, user.host, items * sizeof(uint32_t));
		put_bytes(item.dev, item.host, items * sizeof(uint32_t));
		floats_put(&half);
		struct narrow_scores a = t.a;
		a.user_half = half.dev;
		a.to.user = user.dev;
		a.to.item = item.dev;
		a.to.items = 0;
		a.to.rows = items;
		a.to.width = 1;
		a.to.score = pairs.dev + (size_t)u * items;
		score_narrow_cuda(stream, &a);
		CUDA(cudaStreamSynchronize(stream));
	}
	floats_get(&pairs);
	for (size_t k = 0; k < pairs.n; k++)
		other += pairs.host[k] != block.host[k / items * (items + 2) + k % items];
	CHECK(fits && e <= 2e-6 && !other,
		"score_narrow: %u users, %u items, F %u, %zu layers from %u to %u%s: error %.2g, "
		"%zu differ as pairs",
		users, items, F, widths.size(), H1, t.a.to.H, sigmoid ? ", sigmoid" : "", e, other);
	struct floats *all[] = { &block, &pairs, &half };
	for (unsigned i = 0; i < 3; i++)
		floats_free(all[i]);
	ids_free(&user);
	ids_free(&item);
	narrow_free(&t);
}

/* Networks whose weights, or columns, are too many. */
static void test_narrow_fits(void)
{
	struct narrow_scores a = {};

	for (uint32_t out : { 64u, 16u, 64u })
		a.layer[a.num_layers++].out = out;
	a.to.H = 64;
	bool small = score_narrow_plan(&a);
	a.to.F = 12000;
	bool head = score_narrow_plan(&a);
	a.to.F = 0;
	a.layer[1].out = 500;
	CHECK(small && !head && !score_narrow_plan(&a),
		"score_narrow: what fits, and what does not");
}

int main(void)
{
	op_test_start("test_ops_narrow");
	test_narrow(1, 1, 1, { 1 }, false);
	test_narrow(6, 131, 10, { 10, 10, 10 }, false);
	test_narrow(9, 40, 16, { 32, 16, 8 }, true);
	test_narrow(4, 33, 0, { 7, 13, 64, 3 }, false);
	test_narrow(3, 70, 5, { 64, 16, 64 }, false); /* one user at a time */
	test_narrow_fits();
	return op_test_end();
}
