/*
 * test_ops_scores: pairs and blocks of scores, ranks and top lists against plain loops.
 */
#include "cuda/device.h"
#include "op_test.h"

static void test_pair_forward(uint32_t users, uint32_t items, uint32_t H, bool pairs)
{
	uint32_t rows = pairs ? users : users * items;
	struct floats user_half = floats_random((size_t)users * H, 1);
	struct floats item_half = floats_random((size_t)(pairs ? users : items) * H, 1);
	struct floats bias = floats_random(H, 1), y = floats_empty((size_t)rows * H);
	double *want = doubles(y.n);

	for (uint32_t r = 0; r < rows; r++)
		for (uint32_t k = 0; k < H; k++) {
			uint32_t user = pairs ? r : r / items, item = pairs ? r : r % items;
			double v = (double)user_half.host[user * H + k] +
				   item_half.host[item * H + k] + bias.host[k];

			want[r * H + k] = v > 0 ? v : 0;
		}
	pair_forward_cuda(
		stream, user_half.dev, item_half.dev, bias.dev, rows, pairs ? 0 : items, H, y.dev);
	double e = compare(&y, want);
	CHECK(e <= 1e-6, "pair_forward: %u users, %u items, H %u%s: error %.2g", users, items, H,
		pairs ? ", pairs" : "", e);
	floats_free(&user_half);
	floats_free(&item_half);
	floats_free(&bias);
	floats_free(&y);
}

/* `items` 0: as many pairs as users; else a tile of a block that is two items wider. */
static void test_score_output(
	uint32_t users, uint32_t items, uint32_t F, uint32_t H, bool head, bool sigmoid)
{
	enum { USERS = 19, ITEMS = 90, FIRST = 5 };
	uint32_t rows = items ? users * items : users, width = items ? items + 2 : 1;
	struct floats gu = floats_random(USERS * F, 1), gi = floats_random(ITEMS * F, 1);
	struct floats x = floats_random((size_t)rows * H, 1), w = floats_random(F + H, 1),
		      bias = floats_random(1, 1);
	struct floats score = floats_random((size_t)users * width, 0);
	struct ids user = ids_random(users, USERS), item = ids_random(users, ITEMS);
	double *want = doubles(score.n);
	struct score_output a;

	memset(&a, 0, sizeof(a));
	a.gmf_user = gu.dev;
	a.gmf_item = gi.dev;
	a.user = user.dev;
	a.item = item.dev;
	a.first = FIRST;
	a.items = items;
	a.x = x.dev;
	a.head = head ? w.dev : NULL;
	a.bias = sigmoid ? NULL : bias.dev;
	a.rows = rows;
	a.F = F;
	a.H = H;
	a.sigmoid_output = sigmoid;
	a.width = width;
	a.score = score.dev;
	score_output_cuda(stream, &a);
	for (uint32_t r = 0; r < rows; r++) {
		uint32_t u = user.host[items ? r / items : r],
			 i = items ? FIRST + r % items : item.host[r];
		double sum = sigmoid ? 0 : bias.host[0];

		for (uint32_t k = 0; k < F; k++)
			sum += (head ? w.host[k] : 1.0) * gu.host[u * F + k] * gi.host[i * F + k];
		for (uint32_t k = 0; k < H; k++)
			sum += (double)w.host[F + k] * x.host[r * H + k];
		want[items ? r / items * width + r % items : r] =
			sigmoid ? 1 / (1 + exp(-sum)) : sum;
	}
	double e = compare(&score, want);
	CHECK(e <= 2e-6, "score_output: %u users, %u items, F %u, H %u%s: error %.2g", users, items,
		F, H, sigmoid ? ", sigmoid" : "", e);
	struct floats *all[] = { &gu, &gi, &x, &w, &bias, &score };
	for (unsigned i = 0; i < 6; i++)
		floats_free(all[i]);
	ids_free(&user);
	ids_free(&item);
}

/* ---- ranks: rows of few values (so with ties), some of them -0, and lists of places ---- */

struct rows {
	struct floats score;
	struct ids removed_start, removed, wanted_start, wanted;
	uint32_t rows, width;
	struct rank_rows a;
};

/* In row r every fifth place from r on is removed, every seventh wanted; in row 0 none. */
static struct rows rows_new(uint32_t rows, uint32_t width, uint32_t values)
{
	struct rows t = { floats_empty((size_t)rows * width), ids_empty(rows + 1),
		ids_empty((size_t)rows * width), ids_empty(rows + 1),
		ids_empty((size_t)rows * width), rows, width, { NULL, 0, 0, NULL, NULL, NULL } };
	uint32_t removed = 0, wanted = 0;

	for (size_t i = 0; i < t.score.n; i++) {
		int v = (int)rng_below(&test_rng, values) - (int)(values / 2);

		t.score.host[i] = v ? (float)v / 8 : rng_below(&test_rng, 2) ? -0.0f : 0.0f;
	}
	for (uint32_t r = 0; r < rows; r++) {
		t.removed_start.host[r] = removed;
		t.wanted_start.host[r] = wanted;
		for (uint32_t i = r; r && i < width; i++) {
			if (i % 5 == r % 5)
				t.removed.host[removed++] = i;
			else if (i % 7 == r % 7)
				t.wanted.host[wanted++] = i;
		}
	}
	t.removed_start.host[rows] = removed;
	t.wanted_start.host[rows] = wanted;
	put_bytes(t.removed_start.dev, t.removed_start.host, (rows + 1) * sizeof(uint32_t));
	put_bytes(t.wanted_start.dev, t.wanted_start.host, (rows + 1) * sizeof(uint32_t));
	put_bytes(t.removed.dev, t.removed.host, removed * sizeof(uint32_t));
	put_bytes(t.wanted.dev, t.wanted.host, wanted * sizeof(uint32_t));
	floats_put(&t.score);
	t.a.score = t.score.dev;
	t.a.rows = rows;
	t.a.width = width;
	t.a.removed_start = t.removed_start.dev;
	t.a.removed = t.removed.dev;
	return t;
}

static void rows_free(struct rows *t)
{
	floats_free(&t->score);
	ids_free(&t->removed_start);
	ids_free(&t->removed);
	ids_free(&t->wanted_start);
	ids_free(&t->wanted);
}

/* Mask with a bad score in the last row, then without it. */
static void test_mask(struct rows *t)
{
	struct ids bad = ids_empty(t->rows);
	uint32_t at = t->width * 3 / 4, wrong = 0;
	float *last = t->score.host + (size_t)(t->rows - 1) * t->width, kept = last[at];

	last[at] = at % 2 ? NAN : INFINITY;
	floats_put(&t->score);
	t->a.bad = bad.dev;
	rank_mask_cuda(stream, &t->a);
	ids_get(&bad);
	for (uint32_t r = 0; r < t->rows; r++)
		wrong += bad.host[r] != (r + 1 < t->rows ? t->width : at);
	CHECK(!wrong, "rank_mask: %u x %u: %u of the bad places wrong", t->rows, t->width, wrong);
	last[at] = kept;
	floats_put(&t->score);
	rank_mask_cuda(stream, &t->a);
	for (uint32_t r = 0; r < t->rows; r++)
		for (uint32_t p = t->removed_start.host[r]; p < t->removed_start.host[r + 1]; p++)
			t->score.host[(size_t)r * t->width + t->removed.host[p]] = -INFINITY;
	float *want = (float *)xmalloc(t->score.n, sizeof(float));
	memcpy(want, t->score.host, t->score.n * sizeof(float));
	floats_get(&t->score);
	CHECK(!memcmp(want, t->score.host, t->score.n * sizeof(float)),
		"rank_mask: %u x %u: removed", t->rows, t->width);
	free(want);
	ids_free(&bad);
	t->a.bad = NULL;
}

static void test_count(struct rows *t)
{
	uint32_t wanted = t->wanted_start.host[t->rows], wrong = 0;
	struct rank_place *dev = (struct rank_place *)dev_bytes(wanted * sizeof(*dev));
	struct rank_place *got = (struct rank_place *)xcalloc(wanted, sizeof(*got));

	rank_count_cuda(stream, &t->a, t->wanted_start.dev, t->wanted.dev, dev);
	get_bytes(got, dev, wanted * sizeof(*got));
	for (uint32_t r = 0; r < t->rows; r++)
		for (uint32_t p = t->wanted_start.host[r]; p < t->wanted_start.host[r + 1]; p++) {
			const float *row = t->score.host + (size_t)r * t->width;
			uint32_t at = t->wanted.host[p], above = 0, ties = 0, before = 0;

			for (uint32_t i = 0; i < t->width; i++) {
				above += row[i] > row[at];
				ties += i != at && row[i] == row[at];
				before += i < at && row[i] == row[at];
			}
			wrong += got[p].above != above || got[p].ties != ties ||
				 got[p].ties_before != before;
		}
	CHECK(!wrong, "rank_count: %u x %u: %u of %u places wrong", t->rows, t->width, wrong,
		wanted);
	CUDA(cudaFree(dev));
	free(got);
}

/* The places of the k best of a row, ascending, found by counting for each place how many are
   better. */
static uint32_t top_plain(const float *row, uint32_t width, uint32_t k, uint32_t *out)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < width; i++) {
		uint32_t better = 0;

		for (uint32_t j = 0; j < width; j++)
			better += row[j] > row[i] || (row[j] == row[i] && j < i);
		if (better < k && row[i] > -INFINITY)
			out[n++] = i;
	}
	return n;
}

static void test_top(struct rows *t, uint32_t k)
{
	struct ids top = ids_empty((size_t)t->rows * k), num = ids_empty(t->rows);
	struct floats best = floats_empty((size_t)t->rows * k);
	uint32_t *want = (uint32_t *)xcalloc(k, sizeof(*want)), wrong = 0;

	rank_top_cuda(stream, &t->a, k, top.dev, best.dev, num.dev);
	ids_get(&top);
	ids_get(&num);
	floats_get(&best);
	for (uint32_t r = 0; r < t->rows; r++) {
		const float *row = t->score.host + (size_t)r * t->width;
		uint32_t n = top_plain(row, t->width, k, want);

		wrong += n != num.host[r];
		for (uint32_t i = 0; i < n; i++)
			wrong += top.host[r * k + i] != want[i] ||
				 best.host[r * k + i] != row[want[i]];
	}
	CHECK(!wrong, "rank_top: %u best of %u x %u: %u wrong", k, t->rows, t->width, wrong);
	free(want);
	ids_free(&top);
	ids_free(&num);
	floats_free(&best);
}

static void test_ranks(uint32_t rows, uint32_t width, uint32_t values)
{
	struct rows t = rows_new(rows, width, values);

	test_mask(&t);
	test_count(&t);
	test_top(&t, 1);
	test_top(&t, 10);
	test_top(&t, width + 1);
	rows_free(&t);
}

/* A million, but where their activations would take more than 1 GiB or wrap in 32 bits. */
static void test_pairs_at_a_time(void)
{
	CHECK(device_pairs_at_a_time(0) == 1 << 20 && device_pairs_at_a_time(128) == 1 << 20,
		"a million pairs of up to 128 numbers");
	for (uint32_t widest = 129; widest <= NEUMF_MAX_WIDTH; widest += widest < 9000 ? 997 : 4096)
		CHECK((uint64_t)device_pairs_at_a_time(widest) * widest <= 1u << 27 &&
				device_pairs_at_a_time(widest) >= (1u << 26) / widest,
			"width %u: %u pairs at a time", widest, device_pairs_at_a_time(widest));
}

int main(void)
{
	op_test_start("test_ops_scores");
	test_pairs_at_a_time();
	test_pair_forward(1, 1, 1, false);
	test_pair_forward(3, 31, 33, false);
	test_pair_forward(257, 1, 10, true);
	test_score_output(1, 1, 1, 1, true, false);
	test_score_output(7, 31, 10, 33, true, true);
	test_score_output(257, 0, 33, 10, true, false);
	test_score_output(31, 0, 64, 0, false, true);
	test_score_output(9, 81, 0, 40, true, false);
	test_score_output(5, 80, 64, 64, true, false);
	test_pair_forward(5, 50, 256, false);
	test_ranks(1, 1, 1);
	test_ranks(3, 31, 4);
	test_ranks(5, 257, 1000000);
	test_ranks(4, 1000, 9);
	test_ranks(3, 300, 1); /* 0 and -0 only: all are equal */
	return op_test_end();
}
