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
	test_layer(1, 4, 4, 4);
	test_layer(33, 64, 128, 8);
	test_layer(257, 128, 132, 64);
	test_layer(130, 8, 256, 128);
	test_odd(31, 33, 70);
	test_finite(1, 0, NAN, ~0ull, 4);
	test_finite(3000, 2999, INFINITY, ~0ull, 4);
	test_finite(3000, 1000, NAN, 2, 2);
	test_finite(1000, 7, 3.4e38f, ~0ull, ~0ull);
	CUDA(cudaFree(fused.workspace));
	CUBLAS(blas_lt_load()->destroy(fused.lt));
	return op_test_end();
}
