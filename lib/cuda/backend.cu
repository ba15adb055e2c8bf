/*
 * backend: creates and destroys the backend, and takes its batches. The other ops of backend.h are
 * in state.cu, score_driver.cu and rank_driver.cu.
 */
#include "cuda/device.h"

#include <errno.h> /* program_invocation_short_name */

/* Of CUDA 13. */
#define NEEDED_DRIVER "580 or later"

/* The kernels of a step count the floats of an array in 32 bits. */
static void check_sizes(const struct backend *b)
{
	uint64_t widest = neumf_widest_hidden(&b->shape);

	widest = b->F > widest ? b->F : widest;
	widest = 2 * b->E > widest ? 2 * b->E : widest;
	if (widest * b->batch_size * b->items_per_row > INT32_MAX)
		die("a batch of %u rows is too large for cuda: "
		    "a layer of it has %.2g numbers, 2^31 are the most",
			b->batch_size, (double)(widest * b->batch_size * b->items_per_row));
	if ((b->shape.num_users | b->shape.num_items) >> SORT_ID_BITS)
		die("2^31 users or items are too many for cuda");
}

/* cublasLt takes rows of whole vectors in any release. */
static void check_bf16(const struct backend *b)
{
	bool whole = 2 * b->E % 8 == 0;

	for (uint32_t l = 0; l < b->shape.num_hidden; l++)
		whole = whole && b->shape.hidden[l] % 8 == 0;
	if (b->precision == PRECISION_BF16 && b->E && !whole)
		die("--precision bf16 takes mlp factors that are multiples of 4 and layers that "
		    "are multiples of 8");
}

static void set_rule(struct backend *b, const struct neumf_optimizer *o)
{
	b->train = o != NULL;
	if (!o)
		return;
	b->rule.kind = o->kind;
	b->rule.beta1 = o->beta1;
	b->rule.beta2 = o->beta2;
	b->rule.decay1 = (float)o->beta1;
	b->rule.decay2 = (float)o->beta2;
	b->rule.rest1 = (float)(1 - o->beta1);
	b->rule.rest2 = (float)(1 - o->beta2);
	b->rule.weight_decay = (float)o->weight_decay;
	b->rule.eps = (float)o->eps;
	b->l2 = (float)o->l2;
	/* sgd without decay leaves rows outside the batch as they are */
	b->rows_only = o->kind == OPTIMIZER_LAZY_ADAM ||
		       (o->kind == OPTIMIZER_SGD && o->weight_decay == 0);
}

static void set_shape(struct backend *b, const struct backend_config *config)
{
	const struct neumf_shape *s = &config->shape;

	b->shape = *s;
	neumf_layout(s, &b->layout);
	b->precision = config->precision;
	b->batch_size = config->batch_size;
	b->items_per_row = neumf_items_per_row(s);
	b->F = neumf_has_gmf(s) ? s->factors : 0;
	b->E = neumf_has_mlp(s) ? s->mlp_factors : 0;
	b->H = b->E ? s->hidden[s->num_hidden - 1] : 0;
	b->side[SIDE_USER].bound = s->num_users;
	b->side[SIDE_USER].per_row = 1;
	b->side[SIDE_ITEM].bound = s->num_items;
	b->side[SIDE_ITEM].per_row = b->items_per_row;
	check_bf16(b);
	if (b->train)
		check_sizes(b);
}

/* Streams, events and, unless every layer is narrow, cuBLAS (it takes half a second to load). */
static void open_device(struct backend *b)
{
	struct cudaDeviceProp properties;
	bool wide = b->E && !narrow_fits(b->E, b->shape.hidden[0]);

	/* who waits for the device sleeps: the core is the sampler's */
	CUDA(cudaSetDeviceFlags(cudaDeviceScheduleBlockingSync));
	CUDA(cudaSetDevice(0));
	CUDA(cudaGetDeviceProperties(&properties, 0));
	snprintf(b->description, sizeof(b->description), "%s, %s", properties.name,
		backend_precision_names[b->precision]);
	CUDA(cudaStreamCreateWithFlags(&b->stream, cudaStreamNonBlocking));
	CUDA(cudaStreamCreateWithFlags(&b->side_stream, cudaStreamNonBlocking));
	CUDA(cudaStreamCreateWithFlags(&b->copy_stream, cudaStreamNonBlocking));
	CUDA(cudaEventCreateWithFlags(&b->forked, cudaEventDisableTiming));
	CUDA(cudaEventCreateWithFlags(&b->joined, cudaEventDisableTiming));
	for (uint32_t l = 0; l < b->shape.num_hidden && b->E; l++)
		wide = wide || !device_narrow(b, l);
	if (wide)
		wide_open(b);
}

static void put_loss(struct backend *b, const struct loss_total *total)
{
	CUDA(cudaMemcpyAsync(b->loss, total, sizeof(*total), cudaMemcpyHostToDevice, b->stream));
	CUDA(cudaStreamSynchronize(b->stream));
}

static void reset_loss(struct backend *b)
{
	const struct loss_total none = { 0, 0, 0, ~0ull };

	put_loss(b, &none);
}

/* The first values of a tensor, by pieces where the host does not hold them. */
static void put_values(struct backend *b, const struct backend_config *config, unsigned tensor)
{
	const struct neumf_tensor *t = &b->layout.tensor[tensor];
	const size_t bytes = (size_t)t->rows * t->cols * sizeof(float);
	struct neumf_rows rows = { tensor, 0, 0 };

	if (config->params) {
		CUDA(cudaMemcpyAsync(b->param[tensor].value, config->params + t->offset, bytes,
			cudaMemcpyHostToDevice, b->stream));
		return;
	}
	if (!config->fresh) {
		CUDA(cudaMemsetAsync(b->param[tensor].value, 0, bytes, b->stream));
		return;
	}
	float *piece = (float *)xmalloc(NEUMF_PIECE, sizeof(*piece));
	while (neumf_next_piece(&b->layout, &rows)) {
		neumf_init_rows(&b->layout, config->fresh, rows, piece);
		state_write(b, rows, BACKEND_VALUE, piece);
	}
	free(piece);
}

static struct backend *create(const struct backend_config *config)
{
	struct backend *b = (struct backend *)xcalloc(1, sizeof(*b));
	struct step_state start = { 0, 0, 0, 0 };

	if (config->optimizer && neumf_cosine(&config->shape))
		die("the ccl loss runs on cpu and reference only");
	if (config->params)
		neumf_normalize(&config->shape, config->params);
	set_rule(b, config->optimizer);
	set_shape(b, config);
	open_device(b);
	device_allocate(b);
	for (unsigned i = 0; i < b->layout.num_tensors; i++)
		put_values(b, config, i);
	if (b->train) {
		start.lr = (float)config->optimizer->lr;
		CUDA(cudaMemcpyAsync(
			b->state, &start, sizeof(start), cudaMemcpyHostToDevice, b->stream));
		input_open(b);
		reset_loss(b);
	}
	CUDA(cudaStreamSynchronize(b->stream));
	free(config->params);
	return b;
}

static void check_rows(const struct backend *b, uint32_t n)
{
	if (!n || n > b->batch_size)
		BUG("a batch of %u rows, 1 to %u expected", n, b->batch_size);
}

/* The gradient of the current batch, of n rows, is to be computed. */
static void hold_gradient(struct backend *b, uint32_t n)
{
	b->n = n;
	device_take_input(b);
	graph_sort(b);
	b->pending = true;
	b->written = false;
}

static void gradient(struct backend *b, const struct batch *batch)
{
	check_rows(b, batch->size);
	graph_flush(b);
	input_put(b, batch);
	hold_gradient(b, batch->size);
}

static void gradient_drawn(struct backend *b, uint64_t first, uint32_t n)
{
	check_rows(b, n);
	graph_flush(b);
	draws_put(b, first, n);
	hold_gradient(b, n);
}

static void update(struct backend *b)
{
	if (b->written) {
		step_update(b, false); /* of its own numbers of rows, which no graph fits */
		graph_used(b);
	} else
		graph_launch(b, b->pending ? GRAPH_GRADIENT | GRAPH_UPDATE : GRAPH_UPDATE);
	b->version++;
}

static struct backend_loss loss(struct backend *b)
{
	struct loss_total total;
	struct backend_loss out;

	graph_flush(b);
	CUDA(cudaMemcpyAsync(&total, b->loss, sizeof(total), cudaMemcpyDeviceToHost, b->stream));
	CUDA(cudaStreamSynchronize(b->stream));
	reset_loss(b);
	out.sum = total.sum;
	out.rows = total.rows;
	out.batches = total.batches;
	out.bad_batch = total.bad_batch < total.batches ? total.bad_batch : total.batches;
	return out;
}

static void set_loss(struct backend *b, const struct backend_loss *taken)
{
	const struct loss_total total = { taken->sum, taken->rows, taken->batches, ~0ull };

	graph_flush(b);
	put_loss(b, &total);
}

static const char *describe(struct backend *b)
{
	return b->description;
}

static void destroy(struct backend *b)
{
	CUDA(cudaDeviceSynchronize());
	graph_destroy(b);
	if (b->train)
		input_close(b);
	draws_free(b);
	if (b->blas)
		wide_close(b);
	rank_free(b);
	device_release(&b->packed);
	for (auto &a : b->first_place)
		device_release(&a);
	device_free(b, 0);
	CUDA(cudaEventDestroy(b->forked));
	CUDA(cudaEventDestroy(b->joined));
	CUDA(cudaStreamDestroy(b->stream));
	CUDA(cudaStreamDestroy(b->side_stream));
	CUDA(cudaStreamDestroy(b->copy_stream));
	free(b);
}

/* By name, which C++17 has no initialiser for. */
static struct backend_ops ops_by_name(void)
{
	struct backend_ops ops = {};

	ops.abi = BACKEND_ABI;
	ops.name = "cuda";
	ops.create = create;
	ops.lend = input_lend;
	ops.gradient = gradient;
	ops.draw_from = draws_from;
	ops.gradient_drawn = gradient_drawn;
	ops.drawn = draws_read;
	ops.update = update;
	ops.loss = loss;
	ops.set_loss = set_loss;
	ops.score_pairs = score_pairs;
	ops.score_block = score_block;
	ops.rank_block = rank_block;
	ops.top_block = top_block;
	ops.read = state_read;
	ops.write = state_write;
	ops.step = state_step;
	ops.set_step = state_set_step;
	ops.read_gradient = state_read_gradient;
	ops.write_gradient = state_write_gradient;
	ops.describe = describe;
	ops.destroy = destroy;
	return ops;
}

extern "C" __attribute__((visibility("default"))) const struct backend_ops *cofilter_cuda_backend(
	char *why, size_t why_size);

/* The one symbol of the plug-in, see backend.h. */
const struct backend_ops *cofilter_cuda_backend(char *why, size_t why_size)
{
	static struct backend_ops ops;
	int devices = 0, major = 0, minor = 0, driver = 0;
	cudaError_t error = cudaGetDeviceCount(&devices);

	die_set_name(program_invocation_short_name); /* the plug-in has its own copy of die.c */
	if (error == cudaSuccess && devices)
		error = cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, 0);
	if (error == cudaSuccess && devices)
		error = cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, 0);
	if (error == cudaErrorInsufficientDriver && cudaDriverGetVersion(&driver) == cudaSuccess &&
		driver) {
		snprintf(why, why_size,
			"the NVIDIA driver knows CUDA %d.%d, the plug-in needs %d.%d (driver %s)",
			driver / 1000, driver % 1000 / 10, CUDART_VERSION / 1000,
			CUDART_VERSION % 1000 / 10, NEEDED_DRIVER);
		return NULL;
	}
	if (error != cudaSuccess) {
		snprintf(why, why_size, "%s (%s)", cudaGetErrorString(error),
			cudaGetErrorName(error));
		return NULL;
	}
	if (!devices || 10 * major + minor < 75) {
		snprintf(why, why_size,
			devices ? "the device is older than compute capability 7.5"
				: "no CUDA device");
		return NULL;
	}
	ops = ops_by_name();
	return &ops;
}
