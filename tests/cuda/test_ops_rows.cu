/*
 * test_ops_rows: sort and segmented sums against plain loops in double.
 */
#include "op_test.h"

/* ---- sort ---- */

/* One side of a sort, `id` its ids as they were. */
static void check_side(const char *name, const struct sorted *a, const uint32_t *id, uint32_t bound)
{
	const uint32_t n = a->n, slots = a->slot ? bound : 0;
	struct ids key = ids_empty(n), position = ids_empty(n), slot = ids_empty(slots);
	size_t disorder = 0, wrong = 0, bad_slot = 0;

	get_bytes(key.host, a->key, n * sizeof(uint32_t));
	get_bytes(position.host, a->position, n * sizeof(uint32_t));
	get_bytes(slot.host, a->slot, slots * sizeof(uint32_t));
	for (uint32_t j = 0; j < n; j++) {
		bool first = !j || key.host[j - 1] != key.host[j];

		/* ascending, and equal keys in their order: then the positions are a permutation,
		   too */
		disorder += j && (key.host[j - 1] > key.host[j] ||
					 (!first && position.host[j - 1] >= position.host[j]));
		wrong += position.host[j] >= n || id[position.host[j]] != key.host[j];
		bad_slot += slots && first && slot.host[key.host[j]] != j;
	}
	CHECK(!disorder && !wrong && !bad_slot,
		"sort: %u %s below %u: %zu out of order, %zu wrong, %zu slots wrong", n, name,
		bound, disorder, wrong, bad_slot);
	ids_free(&key);
	ids_free(&position);
	ids_free(&slot);
}

static void test_sort(uint32_t users, uint32_t user_bound, uint32_t items, uint32_t item_bound)
{
	uint32_t n = users + items;
	struct ids user = ids_random(users, user_bound), item = ids_random(items, item_bound);
	struct ids id = ids_empty(n), key = ids_empty(n), position = ids_empty(n);
	struct ids slot = ids_empty(item_bound);
	struct sorter s = sorter_new(n, user_bound, item_bound);
	struct sorted of[2] = { { users, key.dev, position.dev, NULL },
		{ items, key.dev + users, position.dev + users, slot.dev } };

	memcpy(id.host, user.host, users * sizeof(uint32_t));
	memcpy(id.host + users, item.host, items * sizeof(uint32_t));
	put_bytes(id.dev, id.host, n * sizeof(uint32_t));
	sort_ids_cuda(stream, &s, id.dev, &of[0], &of[1]);
	check_side("users", &of[0], user.host, user_bound);
	check_side("items", &of[1], item.host, item_bound);
	struct ids *all[] = { &user, &item, &id, &key, &position, &slot };
	for (unsigned i = 0; i < 6; i++)
		ids_free(all[i]);
	sorter_free(&s);
}

/* ---- segmented sums ---- */

/* Users (terms 2) or items (terms 1) of B rows, by a plain loop over the occurrences, into a dense
   table. */
static double *table_gradient(const struct segment *a, const uint32_t *id, const float *dx,
	const float *dlogit, const float *head, const float *other, const uint32_t *other_id,
	const float *value, uint32_t rows)
{
	double *out = doubles((size_t)rows * a->cols);

	for (uint32_t o = 0; o < a->n; o++)
		for (uint32_t k = 0; k < a->cols; k++) {
			double *to = &out[(size_t)id[o] * a->cols + k];

			for (uint32_t t = 0; t < a->terms; t++) {
				uint32_t s = o + t * a->batch;

				*to += dx ? dx[(size_t)s * a->stride + k]
					  : (double)dlogit[s] * (head ? head[k] : 1) *
						       other[(size_t)other_id[s % a->other_mod] *
								       a->cols +
							       k];
			}
			*to += (double)a->l2 * value[(size_t)id[o] * a->cols + k];
		}
	return out;
}

/* The rows of drow at first places, as a dense table. */
static float *dense_rows(const struct segment *a, uint32_t rows)
{
	float *out = (float *)xcalloc((size_t)rows * a->cols, sizeof(float));
	uint32_t *key = (uint32_t *)xmalloc(a->n, sizeof(uint32_t));
	float *drow = (float *)xmalloc((size_t)a->n * a->cols, sizeof(float));

	get_bytes(key, a->key, a->n * sizeof(uint32_t));
	get_bytes(drow, a->drow, (size_t)a->n * a->cols * sizeof(float));
	for (uint32_t j = 0; j < a->n; j++)
		if (!j || key[j] != key[j - 1])
			memcpy(out + (size_t)key[j] * a->cols, drow + (size_t)j * a->cols,
				a->cols * sizeof(float));
	free(key);
	free(drow);
	return out;
}

/* Both tables of a side in one call, one from dlogit and one from dx. Few rows make long runs. */
static void test_segment(
	uint32_t batch, bool users, uint32_t cols, uint32_t rows, bool with_head, float l2)
{
	enum { OTHERS = 23 };
	uint32_t terms = users ? 2 : 1, n = users ? batch : 2 * batch, S = 2 * batch,
		 stride = cols % 2 ? cols + 3 : cols + 4;
	struct side_test side = side_new(n, rows);
	struct ids other_id = ids_random(S, OTHERS);
	struct floats dx = floats_random((size_t)S * stride, 1), dlogit = floats_random(S, 1);
	struct floats head = floats_random(cols, 1),
		      other = floats_random((size_t)OTHERS * cols, 1);
	struct floats value = floats_random((size_t)rows * cols, 1);
	struct floats drow[2], chunk[2];
	struct segment a[2];

	for (int i = 0; i < 2; i++) {
		drow[i] = floats_empty((size_t)n * cols);
		chunk[i] = floats_empty((size_t)n / SEGMENT_CHUNK * cols);
		a[i] = segment_of(&side.items, cols, l2);
		a[i].terms = terms;
		a[i].batch = batch;
		a[i].value = value.dev;
		a[i].drow = drow[i].dev;
		a[i].chunk = chunk[i].dev;
	}
	a[0].dlogit = dlogit.dev;
	a[0].head = with_head ? head.dev : NULL;
	a[0].other = other.dev;
	a[0].other_id = other_id.dev;
	a[0].other_mod = users ? S : batch;
	a[1].dx = dx.dev;
	a[1].stride = stride;
	segment_sum_cuda(stream, a, 2);
	for (int i = 0; i < 2; i++) {
		double *want = table_gradient(&a[i], side.id.host + 1, i ? dx.host : NULL,
			dlogit.host, with_head ? head.host : NULL, other.host, other_id.host,
			value.host, rows);
		float *got = dense_rows(&a[i], rows);
		double e = relative_error(got, want, (size_t)rows * cols);

		CHECK(e <= 1e-5, "segment: %s, B %u, %u columns, %u rows, l2 %g, %s: error %.2g",
			users ? "users" : "items", batch, cols, rows, l2, i ? "rows" : "products",
			e);
		free(want);
		free(got);
	}
	struct floats *all[] = { &dx, &dlogit, &head, &other, &value, &drow[0], &drow[1], &chunk[0],
		&chunk[1] };
	for (unsigned i = 0; i < 9; i++)
		floats_free(all[i]);
	ids_free(&other_id);
	side_free(&side);
}

int main(void)
{
	op_test_start("test_ops_rows");
	/* by counts */
	test_sort(1, 1, 1, 1);
	test_sort(31, 2, 62, 5);
	test_sort(96, 1, 33, 70000);
	test_sort(2049, 257, 4098, 65537);
	test_sort(300, (1u << 31) - 1, SORT_COUNTED, 2);
	/* by CUB */
	test_sort(SORT_COUNTED + 1, 256, 100, 255);
	test_sort(7, 70000, SORT_COUNTED + 1, 256);
	test_sort(9000, (1u << 24) - 3, 12000, 65536);
	test_sort(9000, (1u << 31) - 1, 200, 70000); /* all 32 bits */
	test_segment(1, true, 1, 1, true, 0);
	test_segment(31, true, 10, 7, true, 0.25f);
	test_segment(257, false, 33, 300, false, 0);
	test_segment(1000, false, 5, 3, true, 0.5f); /* runs over many chunks */
	test_segment(1024, true, 2, 1, true, 0);
	test_segment(900, false, 140, 40, true, 0.1f);
	test_segment(16 * 40, true, 33, 1, false, 0); /* a run shared by a block, to the end */
	test_segment(9000, false, 64, 2, true, 0.5f); /* one that ends within a chunk */
	return op_test_end();
}
