/*
 * bench_ops: every op of a training step by itself, on the wide network (64; 256,128,64) with hot
 * rows, beside what its bytes would take at the copy rate that is measured in the same run.
 *   bench_ops BATCH [USERS ITEMS]
 * Prints lines of "op NAME us bytes flop share": median of five, bytes that the op must read and
 * write, operations, and the bytes' time at the copy rate over the time taken.
 */
#include "cuda/fused.h"
#include "cuda/ops.h"
#include "timing.h"

enum { F = 64, E = 64, H1 = 256, H2 = 128, H3 = 64, P = 2, WORKSPACE = 32 << 20 };

static cublasLtHandle_t lt;

static double rate; /* of copies, bytes per second */
static uint32_t B, S, users = 138493, items = 26744;
static uint32_t *user, *item, *slot;
static struct sorter sorter;
static struct step_state *state;

template <class W> static void report(const char *name, double bytes, double flop, W work)
{
	double s = seconds(4, work);

	printf("op %s %.2f us %.0f bytes %.0f flop %.3f share\n", name, s * 1e6, bytes, flop,
		bytes / rate / s);
}

static void bench_gather(void)
{
	float *gu = random_floats((size_t)users * F), *gi = random_floats((size_t)items * F);
	float *mu = random_floats((size_t)users * E), *mi = random_floats((size_t)items * E);
	float *g = device<float>((size_t)S * F), *rows = device<float>((size_t)S * 2 * E);
	struct gather a = { gu, gi, mu, mi, user, item, B, P, F, E, g, rows, NULL };

	report("gather", 4.0 * B * (3 * (F + E) + 2 * F + 4 * E), 0,
		[&] { gather_forward_cuda(stream, &a); });
	for (float *p : { gu, gi, mu, mi, g, rows })
		CUDA(cudaFree(p));
}

/* A layer as it is without cublasLt: products, and kernels between them. */
static void bench_plain(const char *prefix, uint32_t in, uint32_t out, float *const *array)
{
	float *x = array[0], *y = array[1], *w = array[2], *bias = array[3], *partial = array[4];
	double product = 4.0 * S * (in + out), flop = 2.0 * S * in * out;
	char name[64];
	auto named = [&](const char *what) {
		snprintf(name, sizeof(name), "%s_%s_%ux%u", prefix, what, in, out);
		return name;
	};

	report(named("forward"), product, flop,
		[&] { dense_forward_cuda(blas, x, in, w, in, S, in, out, y); });
	report(named("bias_relu"), 8.0 * S * out, 0,
		[&] { bias_relu_forward_cuda(stream, y, bias, S, out); });
	report(named("relu_backward"), 12.0 * S * out, 0,
		[&] { relu_backward_cuda(stream, y, y, S, out, bias, partial); });
	report(named("dw"), product, flop,
		[&] { dense_dw_cuda(blas, y, x, S, in, out, w, in, partial); });
	report(named("dx"), product, flop, [&] { dense_dx_cuda(blas, y, w, in, S, in, out, x); });
}

/* What epilogues make of it; T: float (TF32) or bf16, whose arrays are those of floats: every bit of
   them is as random. */
template <class T>
static void bench_fused(const char *prefix, uint32_t in, uint32_t out, float *const *array)
{
	const bool floats = sizeof(T) == sizeof(float);
	const struct fused f = { lt, stream,
		floats ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F, array[5], WORKSPACE };
	T *x = (T *)array[0], *y = (T *)array[1], *w = (T *)array[2], *bias = (T *)array[3];
	uint32_t *mask = device<uint32_t>(fused_mask_words(S, in)),
		 *out_mask = device<uint32_t>(fused_mask_words(S, out));
	double product = (double)sizeof(T) * S * (in + out), flop = 2.0 * S * in * out;
	char name[64];
	auto named = [&](const char *what, bool there) {
		snprintf(name, sizeof(name), "%s_%s_%s%s_%ux%u", prefix, floats ? "tf32" : "bf16",
			what, there ? "" : "_MISSING", in, out);
		return name;
	};
	bool forward = fused_forward_cuda(&f, x, w, bias, S, in, out, y, out_mask);
	bool dx = fused_dx_cuda(&f, y, w, S, in, out, mask, x);

	report(named("bias_relu_mask", forward), product + S * out / 8.0, flop,
		[&] { fused_forward_cuda(&f, x, w, bias, S, in, out, y, out_mask); });
	report(named("dx_relu", dx), product + S * in / 8.0, flop,
		[&] { fused_dx_cuda(&f, y, w, S, in, out, mask, x); });
	report(named("column_sum", true), (double)sizeof(T) * S * out, 0,
		[&] { column_sum_cuda(stream, y, S, out, array[3], array[4]); });
	if (!floats)
		report(named("dw", true), product, flop, [&] {
			fused_dw_cuda(&f, (const bf16 *)y, (const bf16 *)x, S, in, out, array[2],
				array[4]);
		});
	CUDA(cudaFree(mask));
	CUDA(cudaFree(out_mask));
}

/* The layers, by their inputs and outputs. */
static void bench_layer(const char *prefix, uint32_t in, uint32_t out)
{
	float *const array[] = { random_floats((size_t)S * in), random_floats((size_t)S * out),
		random_floats(in * out), random_floats(out),
		device<float>(
			std::max((size_t)DENSE_SLICES * in * out, (size_t)COLUMN_PARTIALS * out)),
		device<float>(WORKSPACE / sizeof(float)) };

	bench_plain(prefix, in, out, array);
	bench_fused<float>(prefix, in, out, array);
	bench_fused<bf16>(prefix, in, out, array);
	for (float *p : array)
		CUDA(cudaFree(p));
}

static void bench_loss(void)
{
	float *g = random_floats((size_t)S * F), *x = random_floats((size_t)S * H3);
	float *head = random_floats(F + H3 + 1), *dlogit = random_floats(S);
	float *dx = device<float>((size_t)S * H3);
	float *partial = device<float>((size_t)COLUMN_PARTIALS * (F + H3 + 1));
	struct loss_total *total = device<struct loss_total>(1);
	struct loss a;

	memset(&a, 0, sizeof(a));
	a.kind = LOSS_BPR;
	a.g = g;
	a.x = x;
	a.head = head;
	a.batch = B;
	a.F = F;
	a.H = H3;
	a.dlogit = dlogit;
	a.dx = dx;
	a.partial = device<double>(LOSS_PARTIALS);
	report("loss_backward", 4.0 * S * (F + 2 * H3 + 1), 4.0 * S * (F + H3),
		[&] { loss_backward_cuda(stream, &a); });
	report("loss_total", 8.0 * LOSS_PARTIALS, 0, [&] { loss_total_cuda(stream, &a, total); });
	report("head_backward", 4.0 * S * (F + H3 + 1), 2.0 * S * (F + H3),
		[&] { head_backward_cuda(stream, dlogit, g, x, S, F, H3, true, head, partial); });
	for (float *p : { g, x, head, dlogit, dx, partial })
		CUDA(cudaFree(p));
	CUDA(cudaFree(a.partial));
	CUDA(cudaFree(total));
}

/* A table of items: its segments, and its updates. */
static void bench_rows(void)
{
	size_t size = (size_t)items * E, carry = (size_t)segment_chunks(S) * E;
	float *dx = random_floats((size_t)S * E), *drow = device<float>((size_t)S * E);
	float *in = device<float>(carry), *out = device<float>(carry);
	float *w = random_floats(size), *m = random_floats(size), *v = device<float>(size);
	struct update_rule rule = { OPTIMIZER_LAZY_ADAM, 0.9, 0.999, 0.9f, 0.999f, 0.1f, 0.001f, 0,
		1e-8f };
	struct segment a;

	memset(&a, 0, sizeof(a));
	a.key = sorter.key;
	a.position = sorter.position;
	a.n = S;
	a.cols = a.stride = E;
	a.terms = 1;
	a.batch = B;
	a.dx = dx;
	a.value = w;
	a.drow = drow;
	a.carry_in = in;
	a.carry_out = out;
	struct update_table t = { w, m, v, items, E, drow, a.key, slot, S };
	double distinct = std::min(items, S); /* rows, at most */

	report("sort", 8.0 * S, 0, [&] { sort_ids_cuda(stream, &sorter, item, S, items, slot); });
	report("segment_sum", 4.0 * E * (S + distinct) + 8.0 * S, 1.0 * S * E,
		[&] { segment_sum_cuda(stream, &a, 1); });
	report("row_update", 28.0 * E * distinct, 0,
		[&] { row_update_cuda(stream, &t, 1, &rule, state); });
	report("table_update", 24.0 * E * items + 4.0 * E * distinct, 0,
		[&] { table_update_cuda(stream, &t, 1, &rule, state); });
	for (float *p : { dx, drow, in, out, w, m, v })
		CUDA(cudaFree(p));
}

static void bench_small(void)
{
	struct update_rule rule = { OPTIMIZER_ADAM, 0.9, 0.999, 0.9f, 0.999f, 0.1f, 0.001f, 0,
		1e-8f };
	const uint32_t n = 2 * E * H1 + H1 * H2 + H2 * H3;
	float *w = random_floats(n), *m = random_floats(n), *v = device<float>(n);
	float *g = random_floats(n);
	struct update_flat a = { w, m, v, g, n };

	report("step_begin", 32, 0, [&] { step_begin_cuda(stream, state, &rule); });
	report("flat_update", 28.0 * n, 0, [&] { flat_update_cuda(stream, &a, &rule, state); });
	for (float *p : { w, m, v, g })
		CUDA(cudaFree(p));
}

int main(int argc, char **argv)
{
	size_t bytes = (size_t)1 << 30;

	B = argc > 1 ? (uint32_t)atoi(argv[1]) : 0;
	if ((argc != 2 && argc != 4) || B < 1)
		return fprintf(stderr, "usage: bench_ops BATCH [USERS ITEMS]\n"), 2;
	if (argc == 4) { /* small: on the host runtime */
		users = (uint32_t)atoi(argv[2]);
		items = (uint32_t)atoi(argv[3]);
		bytes = 1 << 16;
	}
	S = P * B;
	timing_start();
	float *a = random_floats(bytes / 4), *b = random_floats(bytes / 4);
	rate = copy_rate((const float4 *)a, (float4 *)b, bytes / 16);
	printf("copy %.1f GB/s\n", rate / 1e9);
	CUDA(cudaFree(a));
	CUDA(cudaFree(b));
	user = random_ids(B, users, false);
	item = random_ids(S, items, true);
	slot = device<uint32_t>(items);
	state = device<struct step_state>(1);
	uint32_t *place = device<uint32_t>(S);
	sort_places_cuda(stream, place, S);
	sorter.place = place;
	sorter.key = device<uint32_t>(S);
	sorter.position = device<uint32_t>(S);
	sorter.scratch_size = sort_scratch(S, items);
	sorter.scratch = device<char>(sorter.scratch_size);
	bench_gather();
	CUBLAS(blas_lt_load()->create(&lt));
	bench_layer("layer1", 2 * E, H1);
	bench_layer("layer2", H1, H2);
	bench_layer("layer3", H2, H3);
	CUBLAS(blas_lt_load()->destroy(lt));
	bench_loss();
	bench_rows();
	bench_small();
	for (uint32_t *p : { user, item, slot, place, sorter.key, sorter.position })
		CUDA(cudaFree(p));
	CUDA(cudaFree(sorter.scratch));
	CUDA(cudaFree(state));
	timing_end();
	return 0;
}
