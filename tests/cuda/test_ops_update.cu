/*
 * test_ops_update: the optimizers, and segmented sums that move their rows at once, against plain
 * loops in double.
 */
#include "op_test.h"

static const char *const kinds[] = { "adam", "lazy-adam", "sgd" };

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

/* Sums are rounded before they move a weight, and eps, 1e-3, is what adam divides small ones by. */
static void weights_check(struct weights *x, const char *what, enum neumf_optimizer_kind kind)
{
	double e = compare(&x->w, x->pw), em = compare(&x->m, x->pm), ev = compare(&x->v, x->pv);

	CHECK(e <= 1e-5 && em <= 1e-5 && ev <= 1e-5,
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

/* The sums of `item` (n), by plain loops, move the rows of x: those of the batch, or `all`. */
static void move_plain(struct weights *x, const uint32_t *item, uint32_t n, uint32_t rows,
	uint32_t cols, const float *dx, float l2, enum neumf_optimizer_kind kind, bool all,
	unsigned t)
{
	double *sum = doubles((size_t)rows * cols);
	uint32_t *count = (uint32_t *)xcalloc(rows, sizeof(*count));

	for (uint32_t o = 0; o < n; o++) {
		count[item[o]]++;
		for (uint32_t k = 0; k < cols; k++)
			sum[item[o] * cols + k] += dx[o * cols + k];
	}
	for (uint32_t e = 0; e < rows * cols; e++)
		if (all || count[e / cols])
			update_plain(kind, 0.05f, 1e-2, t,
				sum[e] + (double)l2 * count[e / cols] * x->pw[e], &x->pw[e],
				&x->pm[e], &x->pv[e]);
	free(sum);
	free(count);
}

/* Sums that move their rows at once: two tables of different widths, over some steps. */
static void test_moves(enum neumf_optimizer_kind kind, bool all, uint32_t n, uint32_t rows,
	uint32_t cols0, uint32_t cols1, float l2)
{
	const uint32_t cols[2] = { cols0, cols1 };
	struct update_rule rule = rule_of(kind, 1e-2);
	struct step_state *state = state_new(0.05);
	struct weights x[2] = { weights_new((size_t)rows * cols0),
		weights_new((size_t)rows * cols1) };
	struct side_test side = side_new(n, rows);
	struct floats chunk[2] = { floats_empty((size_t)n / SEGMENT_CHUNK * cols0),
		floats_empty((size_t)n / SEGMENT_CHUNK * cols1) };

	for (unsigned t = 1; t <= 3; t++) {
		uint32_t m = t < 3 ? n : (n + 2) / 3; /* a short last batch */
		struct ids id = ids_random(m + 1, rows);
		struct floats dx[2] = { floats_random((size_t)m * cols0, 1),
			floats_random((size_t)m * cols1, 1) };
		struct segment a[2];
		struct update_table to[2];

		put_bytes(side.id.dev, id.host, (m + 1) * sizeof(uint32_t));
		side_sort(&side, m);
		for (int i = 0; i < 2; i++) {
			struct update_table table = { x[i].w.dev, x[i].m.dev, x[i].v.dev, rows,
				cols[i], NULL, side.items.key, side.slot.dev, m };

			to[i] = table;
			a[i] = segment_of(&side.items, cols[i], l2);
			a[i].terms = 1;
			a[i].dx = dx[i].dev;
			a[i].stride = cols[i];
			a[i].value = x[i].w.dev;
			a[i].chunk = chunk[i].dev;
			move_plain(
				&x[i], id.host + 1, m, rows, cols[i], dx[i].host, l2, kind, all, t);
		}
		step_begin_cuda(stream, state, &rule);
		segment_update_cuda(stream, a, to, 2, all, &rule, state);
		CUDA(cudaStreamSynchronize(stream));
		ids_free(&id);
		floats_free(&dx[0]);
		floats_free(&dx[1]);
	}
	for (int i = 0; i < 2; i++) {
		weights_check(&x[i], "segment_update", kind);
		floats_free(&chunk[i]);
	}
	side_free(&side);
	CUDA(cudaFree(state));
}

int main(void)
{
	op_test_start("test_ops_update");
	for (int kind = OPTIMIZER_ADAM; kind <= OPTIMIZER_SGD; kind++) {
		test_flat((enum neumf_optimizer_kind)kind, 1);
		test_flat((enum neumf_optimizer_kind)kind, 1031);
		test_flat((enum neumf_optimizer_kind)kind, 1092);
		test_tables(
			(enum neumf_optimizer_kind)kind, kind == OPTIMIZER_ADAM, 31, 57, 10, 33);
		test_tables((enum neumf_optimizer_kind)kind, kind != OPTIMIZER_LAZY_ADAM, 300, 257,
			64, 8);
	}
	test_moves(OPTIMIZER_ADAM, true, 100, 57, 10, 3, 0);
	test_moves(OPTIMIZER_SGD, false, 300, 7, 1, 64, 0.01f);
	test_moves(OPTIMIZER_LAZY_ADAM, false, 1, 1, 2, 4, 0.01f);
	test_moves(OPTIMIZER_LAZY_ADAM, false, 2000, 3, 33, 8, 0.01f); /* long runs */
	test_moves(OPTIMIZER_ADAM, true, 900, 300, 140, 1, 0.01f);
	test_moves(OPTIMIZER_ADAM, true, 1500, 2, 5, 66, 0);
	return op_test_end();
}
