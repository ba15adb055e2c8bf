/*
 * test_ops_rows: sort, segmented sums and the optimizers against plain loops in double.
 */
#include "op_test.h"

static const char *const kinds[] = { "adam", "lazy-adam", "sgd" };

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

/* The sums over n sorted ids, by table: operands of a table are still missing. */
static struct segment segment_of(const struct sorted *s, uint32_t cols, float l2)
{
	struct segment a;

	memset(&a, 0, sizeof(a));
	a.key = s->key;
	a.position = s->position;
	a.n = s->n;
	a.cols = cols;
	a.l2 = l2;
	return a;
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

/* ---- optimizers ---- */

/* One weight by the formulas of neumf.h. */
static void update_plain(enum neumf_optimizer_kind kind, double lr, double wd, unsigned t,
	double gradient, double *w, double *m, double *v)
{
	double h = gradient + wd * *w;

	if (kind == OPTIMIZER_SGD) {
		*w -= lr * h;
		return;
	}
	*m = 0.9 * *m + (1 - 0.9) * h;
	*v = 0.999 * *v + (1 - 0.999) * h * h;
	*w -= lr / (1 - pow(0.9, t)) * *m / (sqrt(*v) / sqrt(1 - pow(0.999, t)) + 1e-3);
}

struct weights {
	struct floats w, m, v, g;
	double *pw, *pm, *pv;
};

static struct weights weights_new(size_t n)
{
	struct weights x = { floats_random(n, 1), floats_random(n, 0), floats_random(n, 0),
		floats_random(n, 1), doubles(n), doubles(n), doubles(n) };

	for (size_t i = 0; i < n; i++)
		x.pw[i] = x.w.host[i];
	return x;
}

static void weights_check(struct weights *x, const char *what, enum neumf_optimizer_kind kind)
{
	double e = compare(&x->w, x->pw), em = compare(&x->m, x->pm), ev = compare(&x->v, x->pv);

	CHECK(e <= 1e-6 && em <= 1e-6 && ev <= 1e-6,
		"%s, %s: %zu weights: error %.2g, moments %.2g %.2g", what, kinds[kind], x->w.n, e,
		em, ev);
	floats_free(&x->w);
	floats_free(&x->m);
	floats_free(&x->v);
	floats_free(&x->g);
}

static struct update_rule rule_of(enum neumf_optimizer_kind kind, double wd)
{
	struct update_rule r = { kind, 0.9, 0.999, 0.9f, 0.999f, (float)(1 - 0.9),
		(float)(1 - 0.999), (float)wd, 1e-3f };

	return r;
}

static struct step_state *state_new(double lr)
{
	struct step_state start = { (float)lr, 0, 0, 0 };
	struct step_state *state = (struct step_state *)dev_bytes(sizeof(start));

	put_bytes(state, &start, sizeof(start));
	return state;
}

static void test_flat(enum neumf_optimizer_kind kind, uint32_t n)
{
	struct update_rule rule = rule_of(kind, 1e-2);
	struct step_state *state = state_new(0.05);
	struct weights x = weights_new(n);
	struct update_flat a = { x.w.dev, x.m.dev, x.v.dev, x.g.dev, n };

	for (unsigned t = 1; t <= 7; t++) {
		step_begin_cuda(stream, state, &rule);
		flat_update_cuda(stream, &a, &rule, state);
		for (uint32_t i = 0; i < n; i++)
			update_plain(
				kind, 0.05f, 1e-2, t, x.g.host[i], &x.pw[i], &x.pm[i], &x.pv[i]);
	}
	weights_check(&x, "flat_update", kind);
	CUDA(cudaFree(state));
}

/* Steps with different ids, on two tables of different widths; `all`: every row moves, else only
   those of the batch. */
static void test_tables(enum neumf_optimizer_kind kind, bool all, uint32_t n, uint32_t rows,
	uint32_t cols0, uint32_t cols1)
{
	const uint32_t cols[2] = { cols0, cols1 };
	struct update_rule rule = rule_of(kind, 1e-2);
	struct step_state *state = state_new(0.05);
	struct weights x[2] = { weights_new((size_t)rows * cols[0]),
		weights_new((size_t)rows * cols[1]) };
	struct side_test side = side_new(n, rows);

	for (unsigned t = 1; t <= 4; t++) {
		uint32_t m = t < 4 ? n : (n + 2) / 3; /* a short last batch */
		struct ids id = ids_random(m + 1, rows), key = ids_empty(m);
		struct floats drow[2] = { floats_random((size_t)m * cols[0], 1),
			floats_random((size_t)m * cols[1], 1) };
		struct update_table a[2];

		put_bytes(side.id.dev, id.host, (m + 1) * sizeof(uint32_t));
		side_sort(&side, m);
		get_bytes(key.host, side.items.key, m * sizeof(uint32_t));
		for (int i = 0; i < 2; i++) {
			struct update_table table = { x[i].w.dev, x[i].m.dev, x[i].v.dev, rows,
				cols[i], drow[i].dev, side.items.key, side.slot.dev, m };

			a[i] = table;
			memset(x[i].g.host, 0, x[i].g.n * sizeof(float));
			for (uint32_t row = 0; row < rows; row++) {
				uint32_t j = 0;

				while (j < m && key.host[j] != row)
					j++;
				for (uint32_t k = 0; k < cols[i] && (all || j < m); k++) {
					size_t e = (size_t)row * cols[i] + k;

					update_plain(kind, 0.05f, 1e-2, t,
						j < m ? drow[i].host[j * cols[i] + k] : 0,
						&x[i].pw[e], &x[i].pm[e], &x[i].pv[e]);
				}
			}
		}
		step_begin_cuda(stream, state, &rule);
		if (all)
			table_update_cuda(stream, a, 2, &rule, state);
		else
			row_update_cuda(stream, a, 2, &rule, state);
		CUDA(cudaStreamSynchronize(stream));
		ids_free(&id);
		ids_free(&key);
		floats_free(&drow[0]);
		floats_free(&drow[1]);
	}
	for (int i = 0; i < 2; i++)
		weights_check(&x[i], all ? "table_update" : "row_update", kind);
	side_free(&side);
	CUDA(cudaFree(state));
}

int main(void)
{
	op_test_start("test_ops_rows");
	test_sort(1, 1, 1, 1);
	test_sort(31, 2, 62, 5);
	test_sort(2048, 256, 100, 255);
	test_sort(7, 70000, 2047, 256);
	test_sort(2049, 257, 4098, 65537);
	test_sort(5000, (1u << 24) - 3, 5000, 65536);
	test_segment(1, true, 1, 1, true, 0);
	test_segment(31, true, 10, 7, true, 0.25f);
	test_segment(257, false, 33, 300, false, 0);
	test_segment(1000, false, 5, 3, true, 0.5f); /* runs over many chunks */
	test_segment(1024, true, 2, 1, true, 0);
	test_segment(900, false, 140, 40, true, 0.1f);
	test_segment(16 * 40, true, 33, 1, false, 0); /* a run shared by a block, to the end */
	test_segment(9000, false, 64, 2, true, 0.5f); /* one that ends within a chunk */
	for (int kind = OPTIMIZER_ADAM; kind <= OPTIMIZER_SGD; kind++) {
		test_flat((enum neumf_optimizer_kind)kind, 1);
		test_flat((enum neumf_optimizer_kind)kind, 1031);
		test_flat((enum neumf_optimizer_kind)kind, 1092);
		test_tables(
			(enum neumf_optimizer_kind)kind, kind == OPTIMIZER_ADAM, 31, 57, 10, 33);
		test_tables((enum neumf_optimizer_kind)kind, kind != OPTIMIZER_LAZY_ADAM, 300, 257,
			64, 8);
	}
	return op_test_end();
}
