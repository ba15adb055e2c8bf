/*
 * test_ops_wide: products with bias, relu and relu' in their epilogue, against plain loops in double.
 *   test_ops_wide [tf32]: matrix products in TF32, held to 4e-3 instead of 1e-5
 */
#include "op_test.h"

#include "cuda/blas.h"
#include "cuda/fused.h"

static struct fused fused;
static double limit;

/* Every fourth number 0, and so every fourth row of x or column of w: then y is 0 where the bias is,
   and the gradient must not pass. */
static void some_zeros(struct floats *f, uint32_t cols)
{
	for (size_t i = 0; i < f->n; i++)
		if (i / cols % 4 == 1)
			f->host[i] = 0;
	floats_put(f);
}

static bool close_to(struct floats *f, double *want)
{
	return compare(f, want) <= limit;
}

/* A layer on x (rows, in), and dx of a layer above it of `above` units. */
static void test_layer(uint32_t rows, uint32_t in, uint32_t out, uint32_t above)
{
	struct floats x = floats_random((size_t)rows * in, 1),
		      w = floats_random((size_t)out * in, 1);
	struct floats bias = floats_random(out, 0.3), y = floats_empty((size_t)rows * out);
	struct floats unmasked = floats_empty(y.n), dx = floats_empty(y.n);
	struct floats dy = floats_random((size_t)rows * above, 1),
		      v = floats_random((size_t)above * out, 1);
	struct ids mask = ids_empty(fused_mask_words(rows, out));
	double *want = doubles(y.n), *again = doubles(y.n), *dwant = doubles(y.n);
	size_t zeros = 0;

	some_zeros(&x, in);
	some_zeros(&bias, 1);
	for (size_t i = 0; i < y.n; i++) {
		size_t r = i / out, j = i % out;

		want[i] = bias.host[j];
		for (uint32_t k = 0; k < in; k++)
			want[i] += (double)x.host[r * in + k] * w.host[j * in + k];
		zeros += want[i] == 0;
		again[i] = want[i] = want[i] > 0 ? want[i] : 0;
	}
	bool there =
		fused_forward_cuda(&fused, x.dev, w.dev, bias.dev, rows, in, out, y.dev, mask.dev);
	CHECK(there && close_to(&y, want), "fused_forward: %u x %u x %u, %zu zeros", rows, in, out,
		zeros);
	there = fused_forward_cuda(
		&fused, x.dev, w.dev, bias.dev, rows, in, out, unmasked.dev, NULL);
	CHECK(there && close_to(&unmasked, again), "fused_forward without a mask: %u x %u x %u",
		rows, in, out);
	for (size_t i = 0; i < y.n; i++) /* as y came out: TF32 may end on the other side of 0 */
		for (uint32_t k = 0; k < above && y.host[i] > 0; k++)
			dwant[i] +=
				(double)dy.host[i / out * above + k] * v.host[k * out + i % out];
	there = fused_dx_cuda(&fused, dy.dev, v.dev, rows, out, above, mask.dev, dx.dev);
	CHECK(there && close_to(&dx, dwant), "fused_dx: %u x %u x %u", rows, out, above);
	struct floats *all[] = { &x, &w, &bias, &y, &unmasked, &dx, &dy, &v };
	for (unsigned i = 0; i < 8; i++)
		floats_free(all[i]);
	ids_free(&mask);
}

/* Numbers of 16 bits on the device; on the host as floats. */
struct halves {
	bf16 *dev;
	float *host;
	size_t n;
};

static struct halves halves_empty(size_t n)
{
	struct halves h = { (bf16 *)dev_bytes(n * sizeof(bf16)), (float *)xcalloc(n, sizeof(float)),
		n };

	return h;
}

static void halves_get(struct halves *h)
{
	uint16_t *bits = (uint16_t *)xcalloc(h->n, sizeof(*bits));

	get_bytes(bits, h->dev, h->n * sizeof(*bits));
	for (size_t i = 0; i < h->n; i++) {
		uint32_t u = (uint32_t)bits[i] << 16;

		memcpy(&h->host[i], &u, sizeof(u));
	}
	free(bits);
}

static struct halves halves_random(size_t n)
{
	struct floats f = floats_random(n, 1);
	struct halves h = halves_empty(n);

	round_cuda(stream, f.dev, (uint32_t)n, h.dev);
	halves_get(&h);
	floats_free(&f);
	return h;
}

static void halves_free(struct halves *h)
{
	CUDA(cudaFree(h->dev));
	free(h->host);
}

/* v rounded to nearest, to even where two are as near, at 7 bits of mantissa */
static float nearest(float v)
{
	int exponent;
	double scaled = ldexp(frexp(v, &exponent), 8);

	return (float)ldexp(nearbyint(scaled), exponent - 8);
}

static void test_round(uint32_t n)
{
	const float ties[] = { 1 + 1.0f / 256, 1 + 3.0f / 256, -1 - 1.0f / 256, 0, -0.0f };
	struct floats v = floats_random(n, 3);
	struct halves h = halves_empty(n);
	size_t wrong = 0;

	for (uint32_t i = 0; i < n && i < 5; i++)
		v.host[i] = ties[i];
	floats_put(&v);
	round_cuda(stream, v.dev, n, h.dev);
	halves_get(&h);
	for (uint32_t i = 0; i < n; i++)
		wrong += h.host[i] != nearest(v.host[i]);
	CHECK(wrong == 0, "round: %u numbers", n);
	v.host[n - 1] = NAN;
	floats_put(&v);
	round_cuda(stream, v.dev, n, h.dev);
	halves_get(&h);
	CHECK(isnan(h.host[n - 1]), "round: a NaN stays one");
	floats_free(&v);
	halves_free(&h);
}

static void test_gather(uint32_t batch, uint32_t E)
{
	enum { USERS = 37, ITEMS = 53, P = 2 };
	uint32_t S = batch * P;
	struct floats gu = floats_random(USERS, 1), gi = floats_random(ITEMS, 1);
	struct floats mu = floats_random(USERS * E, 1), mi = floats_random(ITEMS * E, 1);
	struct ids user = ids_random(batch, USERS), item = ids_random(S, ITEMS);
	struct floats g = floats_empty(S);
	struct halves rows = halves_empty((size_t)S * 2 * E);
	struct gather a = { gu.dev, gi.dev, mu.dev, mi.dev, user.dev, item.dev, batch, P, 1, E,
		g.dev, NULL, rows.dev };
	size_t wrong = 0;

	gather_forward_cuda(stream, &a);
	halves_get(&rows);
	for (size_t i = 0; i < rows.n; i++) {
		uint32_t s = (uint32_t)(i / (2 * E)), k = (uint32_t)(i % (2 * E));
		float want = k < E ? mu.host[user.host[s % batch] * E + k]
				   : mi.host[item.host[s] * E + k - E];

		wrong += rows.host[i] != nearest(want);
	}
	CHECK(wrong == 0, "gather, rounded: B %u, E %u", batch, E);
	struct floats *all[] = { &gu, &gi, &mu, &mi, &g };
	for (unsigned i = 0; i < 5; i++)
		floats_free(all[i]);
	halves_free(&rows);
	ids_free(&user);
	ids_free(&item);
}

/* Sums over rows of numbers of 16 bits, and their making by relu'. */
static void test_reductions(uint32_t rows, uint32_t cols)
{
	struct floats dy = floats_random((size_t)rows * cols, 1), y = floats_random(dy.n, 1);
	struct floats db = floats_empty(cols),
		      partial = floats_empty((size_t)COLUMN_PARTIALS * cols);
	struct halves dz = halves_random(dy.n);
	double *want = doubles(cols);
	size_t wrong = 0;

	for (size_t i = 0; i < dz.n; i++)
		want[i % cols] += dz.host[i];
	column_sum_cuda(stream, dz.dev, rows, cols, db.dev, partial.dev);
	double e = compare(&db, want);
	CHECK(e <= 1e-5, "column_sum, bf16: %u x %u: error %.2g", rows, cols, e);
	want = doubles(cols);
	relu_round_backward_cuda(stream, dy.dev, y.dev, rows, cols, dz.dev, db.dev, partial.dev);
	halves_get(&dz);
	for (size_t i = 0; i < dz.n; i++) {
		float d = y.host[i] > 0 ? dy.host[i] : 0;

		want[i % cols] += d;
		wrong += dz.host[i] != nearest(d);
	}
	e = compare(&db, want);
	CHECK(wrong == 0 && e <= 1e-5, "relu_round_backward: %u x %u: error %.2g", rows, cols, e);
	struct floats *all[] = { &dy, &y, &db, &partial };
	for (unsigned i = 0; i < 4; i++)
		floats_free(all[i]);
	halves_free(&dz);
}

/* The worst error of `got`, which was rounded, over the largest number; `want` is freed. */
static double compare_halves(struct halves *got, double *want)
{
	halves_get(got);
	double e = relative_error(got->host, want, got->n);
	free(want);
	return e;
}

/* All products of a layer in bf16: sums in floats, so the error is that of rounding the result. */
static void test_bf16_layer(uint32_t rows, uint32_t in, uint32_t out)
{
	const double once = 1.0 / 256;
	struct halves x = halves_random((size_t)rows * in), w = halves_random((size_t)out * in);
	struct halves bias = halves_random(out), dy = halves_random((size_t)rows * out);
	struct halves y = halves_empty(dy.n);
	struct floats float_bias = floats_random(out, 1), float_y = floats_empty(dy.n);
	struct floats float_dx = floats_empty(x.n), dw = floats_empty(w.n);
	struct floats partial = floats_empty(rows < DENSE_SLICED ? 0 : w.n * DENSE_SLICES);
	struct ids mask = ids_empty(fused_mask_words(rows, out));
	double *want = doubles(y.n), *float_want = doubles(y.n);
	double *dx_want = doubles(x.n), *dw_want = doubles(w.n);

	for (size_t i = 0; i < y.n; i++) {
		size_t r = i / out, j = i % out;
		double sum = 0;

		for (uint32_t k = 0; k < in; k++) {
			sum += (double)x.host[r * in + k] * w.host[j * in + k];
			dx_want[r * in + k] += (double)dy.host[i] * w.host[j * in + k];
			dw_want[j * in + k] += (double)dy.host[i] * x.host[r * in + k];
		}
		want[i] = fmax(0, sum + bias.host[j]);
		float_want[i] = fmax(0, sum + float_bias.host[j]);
	}
	bool there =
		fused_forward_cuda(&fused, x.dev, w.dev, bias.dev, rows, in, out, y.dev, mask.dev);
	CHECK(there && compare_halves(&y, want) <= once, "bf16: %u x %u x %u", rows, in, out);
	there = fused_forward_cuda(&fused, x.dev, w.dev, (const float *)float_bias.dev, rows, in,
		out, float_y.dev, NULL);
	CHECK(there && compare(&float_y, float_want) <= 1e-5, "bf16 to floats: %u x %u x %u", rows,
		in, out);
	there = fused_dx_cuda(&fused, dy.dev, w.dev, rows, in, out, NULL, float_dx.dev);
	CHECK(there && compare(&float_dx, dx_want) <= 1e-5, "bf16 dx to floats: %u x %u x %u", rows,
		in, out);
	there = fused_dw_cuda(&fused, dy.dev, x.dev, rows, in, out, dw.dev, partial.dev);
	CHECK(there && compare(&dw, dw_want) <= 1e-5, "bf16 dw: %u x %u x %u", rows, in, out);
	struct halves *halves[] = { &x, &w, &bias, &dy, &y };
	struct floats *floats[] = { &float_bias, &float_y, &float_dx, &dw, &partial };
	for (struct halves *h : halves)
		halves_free(h);
	for (struct floats *f : floats)
		floats_free(f);
	ids_free(&mask);
}

/* Whether such a product is there is up to cublasLt; where it is not, nothing is done. */
static void test_odd(uint32_t rows, uint32_t in, uint32_t out)
{
	struct floats x = floats_random((size_t)rows * in + 1, 1),
		      w = floats_random((size_t)out * in, 1);
	struct floats bias = floats_random(out, 1), y = floats_empty((size_t)rows * out);
	size_t written = 0;

	bool there =
		fused_forward_cuda(&fused, x.dev + 1, w.dev, bias.dev, rows, in, out, y.dev, NULL);
	floats_get(&y);
	for (size_t i = 0; i < y.n; i++)
		written += !isnan(y.host[i]);
	CHECK(!there && !written, "fused_forward: rows that begin at 4 bytes are left to others");
	there = fused_forward_cuda(&fused, x.dev, w.dev, bias.dev, rows, in, out, y.dev, NULL);
	floats_get(&y);
	written = 0;
	for (size_t i = 0; i < y.n; i++)
		written += !isnan(y.host[i]);
	CHECK(written == (there ? y.n : 0), "fused_forward: %u x %u x %u: all or nothing", rows, in,
		out);
	struct floats *all[] = { &x, &w, &bias, &y };
	for (unsigned i = 0; i < 4; i++)
		floats_free(all[i]);
}

/* bad_batch after `batches` batches, of which `before` was bad, and a number in place `at` of n. */
static void test_finite(
	uint32_t n, uint32_t at, float number, unsigned long long before, unsigned long long after)
{
	struct floats v = floats_random(n, 1);
	struct loss_total total = { 1, 20, 5, before },
			  *device = (struct loss_total *)dev_bytes(sizeof(total));

	v.host[at] = number;
	floats_put(&v);
	put_bytes(device, &total, sizeof(total));
	finite_cuda(stream, v.dev, n, device);
	get_bytes(&total, device, sizeof(total));
	CHECK(total.bad_batch == after && total.batches == 5 && total.sum == 1,
		"finite: %g at %u of %u: bad batch %llu", number, at, n, total.bad_batch);
	floats_free(&v);
	CUDA(cudaFree(device));
}

int main(int argc, char **argv)
{
	bool tf32 = argc > 1 && !strcmp(argv[1], "tf32");

	op_test_start("test_ops_wide");
	CUBLAS(blas_lt_load()->create(&fused.lt));
	fused.stream = stream;
	fused.compute = tf32 ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F;
	fused.workspace_size = 1 << 20;
	fused.workspace = dev_bytes(fused.workspace_size);
	limit = tf32 ? 4e-3 : 1e-5;
	test_layer(1, 8, 4, 4);
	test_layer(33, 64, 128, 8);
	test_layer(257, 128, 132, 64);
	test_layer(130, 8, 256, 128);
	test_odd(31, 33, 70);
	test_odd(31, 36, 72);
	test_round(1);
	test_round(6);
	test_round(4096);
	test_gather(1, 4);
	test_gather(100, 36);
	test_gather(70, 33);
	test_reductions(1, 8);
	test_reductions(3000, 72);
	test_reductions(257, 33);
	if (!tf32) { /* bf16 has one way */
		test_bf16_layer(1, 8, 8);
		test_bf16_layer(130, 64, 136);
		test_bf16_layer(DENSE_SLICED + 37, 8, 16);
	}
	test_finite(1, 0, NAN, ~0ull, 4);
	test_finite(3000, 2999, INFINITY, ~0ull, 4);
	test_finite(3000, 1000, NAN, 2, 2);
	test_finite(1000, 7, 3.4e38f, ~0ull, ~0ull);
	CUDA(cudaFree(fused.workspace));
	CUBLAS(blas_lt_load()->destroy(fused.lt));
	return op_test_end();
}
