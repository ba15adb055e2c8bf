/*
 * test_ops: the ops of a network's forward and backward pass against plain loops in double.
 *   test_ops [tf32]: matrix products in TF32, held to 4e-3 instead of 1e-5
 */
#include "op_test.h"

#include "cuda/blas.h"

static cublasHandle_t blas;
static double limit = 1e-5, product_limit = 1e-5;

/* y (rows, out) = x (rows, in; ldx) w^T (out, in; ldw) + bias, relu'd where there is a bias */
static double *layer(const float *x, uint32_t ldx, const float *w, uint32_t ldw, const float *bias,
	uint32_t rows, uint32_t in, uint32_t out)
{
	double *y = doubles((size_t)rows * out);

	for (uint32_t r = 0; r < rows; r++)
		for (uint32_t j = 0; j < out; j++) {
			double sum = bias ? bias[j] : 0;

			for (uint32_t k = 0; k < in; k++)
				sum += (double)x[r * ldx + k] * w[j * ldw + k];
			y[r * out + j] = bias && sum < 0 ? 0 : sum;
		}
	return y;
}

/* dx (rows, in) = dy (rows, out) w (out, in; ldw) */
static double *layer_dx(
	const float *dy, const float *w, uint32_t ldw, uint32_t rows, uint32_t in, uint32_t out)
{
	double *dx = doubles((size_t)rows * in);

	for (uint32_t r = 0; r < rows; r++)
		for (uint32_t j = 0; j < out; j++)
			for (uint32_t k = 0; k < in; k++)
				dx[r * in + k] += (double)dy[r * out + j] * w[j * ldw + k];
	return dx;
}

/* dw (out, in) = dy^T x */
static double *layer_dw(const float *dy, const float *x, uint32_t rows, uint32_t in, uint32_t out)
{
	double *dw = doubles((size_t)out * in);

	for (uint32_t r = 0; r < rows; r++)
		for (uint32_t j = 0; j < out; j++)
			for (uint32_t k = 0; k < in; k++)
				dw[j * in + k] += (double)dy[r * out + j] * x[r * in + k];
	return dw;
}

static double *column_sums(const float *dy, uint32_t rows, uint32_t cols)
{
	double *sum = doubles(cols);

	for (uint32_t r = 0; r < rows; r++)
		for (uint32_t c = 0; c < cols; c++)
			sum[c] += dy[r * cols + c];
	return sum;
}

/* dy where y > 0, else 0 */
static void mask(float *dy, const float *y, size_t n)
{
	for (size_t i = 0; i < n; i++)
		dy[i] = y[i] > 0 ? dy[i] : 0;
}

static void test_gather(uint32_t batch, uint32_t items_per_row, uint32_t F, uint32_t E)
{
	enum { USERS = 37, ITEMS = 53 };
	uint32_t S = batch * items_per_row;
	struct floats gu = floats_random(USERS * F, 1), gi = floats_random(ITEMS * F, 1);
	struct floats mu = floats_random(USERS * E, 1), mi = floats_random(ITEMS * E, 1);
	struct ids user = ids_random(batch, USERS), item = ids_random(S, ITEMS);
	struct floats g = floats_empty((size_t)S * F), rows = floats_empty((size_t)S * 2 * E);
	struct gather a = { gu.dev, gi.dev, mu.dev, mi.dev, user.dev, item.dev, batch,
		items_per_row, F, E, g.dev, rows.dev, NULL };
	size_t wrong = 0;

	gather_forward_cuda(stream, &a);
	floats_get(&g);
	floats_get(&rows);
	for (uint32_t s = 0; s < S; s++) {
		uint32_t u = user.host[s % batch], i = item.host[s];

		for (uint32_t k = 0; k < F; k++)
			wrong += g.host[s * F + k] != gu.host[u * F + k] * gi.host[i * F + k];
		for (uint32_t k = 0; k < E; k++) {
			wrong += rows.host[s * 2 * E + k] != mu.host[u * E + k];
			wrong += rows.host[s * 2 * E + E + k] != mi.host[i * E + k];
		}
	}
	CHECK(wrong == 0, "gather: B %u, P %u, F %u, E %u", batch, items_per_row, F, E);
	struct floats out = floats_empty((size_t)S * E);
	wrong = 0;
	rows_forward_cuda(stream, mi.dev, item.dev, S, E, out.dev);
	floats_get(&out);
	for (uint32_t t = 0; t < S * E; t++)
		wrong += out.host[t] != mi.host[item.host[t / E] * E + t % E];
	CHECK(wrong == 0, "gather: rows of %u x %u", S, E);
	struct floats *all[] = { &gu, &gi, &mu, &mi, &g, &rows, &out };
	for (unsigned i = 0; i < 7; i++)
		floats_free(all[i]);
	ids_free(&user);
	ids_free(&item);
}

/* Rows of w are `ldw` apart: half of a layer 1. */
static void test_dense(uint32_t rows, uint32_t in, uint32_t out, uint32_t ldw)
{
	struct floats x = floats_random((size_t)rows * in, 1),
		      w = floats_random((size_t)out * ldw, 1);
	struct floats bias = floats_random(out, 1), dy = floats_random((size_t)rows * out, 1);
	struct floats y = floats_empty((size_t)rows * out), dx = floats_empty((size_t)rows * in);
	struct floats dw = floats_empty((size_t)out * in);
	struct floats partial =
		floats_empty(rows < DENSE_SLICED ? 0 : (size_t)DENSE_SLICES * out * in);

	dense_forward_cuda(blas, x.dev, in, w.dev, ldw, rows, in, out, y.dev);
	double e = compare(&y, layer(x.host, in, w.host, ldw, NULL, rows, in, out));
	CHECK(e <= product_limit, "dense_forward: %u x %u x %u: error %.2g", rows, in, out, e);
	dense_dx_cuda(blas, dy.dev, w.dev, ldw, rows, in, out, dx.dev);
	e = compare(&dx, layer_dx(dy.host, w.host, ldw, rows, in, out));
	CHECK(e <= product_limit, "dense_dx: %u x %u x %u: error %.2g", rows, in, out, e);
	dense_dw_cuda(blas, dy.dev, x.dev, rows, in, out, dw.dev, in, partial.dev);
	e = compare(&dw, layer_dw(dy.host, x.host, rows, in, out));
	CHECK(e <= product_limit, "dense_dw: %u x %u x %u: error %.2g", rows, in, out, e);

	bias_relu_forward_cuda(stream, dy.dev, bias.dev, rows, out);
	double *want = doubles((size_t)rows * out);
	for (uint32_t t = 0; t < rows * out; t++)
		want[t] = fmax(0, (double)dy.host[t] + bias.host[t % out]);
	e = compare(&dy, want);
	CHECK(e <= limit, "bias_relu_forward: %u x %u: error %.2g", rows, out, e);
	struct floats *all[] = { &x, &w, &bias, &dy, &y, &dx, &dw, &partial };
	for (unsigned i = 0; i < 8; i++)
		floats_free(all[i]);
}

static void test_narrow(uint32_t rows, uint32_t in, uint32_t out)
{
	struct floats x = floats_random((size_t)rows * in, 1), w = floats_random(in * out, 1);
	struct floats bias = floats_random(out, 1), dy = floats_random((size_t)rows * out, 1);
	struct floats y = floats_empty((size_t)rows * out), dx = floats_empty((size_t)rows * in);
	struct floats dw = floats_empty(in * out), db = floats_empty(out);
	struct floats partial = floats_empty((size_t)NARROW_PARTIALS * out * (in + 1));

	narrow_forward_cuda(stream, x.dev, in, w.dev, in, NULL, rows, in, out, y.dev);
	double e = compare(&y, layer(x.host, in, w.host, in, NULL, rows, in, out));
	CHECK(e <= limit, "narrow_forward without bias: %u x %u x %u: error %.2g", rows, in, out,
		e);
	narrow_forward_cuda(stream, x.dev, in, w.dev, in, bias.dev, rows, in, out, y.dev);
	e = compare(&y, layer(x.host, in, w.host, in, bias.host, rows, in, out));
	CHECK(e <= limit, "narrow_forward: %u x %u x %u: error %.2g", rows, in, out, e);

	narrow_backward_cuda(stream, dy.dev, y.dev, x.dev, w.dev, rows, in, out, dx.dev, dw.dev,
		db.dev, partial.dev);
	mask(dy.host, y.host, dy.n);
	e = compare(&dx, layer_dx(dy.host, w.host, in, rows, in, out));
	CHECK(e <= limit, "narrow_backward dx: %u x %u x %u: error %.2g", rows, in, out, e);
	e = compare(&dw, layer_dw(dy.host, x.host, rows, in, out));
	CHECK(e <= limit, "narrow_backward dw: %u x %u x %u: error %.2g", rows, in, out, e);
	e = compare(&db, column_sums(dy.host, rows, out));
	CHECK(e <= limit, "narrow_backward db: %u x %u x %u: error %.2g", rows, in, out, e);
	struct floats *all[] = { &x, &w, &bias, &dy, &y, &dx, &dw, &db, &partial };
	for (unsigned i = 0; i < 9; i++)
		floats_free(all[i]);
}

static void test_sample_sum(uint32_t batch, uint32_t items_per_row)
{
	struct floats v = floats_random((size_t)batch * items_per_row, 1);
	struct floats sum = floats_empty(batch);
	double *want = doubles(batch);

	for (size_t s = 0; s < v.n; s++)
		want[s % batch] += v.host[s];
	sample_sum_cuda(stream, v.dev, batch, items_per_row, sum.dev);
	double e = compare(&sum, want);
	CHECK(e <= limit, "sample_sum: B %u, P %u: error %.2g", batch, items_per_row, e);
	floats_free(&v);
	floats_free(&sum);
}

static void test_column_sums(uint32_t rows, uint32_t F, uint32_t H, bool bias)
{
	uint32_t cols = F + H + (bias ? 1 : 0);
	struct floats g = floats_random((size_t)rows * F, 1),
		      x = floats_random((size_t)rows * H, 1);
	struct floats dx = floats_random((size_t)rows * H, 1), dlogit = floats_random(rows, 1);
	struct floats db = floats_empty(H), dhead = floats_empty(cols);
	struct floats partial = floats_empty((size_t)COLUMN_PARTIALS * cols);
	double *want = doubles(cols);

	for (uint32_t r = 0; r < rows; r++)
		for (uint32_t c = 0; c < cols; c++)
			want[c] += dlogit.host[r] * (c < F		? (double)g.host[r * F + c]
							    : c < F + H ? x.host[r * H + c - F]
									: 1);
	head_backward_cuda(
		stream, dlogit.dev, g.dev, x.dev, rows, F, H, bias, dhead.dev, partial.dev);
	double e = compare(&dhead, want);
	CHECK(e <= limit, "head_backward: %u rows, F %u, H %u: error %.2g", rows, F, H, e);
	if (H) {
		relu_backward_cuda(stream, dx.dev, x.dev, rows, H, db.dev, partial.dev);
		mask(dx.host, x.host, dx.n);
		e = compare(&db, column_sums(dx.host, rows, H));
		CHECK(e <= limit, "relu_backward db: %u x %u: error %.2g", rows, H, e);
		double *masked = doubles(dx.n);
		for (size_t i = 0; i < dx.n; i++)
			masked[i] = dx.host[i];
		CHECK(compare(&dx, masked) == 0, "relu_backward dx: %u x %u", rows, H);
		column_sum_cuda(stream, dx.dev, rows, H, db.dev, partial.dev);
		e = compare(&db, column_sums(dx.host, rows, H));
		CHECK(e <= limit, "column_sum: %u x %u: error %.2g", rows, H, e);
	}
	struct floats *all[] = { &g, &x, &dx, &dlogit, &db, &dhead, &partial };
	for (unsigned i = 0; i < 7; i++)
		floats_free(all[i]);
}

int main(int argc, char **argv)
{
	bool tf32 = argc > 1 && !strcmp(argv[1], "tf32");

	op_test_start("test_ops");
	CUBLAS(blas_load()->create(&blas));
	CUBLAS(blas_load()->set_stream(blas, stream));
	CUBLAS(blas_load()->set_math_mode(
		blas, tf32 ? CUBLAS_TF32_TENSOR_OP_MATH : CUBLAS_DEFAULT_MATH));
	/* hardware may truncate where the host runtime rounds: twice the error, 2.3e-3 if emulated */
	product_limit = tf32 ? 4e-3 : 1e-5;
	test_gather(1, 1, 1, 1);
	test_gather(31, 2, 10, 10);
	test_gather(257, 2, 33, 7);
	test_gather(100, 1, 64, 65);
	test_gather(300, 2, 64, 64);
	test_gather(77, 2, 8, 36);
	test_gather(50, 1, 140, 0); /* rows longer than a warp of vectors */
	test_dense(1, 1, 1, 1);
	test_dense(31, 33, 7, 40);
	test_dense(257, 65, 130, 130);
	test_dense(130, 32, 256, 64);
	test_dense(DENSE_SLICED, 8, 4, 8);
	test_dense(DENSE_SLICED + 37, 9, 12, 9);
	test_narrow(1, 1, 1);
	test_narrow(64, 10, 10);
	test_narrow(65, 16, 64);
	test_narrow(1000, 64, 16);
	test_narrow(64 * NARROW_PARTIALS + 65, 3, 5); /* a second tile for some blocks */
	test_sample_sum(1, 1);
	test_sample_sum(257, 2);
	test_sample_sum(3000, 2);
	test_column_sums(1, 1, 0, false);
	test_column_sums(31, 10, 10, true);
	test_column_sums(257, 0, 33, true);
	test_column_sums(70000, 3, 31, false);
	test_column_sums(3000, 64, 140, true);
	test_column_sums(1000, 8, 2, true);
	CUBLAS(blas_load()->destroy(blas));
	return op_test_end();
}
