/*
 * backend: the ops of backend.h on a CUDA device. A step is one graph, captured once for a batch
 * size and launched with one call; see step.cu for what is in it.
 */
#include "cuda/device.h"

#include <errno.h> /* program_invocation_short_name */

/* Most floats of an array of a step: its kernels count them in 32 bits. */
static void check_sizes(const struct backend *b)
{
	uint64_t widest = neumf_widest_hidden(&b->shape);

	widest = b->F > widest ? b->F : widest;
	widest = 2 * b->E > widest ? 2 * b->E : widest;
	if (widest * b->batch_size * b->parts > INT32_MAX)
		die("a batch of %u rows is too large for cuda: "
		    "a layer of it has %.2g numbers, 2^31 are the most",
			b->batch_size, (double)(widest * b->batch_size * b->parts));
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
	/* without decay, sgd leaves a row alone that is not in the batch */
	b->rows_only = o->kind == OPTIMIZER_LAZY_ADAM ||
		       (o->kind == OPTIMIZER_SGD && o->weight_decay == 0);
}

static void set_shape(struct backend *b, const struct backend_config *config)
{
	const struct neumf_shape *s = &config->shape;

	b->shape = *s;
	neumf_layout(s, &b->layout);
	b->tf32 = config->tf32;
	b->batch_size = config->batch_size;
	b->parts = s->loss == LOSS_BCE ? 1 : 2;
	b->F = neumf_has_gmf(s) ? s->factors : 0;
	b->E = neumf_has_mlp(s) ? s->mlp_factors : 0;
	b->H = b->E ? s->hidden[s->num_hidden - 1] : 0;
	b->side[SIDE_USER].bound = s->num_users;
	b->side[SIDE_USER].parts = 1;
	b->side[SIDE_ITEM].bound = s->num_items;
	b->side[SIDE_ITEM].parts = b->parts;
	bool concat = b->E && device_narrow(b, 0);
	b->row_stride = concat ? 2 * b->E : b->E;
	b->user_parts = concat ? b->parts : 1;
	if (b->train)
		check_sizes(b);
}

/* Streams, events and, where a layer is not narrow, cuBLAS (it takes half a second to load). */
static void open_device(struct backend *b)
{
	struct cudaDeviceProp properties;
	bool wide = b->E && !narrow_fits(b->E, b->shape.hidden[0]);

	CUDA(cudaSetDevice(0));
	CUDA(cudaGetDeviceProperties(&properties, 0));
	snprintf(b->description, sizeof(b->description), "%s, %s", properties.name,
		b->tf32 ? "tf32" : "fp32");
	CUDA(cudaStreamCreateWithFlags(&b->stream, cudaStreamNonBlocking));
	CUDA(cudaStreamCreateWithFlags(&b->side_stream, cudaStreamNonBlocking));
	CUDA(cudaStreamCreateWithFlags(&b->copy_stream, cudaStreamNonBlocking));
	CUDA(cudaEventCreateWithFlags(&b->forked, cudaEventDisableTiming));
	CUDA(cudaEventCreateWithFlags(&b->joined, cudaEventDisableTiming));
	for (uint32_t l = 0; l < b->shape.num_hidden && b->E; l++)
		wide = wide || !device_narrow(b, l);
	if (!wide)
		return;
	CUBLAS(cublasCreate(&b->blas));
	CUBLAS(cublasSetStream(b->blas, b->stream));
	CUBLAS(cublasSetMathMode(
		b->blas, b->tf32 ? CUBLAS_TF32_TENSOR_OP_MATH : CUBLAS_DEFAULT_MATH));
}

static void open_inputs(struct backend *b)
{
	for (int i = 0; i < 2; i++) {
		CUDA(cudaMallocHost(
			(void **)&b->input[i].host, (size_t)3 * b->batch_size * sizeof(uint32_t)));
		CUDA(cudaEventCreateWithFlags(&b->input[i].copied, cudaEventDisableTiming));
		CUDA(cudaEventCreateWithFlags(&b->input[i].used, cudaEventDisableTiming));
	}
}

static void reset_loss(struct backend *b)
{
	const struct loss_total none = { 0, 0, 0, ~0ull };

	CUDA(cudaMemcpyAsync(b->loss, &none, sizeof(none), cudaMemcpyHostToDevice, b->stream));
	CUDA(cudaStreamSynchronize(b->stream));
}

static struct backend *create(const struct backend_config *config)
{
	struct backend *b = (struct backend *)xcalloc(1, sizeof(*b));
	struct step_state start = { 0, 0, 0, 0 };

	set_rule(b, config->optimizer);
	set_shape(b, config);
	open_device(b);
	device_allocate(b);
	for (unsigned i = 0; i < b->layout.num_tensors; i++) {
		const struct neumf_tensor *t = &b->layout.tensor[i];

		CUDA(cudaMemcpyAsync(b->param[i].value, config->params + t->offset,
			(size_t)t->rows * t->cols * sizeof(float), cudaMemcpyHostToDevice,
			b->stream));
	}
	if (b->train) {
		start.lr = (float)config->optimizer->lr;
		CUDA(cudaMemcpyAsync(
			b->state, &start, sizeof(start), cudaMemcpyHostToDevice, b->stream));
		open_inputs(b);
		reset_loss(b);
	}
	CUDA(cudaStreamSynchronize(b->stream));
	free(config->params);
	return b;
}

static void enqueue(struct backend *b, unsigned what)
{
	if (what & GRAPH_GRADIENT)
		step_gradient(b);
	if (what & GRAPH_UPDATE)
		step_update(b);
}

static cudaGraphExec_t capture(struct backend *b, unsigned what)
{
	cudaGraphExec_t exec;
	cudaGraph_t captured;

	CUDA(cudaStreamBeginCapture(b->stream, cudaStreamCaptureModeThreadLocal));
	enqueue(b, what);
	CUDA(cudaStreamEndCapture(b->stream, &captured));
	CUDA(cudaGraphInstantiate(&exec, captured, 0));
	CUDA(cudaGraphDestroy(captured));
	return exec;
}

/*
 * `what` is GRAPH_* together, on the current input. A batch size that is new there goes kernel by
 * kernel: kernels are loaded at their first launch, which does not belong into a capture, and the
 * short last batch comes but once. From the second time on it is a graph.
 */
static void launch(struct backend *b, unsigned what)
{
	struct input *in = &b->input[b->current];
	struct graph *g = &b->graph[b->current][what];

	if (what & GRAPH_GRADIENT)
		CUDA(cudaStreamWaitEvent(b->stream, in->copied, 0));
	if (g->n != b->n) {
		if (g->exec) {
			CUDA(cudaStreamSynchronize(b->stream));
			CUDA(cudaGraphExecDestroy(g->exec));
			g->exec = NULL;
		}
		g->n = b->n;
		enqueue(b, what);
	} else {
		if (!g->exec)
			g->exec = capture(b, what);
		CUDA(cudaGraphLaunch(g->exec, b->stream));
	}
	if (what & GRAPH_GRADIENT)
		CUDA(cudaEventRecord(in->used, b->stream));
	b->pending = false;
}

/* The gradient waits for update(), to go into one graph with
   it; whoever needs it before asks here. */
static void flush(struct backend *b)
{
	if (b->pending)
		launch(b, GRAPH_GRADIENT);
}

/* Into the buffer that the step before the last used: its copy overlaps the step in flight. */
static void gradient(struct backend *b, const struct batch *batch)
{
	size_t n = batch->size, bytes = n * sizeof(uint32_t);

	flush(b);
	b->current ^= 1;
	struct input *in = &b->input[b->current];
	CUDA(cudaEventSynchronize(in->copied));
	memcpy(in->host, batch->user, bytes);
	memcpy(in->host + n, batch->item, bytes);
	memcpy(in->host + 2 * n, b->parts == 2 ? (const void *)batch->negative : batch->label,
		bytes);
	CUDA(cudaStreamWaitEvent(b->copy_stream, in->used, 0));
	CUDA(cudaMemcpyAsync(
		in->device, in->host, 3 * bytes, cudaMemcpyHostToDevice, b->copy_stream));
	CUDA(cudaEventRecord(in->copied, b->copy_stream));
	b->n = batch->size;
	b->pending = true;
}

static void update(struct backend *b)
{
	launch(b, b->pending ? GRAPH_GRADIENT | GRAPH_UPDATE : GRAPH_UPDATE);
	b->version++;
}

static struct backend_loss loss(struct backend *b)
{
	struct loss_total total;
	struct backend_loss out;

	flush(b);
	CUDA(cudaMemcpyAsync(&total, b->loss, sizeof(total), cudaMemcpyDeviceToHost, b->stream));
	CUDA(cudaStreamSynchronize(b->stream));
	reset_loss(b);
	out.sum = total.sum;
	out.rows = total.rows;
	out.batches = total.batches;
	out.bad_batch = total.bad_batch < total.batches ? total.bad_batch : total.batches;
	return out;
}

static void read_device(struct backend *b, const void *from, size_t bytes, void *out)
{
	CUDA(cudaMemcpyAsync(out, from, bytes, cudaMemcpyDeviceToHost, b->stream));
	CUDA(cudaStreamSynchronize(b->stream));
}

/* The rows of the batch lie at the first place of their id. */
static void read_row_gradient(
	struct backend *b, const struct neumf_tensor *t, const struct param *p, float *out)
{
	const struct side *s = &b->side[t->side];
	size_t n = (size_t)b->n * s->parts, cols = t->cols;
	uint32_t *key = (uint32_t *)xmalloc(n, sizeof(*key));
	float *rows = (float *)xmalloc(n * cols, sizeof(*rows));

	memset(out, 0, t->rows * cols * sizeof(*out));
	read_device(b, s->sorter.key[sort_result(s->bound)], n * sizeof(*key), key);
	read_device(b, p->gradient, n * cols * sizeof(*rows), rows);
	for (size_t j = 0; j < n; j++)
		if (!j || key[j] != key[j - 1])
			memcpy(out + key[j] * cols, rows + j * cols, cols * sizeof(*out));
	free(key);
	free(rows);
}

static void read(struct backend *b, unsigned tensor, enum backend_what what, float *out)
{
	const struct neumf_tensor *t = &b->layout.tensor[tensor];
	const struct param *p = &b->param[tensor];
	size_t bytes = (size_t)t->rows * t->cols * sizeof(float);
	const float *from = what == BACKEND_VALUE     ? p->value
			    : what == BACKEND_MOMENT1 ? p->moment1
			    : what == BACKEND_MOMENT2 ? p->moment2
						      : p->gradient;

	flush(b);
	if (what == BACKEND_GRADIENT && t->side != SIDE_NONE)
		read_row_gradient(b, t, p, out);
	else if (from)
		read_device(b, from, bytes, out);
	else
		memset(out, 0, bytes); /* moments of sgd */
}

static const char *describe(struct backend *b)
{
	return b->description;
}

static void destroy(struct backend *b)
{
	CUDA(cudaDeviceSynchronize());
	for (int i = 0; i < 2; i++) {
		for (int what = 0; what < 4; what++)
			if (b->graph[i][what].exec)
				CUDA(cudaGraphExecDestroy(b->graph[i][what].exec));
		if (!b->train)
			continue;
		CUDA(cudaFreeHost(b->input[i].host));
		CUDA(cudaEventDestroy(b->input[i].copied));
		CUDA(cudaEventDestroy(b->input[i].used));
	}
	if (b->blas)
		CUBLAS(cublasDestroy(b->blas));
	ranked_free(b);
	device_free(b, 0);
	CUDA(cudaEventDestroy(b->forked));
	CUDA(cudaEventDestroy(b->joined));
	CUDA(cudaStreamDestroy(b->stream));
	CUDA(cudaStreamDestroy(b->side_stream));
	CUDA(cudaStreamDestroy(b->copy_stream));
	free(b);
}

static const struct backend_ops backend_cuda = { BACKEND_ABI, "cuda", create, gradient, update,
	loss, scoring_pairs, scoring_block, read, describe, destroy, ranked_places, ranked_top };

extern "C" __attribute__((visibility("default"))) const struct backend_ops *cofilter_cuda_backend(
	char *why, size_t why_size);

/* The one symbol of the plug-in, see backend.h. */
const struct backend_ops *cofilter_cuda_backend(char *why, size_t why_size)
{
	int devices = 0, major = 0, minor = 0;
	cudaError_t error = cudaGetDeviceCount(&devices);

	die_set_name(program_invocation_short_name); /* the plug-in has its own copy of die.c */
	if (error == cudaSuccess && devices)
		error = cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, 0);
	if (error == cudaSuccess && devices)
		error = cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, 0);
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
	return &backend_cuda;
}
