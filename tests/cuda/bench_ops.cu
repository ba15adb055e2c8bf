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

enum { F = 64, E = 64, H1 = 256, H2 = 128, H3 = 64, P = 2 };

static cublasLtHandle_t lt;

static double rate; /* of copies, bytes per second */
static uint32_t B, S, users = 138493, items = 26744;
static uint32_t *user, *item, *key, *position,
	*slot; /* user, key, position: then those of the items */
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
		floats ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F, workspace, WORKSPACE };
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
			std::max((size_t)DENSE_SLICES * in * out, (size_t)COLUMN_PARTIALS * out)) };

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
	size_t size = (size_t)items * E;
	float *dx = random_floats((size_t)S * E), *drow = device<float>((size_t)S * E);
	float *chunk = device<float>((size_t)S / SEGMENT_CHUNK * E);
	float *w = random_floats(size), *m = random_floats(size), *v = device<float>(size);
	struct update_rule rule = { OPTIMIZER_LAZY_ADAM, 0.9, 0.999, 0.9f, 0.999f, 0.1f, 0.001f, 0,
		1e-8f };
	struct segment a;

	memset(&a, 0, sizeof(a));
	a.key = key + B;
	a.position = position + B;
	a.n = S;
	a.cols = a.stride = E;
	a.terms = 1;
	a.batch = B;
	a.dx = dx;
	a.value = w;
	a.drow = drow;
	a.chunk = chunk;
	struct update_table t = { w, m, v, items, E, drow, a.key, slot, S };
	double distinct = std::min(items, S); /* rows, at most */

	const struct sorted of[2] = { { B, key, position, NULL },
		{ S, key + B, position + B, slot } };

	const uint32_t few = std::min(B, 1024u);
	const struct sorted of_few[2] = { { few, key, position, NULL },
		{ P * few, key + few, position + few, NULL } };

	report("sort_counted", 8.0 * (1 + P) * few, 0,
		[&] { sort_ids_cuda(stream, &sorter, user, &of_few[0], &of_few[1]); });
	report("sort", 8.0 * (B + S), 0,
		[&] { sort_ids_cuda(stream, &sorter, user, &of[0], &of[1]); });
	report("segment_sum", 4.0 * E * (S + distinct) + 8.0 * S, 1.0 * S * E,
		[&] { segment_sum_cuda(stream, &a, 1); });
	report("row_update", 28.0 * E * distinct, 0,
		[&] { row_update_cuda(stream, &t, 1, &rule, state); });
	report("table_update", 24.0 * E * items + 4.0 * E * distinct, 0,
		[&] { table_update_cuda(stream, &t, 1, &rule, state); });
	report("segment_update", 4.0 * E * S + 8.0 * S + 24.0 * E * distinct, 1.0 * S * E,
		[&] { segment_update_cuda(stream, &a, &t, 1, false, &rule, state); });
	for (float *p : { dx, drow, chunk, w, m, v })
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

/* Ids of the users, then of the items. */
static uint32_t *batch_ids(void)
{
	uint32_t *id = device<uint32_t>(B + S), *of_users = random_ids(B, users, false),
		 *of_items = random_ids(S, items, true);

	CUDA(cudaMemcpyAsync(id, of_users, B * sizeof(*id), cudaMemcpyDeviceToDevice, stream));
	CUDA(cudaMemcpyAsync(id + B, of_items, S * sizeof(*id), cudaMemcpyDeviceToDevice, stream));
	CUDA(cudaStreamSynchronize(stream));
	CUDA(cudaFree(of_users));
	CUDA(cudaFree(of_items));
	return id;
}

static void start_sorter(void)
{
	uint32_t *place = device<uint32_t>(B + S);

	sort_places_cuda(stream, place, B + S);
	sorter.place = place;
	sorter.bound[SIDE_USER] = users;
	sorter.bound[SIDE_ITEM] = items;
	sorter.marked = device<uint32_t>(B + S);
	sorter.sorted = device<uint32_t>(B + S);
	sorter.scratch_size = sort_scratch(B + S, sorter.bound);
	sorter.scratch = device<char>(sorter.scratch_size);
}

/* The book's network, (10; 10,10,10), whole; bytes of its rows, of their gradients and of ids. */
static void bench_network(void)
{
	const uint32_t w = 10;
	struct update_rule rule = { OPTIMIZER_ADAM, 0.9, 0.999, 0.9f, 0.999f, 0.1f, 0.001f, 0,
		1e-8f };
	float *table[4], *gradient[4];
	struct loss_total *total = device<struct loss_total>(1);
	struct network a;

	memset(&a, 0, sizeof(a));
	a.kind = LOSS_BPR;
	a.batch = B;
	a.items_per_row = P;
	a.F = a.E = a.H = w;
	a.num_layers = 3;
	a.head_size = 2 * w;
	a.dense.n = 2 * w;
	for (uint32_t l = 0; l < 3; l++) {
		a.layer[l].in = l ? w : 2 * w;
		a.layer[l].out = w;
		a.layer[l].weight = a.dense.n;
		a.layer[l].bias = a.dense.n + a.layer[l].in * w;
		a.dense.n = a.layer[l].bias + w;
	}
	a.dense.n = (a.dense.n + 3) / 4 * 4;
	a.dense = { random_floats(a.dense.n), random_floats(a.dense.n), random_floats(a.dense.n),
		random_floats(a.dense.n), a.dense.n };
	for (int i = 0; i < 4; i++) {
		table[i] = random_floats((size_t)(i % 2 ? items : users) * w);
		gradient[i] = device<float>((size_t)(i % 2 ? S : B) * w);
	}
	a.gmf_user = table[0];
	a.gmf_item = table[1];
	a.mlp_user = table[2];
	a.mlp_item = table[3];
	a.dgmf_user = gradient[0];
	a.dgmf_item = gradient[1];
	a.dmlp_user = gradient[2];
	a.dmlp_item = gradient[3];
	a.user = user;
	a.item = item;
	if (!network_plan(&a))
		exit(1);
	a.partial = device<float>((size_t)network_partials(&a) * a.dense.n);
	a.loss_partial = device<double>(LOSS_PARTIALS);
	report("network_backward", (2 * 4.0 * 2 * w + 4) * (B + S), 6.0 * 400 * S,
		[&] { network_backward_cuda(stream, &a, &rule, state); });
	report("network_dense", 4.0 * a.dense.n * (a.blocks + 6), 0,
		[&] { network_dense_cuda(stream, &a, 0, total, &rule, state); });
	for (float *p : { a.dense.value, a.dense.moment1, a.dense.moment2, a.dense.gradient,
		     a.partial, table[0], table[1], table[2], table[3], gradient[0], gradient[1],
		     gradient[2], gradient[3] })
		CUDA(cudaFree(p));
	CUDA(cudaFree(a.loss_partial));
	CUDA(cudaFree(total));
}

enum { ITEMS_OF_USER = 64 };

/* ITEMS_OF_USER positives of each user; no other items are excluded. */
static __global__ void positives_kernel(struct positive_index_line *line, size_t lines,
	uint64_t *start, uint32_t *excluded, uint32_t users, uint32_t items)
{
	size_t i = blockIdx.x * (size_t)blockDim.x + threadIdx.x;
	uint32_t apart = items / ITEMS_OF_USER;

	if (i <= users)
		start[i] = i * ITEMS_OF_USER;
	if (i < (size_t)users * ITEMS_OF_USER)
		excluded[i] = (uint32_t)(i % ITEMS_OF_USER) * apart + scatter(i) % apart;
	if (i >= lines)
		return;
	size_t first = i * POSITIVES_PER_LINE;
	line[i].before = (uint32_t)((first + ITEMS_OF_USER - 1) / ITEMS_OF_USER);
	line[i].begins = 0;
	for (uint32_t k = 0; k < POSITIVES_PER_LINE; k++) {
		size_t at = first + k;

		line[i].begins |= (uint32_t)(at % ITEMS_OF_USER == 0) << k;
		line[i].item[k] = (uint32_t)(at % ITEMS_OF_USER) * apart + scatter(at) % apart;
	}
}

/* A batch of triples drawn: 12 bytes written, and read a line of 64, 4, 16, and 5 sectors of 32. */
static void bench_draws(void)
{
	struct row_draws d;
	struct drawn_columns to = { device<uint32_t>(B), device<uint32_t>(B), device<uint32_t>(B) };
	const size_t n = (size_t)users * ITEMS_OF_USER,
		     lines = (n + POSITIVES_PER_LINE - 1) / POSITIVES_PER_LINE;
	auto *line = device<struct positive_index_line>(lines);
	uint32_t *excluded = device<uint32_t>(n), *place = device<uint32_t>(users);
	uint64_t *start = device<uint64_t>(users + 1);

	memset(&d, 0, sizeof(d));
	d.rows_per_epoch = d.num_positives = n;
	d.from.seed = 1;
	d.from.num = items;
	d.from.surplus = (0u - items) % items;
	d.num_positive_users = d.num_users = users;
	d.user = place;
	d.line = line;
	d.start = start;
	d.item = excluded;
	sort_places_cuda(stream, place, users);
	LAUNCH(positives_kernel, gpu_blocks(n + 1, GPU_BLOCK), GPU_BLOCK, 0, stream, line, lines,
		start, excluded, users, items);
	CHECK_LAUNCH();
	report("draw_rows", 256.0 * B, 0, [&] { draw_rows_cuda(stream, &d, 0, B, to); });
	for (void *p : { (void *)to.user, (void *)to.item, (void *)to.third, (void *)line,
		     (void *)excluded, (void *)place, (void *)start })
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
	user = batch_ids();
	item = user + B;
	key = device<uint32_t>(B + S);
	position = device<uint32_t>(B + S);
	slot = device<uint32_t>(items);
	state = device<struct step_state>(1);
	start_sorter();
	bench_gather();
	CUBLAS(blas_lt_load()->create(&lt));
	bench_layer("layer1", 2 * E, H1);
	bench_layer("layer2", H1, H2);
	bench_layer("layer3", H2, H3);
	CUBLAS(blas_lt_load()->destroy(lt));
	bench_loss();
	bench_rows();
	bench_small();
	bench_network();
	bench_draws();
	for (uint32_t *p : { user, key, position, slot, sorter.marked, sorter.sorted })
		CUDA(cudaFree(p));
	CUDA(cudaFree((void *)sorter.place));
	CUDA(cudaFree(sorter.scratch));
	CUDA(cudaFree(state));
	timing_end();
	return 0;
}
