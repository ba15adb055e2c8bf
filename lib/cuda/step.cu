/* step: puts the work of one step on the streams. README.md has a drawing; nothing here waits. */
#include "cuda/device.h"

static void forward_layers(struct backend *b, uint32_t samples)
{
	for (uint32_t l = 0; l < b->shape.num_hidden; l++) {
		uint32_t in = device_in(b, l);

		if (device_narrow(b, l))
			narrow_forward_cuda(b->stream, l ? b->act[l - 1] : b->rows, in,
				device_param(b, TENSOR_MLP + 2 * (int)l)->value, in,
				device_param(b, TENSOR_MLP + 2 * (int)l + 1)->value, samples, in,
				b->shape.hidden[l], b->act[l]);
		else
			wide_forward(b, l, samples);
	}
}

/* dact of the last layer is given; each layer masks what reaches it by its own output. */
static void backward_layers(struct backend *b, uint32_t samples)
{
	for (uint32_t l = b->shape.num_hidden; l-- > 0;) {
		const struct param *weight = device_param(b, TENSOR_MLP + 2 * (int)l);

		if (device_narrow(b, l))
			narrow_backward_cuda(b->stream, b->dact[l], b->act[l],
				l ? b->act[l - 1] : b->rows, weight->value, samples,
				device_in(b, l), b->shape.hidden[l], l ? b->dact[l - 1] : b->drows,
				weight->gradient,
				device_param(b, TENSOR_MLP + 2 * (int)l + 1)->gradient, b->partial);
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
	CUDA(cudaStreamWaitEvent(b->sort_stream, b->forked, 0));
	loss_total_cuda(b->sort_stream, &a, b->loss);
	if (head)
		head_backward_cuda(b->stream, b->dlogit, b->g, a.x, samples, b->F, b->H,
			a.bias != NULL, head->gradient, b->partial);
	if (b->shape.bias)
		enqueue_bias(b);
}

/* What the two tables of a side share. */
static struct segment side_segment(
	struct backend *b, const struct side *s, const struct param *table, uint32_t cols)
{
	struct segment a;

	memset(&a, 0, sizeof(a));
	a.key = s->sorter.key;
	a.position = s->sorter.position;
	a.n = s->n;
	a.cols = cols;
	a.batch = b->n;
	a.value = table->value;
	a.l2 = b->l2 / (float)b->n;
	a.drow = table->gradient;
	a.carry_in = table->carry;
	a.carry_out = table->carry + (size_t)segment_chunks(a.n) * cols;
	return a;
}

static void enqueue_segments(struct backend *b, const uint32_t *user, const uint32_t *item)
{
	const struct side *users = &b->side[SIDE_USER], *items = &b->side[SIDE_ITEM];
	struct segment a[MAX_TABLES];
	unsigned num = 0;

	if (b->shape.bias) {
		a[num] = side_segment(b, users, device_param(b, TENSOR_USER_BIAS), 1);
		a[num].dx = b->duser_bias;
		a[num].stride = 1;
		a[num++].terms = 1;
		a[num] = side_segment(b, items, device_param(b, TENSOR_ITEM_BIAS), 1);
		a[num].dx = b->dlogit;
		a[num].stride = 1;
		a[num++].terms = 1;
	}
	/* rows of one float, apart from those that are read four at a time */
	const unsigned biases = num;
	if (b->F) {
		const struct param *gmf_user = device_param(b, TENSOR_GMF_USER);
		const struct param *gmf_item = device_param(b, TENSOR_GMF_ITEM);

		a[num] = side_segment(b, users, gmf_user, b->F);
		a[num].other = gmf_item->value;
		a[num].other_id = item;
		a[num].other_mod = b->n * b->items_per_row;
		a[num++].terms = b->items_per_row;
		a[num] = side_segment(b, items, gmf_item, b->F);
		a[num].other = gmf_user->value;
		a[num].other_id = user;
		a[num].other_mod = b->n;
		a[num++].terms = 1;
		for (unsigned i = biases; i < num; i++) {
			a[i].dlogit = b->dlogit;
			a[i].head = device_value(b, TENSOR_HEAD);
		}
	}
	if (b->E) {
		a[num] = side_segment(b, users, device_param(b, TENSOR_MLP_USER), b->E);
		a[num].dx = b->drows;
		a[num].stride = 2 * b->E;
		a[num++].terms = b->items_per_row;
		a[num] = side_segment(b, items, device_param(b, TENSOR_MLP_ITEM), b->E);
		a[num].dx = b->drows + b->E;
		a[num].stride = 2 * b->E;
		a[num++].terms = 1;
	}
	if (num > biases)
		segment_sum_cuda(b->stream, a + biases, num - biases);
	if (biases)
		segment_sum_cuda(b->stream, a, biases);
}

/* The sorts need only the ids: they run beside the forward and backward pass, on a stream of their
   own. */
static void enqueue_sorts(struct backend *b, const uint32_t *user, const uint32_t *item)
{
	struct side *users = &b->side[SIDE_USER], *items = &b->side[SIDE_ITEM];

	sort_ids_cuda(b->sort_stream, &users->sorter, user, b->n, users->bound, users->slot);
	sort_ids_cuda(b->sort_stream, &items->sorter, item, b->n * b->items_per_row, items->bound,
		items->slot);
}

void step_gradient(struct backend *b, bool then_update)
{
	const uint32_t *user = b->input[b->current].device, *item = user + b->n;
	const float *label = (const float *)(item + b->n); /* bce; else the negatives */
	uint32_t samples = b->n * b->items_per_row;

	CUDA(cudaEventRecord(b->forked, b->stream));
	CUDA(cudaStreamWaitEvent(b->sort_stream, b->forked, 0));
	if (then_update)
		step_begin_cuda(b->sort_stream, b->state, &b->rule);
	enqueue_sorts(b, user, item);
	enqueue_gather(b, user, item);
	wide_begin(b);
	if (b->E)
		forward_layers(b, samples);
	enqueue_loss(b, user, item, label, samples);
	if (b->E)
		backward_layers(b, samples);
	CUDA(cudaEventRecord(b->joined, b->sort_stream));
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

void step_update(struct backend *b, bool begun)
{
	struct update_table a[2][MAX_TABLES]; /* of rows, and of single biases */
	unsigned num[2] = { 0, 0 };

	memset(a, 0, sizeof(a));
	if (!begun)
		step_begin_cuda(b->stream, b->state, &b->rule);
	if (b->flat.n)
		flat_update_cuda(b->stream, &b->flat, &b->rule, b->state);
	for (unsigned i = 0; i < b->layout.num_tensors; i++) {
		const struct neumf_tensor *t = &b->layout.tensor[i];
		const struct param *p = &b->param[i];

		if (t->side == SIDE_NONE)
			continue;
		const struct side *s = &b->side[t->side];
		bool bias = t->cols == 1;
		struct update_table *to = &a[bias][num[bias]++];

		to->value = p->value;
		to->moment1 = p->moment1;
		to->moment2 = p->moment2;
		to->rows = s->bound;
		to->cols = t->cols;
		to->drow = p->gradient;
		to->key = s->sorter.key;
		to->slot = s->slot;
		to->n = s->n;
	}
	update_tables(b, a[0], num[0]);
	update_tables(b, a[1], num[1]);
}
