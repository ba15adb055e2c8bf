/* step: puts the work of one step on the streams. README.md has a drawing; nothing here waits. */
#include "cuda/device.h"

static void forward_layers(struct backend *b, uint32_t samples)
{
	for (uint32_t l = 0; l < b->shape.num_hidden; l++) {
		uint32_t in = device_in(b, l);

		if (device_narrow(b, l))
			narrow_forward_cuda(b->stream, l ? b->act[l - 1] : b->rows, in,
				device_weight(b, l)->value, in, device_bias(b, l)->value, samples,
				in, b->shape.hidden[l], b->act[l]);
		else
			wide_forward(b, l, samples);
	}
}

/* dact of the last layer is given; each layer masks what reaches it by its own output. */
static void backward_layers(struct backend *b, uint32_t samples)
{
	for (uint32_t l = b->shape.num_hidden; l-- > 0;) {
		const struct param *weight = device_weight(b, l);

		if (device_narrow(b, l))
			narrow_backward_cuda(b->stream, b->dact[l], b->act[l],
				l ? b->act[l - 1] : b->rows, weight->value, samples,
				device_in(b, l), b->shape.hidden[l], l ? b->dact[l - 1] : b->drows,
				weight->gradient, device_bias(b, l)->gradient, b->partial);
		else
			wide_backward(b, l, samples);
	}
}

static void enqueue_gather(struct backend *b, const uint32_t *user, const uint32_t *item)
{
	struct gather a;

	memset(&a, 0, sizeof(a));
	a.gmf_user = device_value(b, TENSOR_GMF_USER);
	a.gmf_item = device_value(b, TENSOR_GMF_ITEM);
	a.mlp_user = device_value(b, TENSOR_MLP_USER);
	a.mlp_item = device_value(b, TENSOR_MLP_ITEM);
	a.user = user;
	a.item = item;
	a.batch = b->n;
	a.items_per_row = b->items_per_row;
	a.factors = b->F;
	a.mlp_factors = b->E;
	a.g = b->g;
	a.rows = b->rows;
	a.rows_bf16 = b->wide.bf16.rows;
	gather_forward_cuda(b->stream, &a);
}

/* The gradient of the global bias. By rows: what cancels in a row of bpr is then exactly 0. */
static void enqueue_bias(struct backend *b)
{
	const struct param *global = device_param(b, TENSOR_GLOBAL_BIAS);

	sample_sum_cuda(b->stream, b->dlogit, b->n, b->items_per_row, b->duser_bias);
	head_backward_cuda(b->stream, b->duser_bias, NULL, NULL, b->n, 0, 0, true, global->gradient,
		b->partial);
	if (b->l2 != 0)
		flat_l2_cuda(b->stream, global->value, b->l2, 1, global->gradient);
}

static void enqueue_loss(struct backend *b, const uint32_t *user, const uint32_t *item,
	const float *label, uint32_t samples)
{
	const struct param *head = device_param(b, TENSOR_HEAD);
	uint32_t last = b->shape.num_hidden - 1;
	struct loss a;

	memset(&a, 0, sizeof(a));
	a.kind = b->shape.loss;
	a.sigmoid_output = b->shape.sigmoid_output;
	a.g = b->g;
	a.x = b->H ? b->act[last] : NULL;
	a.head = head ? head->value : NULL;
	a.bias = device_value(b, b->shape.bias ? TENSOR_GLOBAL_BIAS : TENSOR_HEAD_BIAS);
	a.user_bias = device_value(b, TENSOR_USER_BIAS);
	a.item_bias = device_value(b, TENSOR_ITEM_BIAS);
	a.user = user;
	a.item = item;
	a.label = label;
	a.batch = b->n;
	a.F = b->F;
	a.H = b->H;
	a.dlogit = b->dlogit;
	a.dx = b->H ? b->dact[last] : NULL;
	a.partial = b->loss_partial;
	loss_backward_cuda(b->stream, &a);
	/* the sum of the losses delays nobody */
	CUDA(cudaEventRecord(b->forked, b->stream));
	CUDA(cudaStreamWaitEvent(b->side_stream, b->forked, 0));
	loss_total_cuda(b->side_stream, &a, b->loss);
	if (head)
		head_backward_cuda(b->stream, b->dlogit, b->g, a.x, samples, b->F, b->H,
			a.bias != NULL, head->gradient, b->partial);
	if (b->shape.bias)
		enqueue_bias(b);
}

struct segment step_segment(const struct backend *b, unsigned tensor)
{
	const struct neumf_tensor *t = &b->layout.tensor[tensor];
	const struct sorted *s = &b->side[t->side].sorted;
	const struct param *p = &b->param[tensor];
	struct segment a;

	memset(&a, 0, sizeof(a));
	a.key = s->key;
	a.position = s->position;
	a.n = s->n;
	a.cols = t->cols;
	a.batch = b->n;
	a.value = p->value;
	a.l2 = b->l2 / (float)b->n;
	a.chunk = p->chunk;
	a.drow = p->gradient;
	return a;
}

static struct segment segment_of(const struct backend *b, int which)
{
	return step_segment(b, (unsigned)b->layout.at[which]);
}

static void enqueue_segments(struct backend *b, const uint32_t *user, const uint32_t *item)
{
	struct segment a[MAX_TABLES];
	unsigned num = 0;

	if (b->shape.bias) {
		a[num] = segment_of(b, TENSOR_USER_BIAS);
		a[num].dx = b->duser_bias;
		a[num].stride = 1;
		a[num++].terms = 1;
		a[num] = segment_of(b, TENSOR_ITEM_BIAS);
		a[num].dx = b->dlogit;
		a[num].stride = 1;
		a[num++].terms = 1;
	}
	/* rows of one float, apart from those that are read four at a time */
	const unsigned biases = num;
	if (b->F) {
		a[num] = segment_of(b, TENSOR_GMF_USER);
		a[num].other = device_value(b, TENSOR_GMF_ITEM);
		a[num].other_id = item;
		a[num].other_mod = b->n * b->items_per_row;
		a[num++].terms = b->items_per_row;
		a[num] = segment_of(b, TENSOR_GMF_ITEM);
		a[num].other = device_value(b, TENSOR_GMF_USER);
		a[num].other_id = user;
		a[num].other_mod = b->n;
		a[num++].terms = 1;
		for (unsigned i = biases; i < num; i++) {
			a[i].dlogit = b->dlogit;
			a[i].head = device_value(b, TENSOR_HEAD);
		}
	}
	if (b->E) {
		a[num] = segment_of(b, TENSOR_MLP_USER);
		a[num].dx = b->drows;
		a[num].stride = 2 * b->E;
		a[num++].terms = b->items_per_row;
		a[num] = segment_of(b, TENSOR_MLP_ITEM);
		a[num].dx = b->drows + b->E;
		a[num].stride = 2 * b->E;
		a[num++].terms = 1;
	}
	if (num > biases)
		segment_sum_cuda(b->stream, a + biases, num - biases);
	if (biases)
		segment_sum_cuda(b->stream, a, biases);
}

void step_sort(struct backend *b)
{
	sort_ids_cuda(b->copy_stream, &b->sorter, b->input[b->current].device,
		&b->side[SIDE_USER].sorted, &b->side[SIDE_ITEM].sorted);
}

void step_gradient(struct backend *b, bool then_update)
{
	const uint32_t *user = b->input[b->current].device, *item = user + b->n;
	const float *label = (const float *)(item + b->n); /* bce; else the negatives */
	uint32_t samples = b->n * b->items_per_row;

	if (b->narrow) {
		network_step(b, then_update);
		return;
	}
	CUDA(cudaEventRecord(b->forked, b->stream));
	CUDA(cudaStreamWaitEvent(b->side_stream, b->forked, 0));
	if (then_update)
		step_begin_cuda(b->side_stream, b->state, &b->rule);
	enqueue_gather(b, user, item);
	wide_begin(b);
	if (b->E)
		forward_layers(b, samples);
	enqueue_loss(b, user, item, label, samples);
	if (b->E)
		backward_layers(b, samples);
	CUDA(cudaEventRecord(b->joined, b->side_stream));
	CUDA(cudaStreamWaitEvent(b->stream, b->joined, 0));
	wide_check(b);
	enqueue_segments(b, user, item);
}

static void update_tables(struct backend *b, const struct update_table *a, unsigned num)
{
	if (!num)
		return;
	if (b->rows_only)
		row_update_cuda(b->stream, a, num, &b->rule, b->state);
	else
		table_update_cuda(b->stream, a, num, &b->rule, b->state);
}

struct update_table step_table(const struct backend *b, unsigned tensor)
{
	const struct neumf_tensor *t = &b->layout.tensor[tensor];
	const struct side *s = &b->side[t->side];
	const struct param *p = &b->param[tensor];
	struct update_table a;

	memset(&a, 0, sizeof(a));
	a.value = p->value;
	a.moment1 = p->moment1;
	a.moment2 = p->moment2;
	a.rows = s->bound;
	a.cols = t->cols;
	a.drow = p->gradient;
	a.key = s->sorted.key;
	a.slot = s->sorted.slot;
	a.n = s->sorted.n;
	return a;
}

void step_update(struct backend *b, bool begun)
{
	struct update_table a[2][MAX_TABLES]; /* of rows, and of single biases */
	unsigned num[2] = { 0, 0 };

	if (begun && b->narrow)
		return; /* network_step has done it */
	if (!begun)
		step_begin_cuda(b->stream, b->state, &b->rule);
	if (b->flat.n)
		flat_update_cuda(b->stream, &b->flat, &b->rule, b->state);
	for (unsigned i = 0; i < b->layout.num_tensors; i++) {
		const struct neumf_tensor *t = &b->layout.tensor[i];
		bool bias = t->cols == 1;

		if (t->side != SIDE_NONE)
			a[bias][num[bias]++] = step_table(b, i);
	}
	update_tables(b, a[0], num[0]);
	update_tables(b, a[1], num[1]);
}
