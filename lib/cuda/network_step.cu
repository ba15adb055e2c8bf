/*
 * network_step: a step of a narrow network. Its kernels:
 *   network_backward   gather, layers, loss, backward, and the scalars of the step
 *   network_dense      dense gradients, their update, the sum of the losses     beside the next two
 *   segment_chunk, segment_rows     gradients of embedding rows, and their update
 */
#include "cuda/device.h"

/* The number of the first dense parameter of a tensor; 0: the model lacks it. */
static uint32_t place_of(const struct backend *b, int which)
{
	const struct param *p = device_param(b, which);

	return p ? p->at : 0;
}

bool network_prepare(struct backend *b)
{
	const struct neumf_shape *s = &b->shape;
	struct network *a = &b->network;
	int bias = s->bias ? TENSOR_GLOBAL_BIAS : TENSOR_HEAD_BIAS;

	memset(a, 0, sizeof(*a));
	a->kind = s->loss;
	a->sigmoid_output = s->sigmoid_output;
	a->batch = b->batch_size;
	a->items_per_row = b->items_per_row;
	a->F = b->F;
	a->E = b->E;
	a->H = b->H;
	a->num_layers = b->E ? s->num_hidden : 0;
	for (uint32_t l = 0; l < a->num_layers; l++) {
		a->layer[l].in = device_in(b, l);
		a->layer[l].out = s->hidden[l];
		a->layer[l].weight = device_weight(b, l)->at;
		a->layer[l].bias = device_bias(b, l)->at;
	}
	a->head = place_of(b, TENSOR_HEAD);
	a->head_size = device_param(b, TENSOR_HEAD) ? neumf_head_width(s) : 0;
	a->has_bias = device_param(b, bias) != NULL;
	a->bias = place_of(b, bias);
	a->dense = b->flat;
	/* layers in 16 bits are those of wide_bf16.cu */
	return (b->precision != PRECISION_BF16 || !b->E) && network_plan(a);
}

static float *occurrences(const struct backend *b, int which)
{
	const struct param *p = device_param(b, which);

	return p ? p->occurrence : NULL;
}

/* The batch, and where things are. */
static struct network network_of(struct backend *b)
{
	struct network a = b->network;

	a.batch = b->n;
	a.user = b->input[b->current].device;
	a.item = a.user + b->n;
	a.label = (const float *)(a.item + b->n); /* bce; else the negatives */
	a.gmf_user = device_value(b, TENSOR_GMF_USER);
	a.gmf_item = device_value(b, TENSOR_GMF_ITEM);
	a.mlp_user = device_value(b, TENSOR_MLP_USER);
	a.mlp_item = device_value(b, TENSOR_MLP_ITEM);
	a.user_bias = device_value(b, TENSOR_USER_BIAS);
	a.item_bias = device_value(b, TENSOR_ITEM_BIAS);
	a.dgmf_user = occurrences(b, TENSOR_GMF_USER);
	a.dgmf_item = occurrences(b, TENSOR_GMF_ITEM);
	a.dmlp_user = occurrences(b, TENSOR_MLP_USER);
	a.dmlp_item = occurrences(b, TENSOR_MLP_ITEM);
	a.duser_bias = occurrences(b, TENSOR_USER_BIAS);
	a.ditem_bias = occurrences(b, TENSOR_ITEM_BIAS);
	a.dense = b->flat;
	a.partial = b->partial;
	a.loss_partial = b->loss_partial;
	return a;
}

static void enqueue_tables(struct backend *b, bool then_update)
{
	struct segment a[MAX_TABLES];
	struct update_table to[MAX_TABLES];
	unsigned num = 0;

	for (unsigned i = 0; i < b->layout.num_tensors; i++) {
		if (b->layout.tensor[i].side == SIDE_NONE)
			continue;
		a[num] = step_segment(b, i);
		a[num].dx = b->param[i].occurrence;
		a[num].stride = a[num].cols;
		a[num].terms = 1;
		to[num++] = step_table(b, i);
	}
	if (then_update)
		segment_update_cuda(b->stream, a, to, num, !b->rows_only, &b->rule, b->state);
	else
		segment_sum_cuda(b->stream, a, num);
}

void network_step(struct backend *b, bool then_update)
{
	struct network a = network_of(b);
	struct step_state *state = then_update ? b->state : NULL;

	network_backward_cuda(b->stream, &a, &b->rule, state);
	CUDA(cudaEventRecord(b->forked, b->stream));
	CUDA(cudaStreamWaitEvent(b->side_stream, b->forked, 0));
	network_dense_cuda(b->side_stream, &a, b->shape.bias ? b->l2 : 0, b->loss, &b->rule, state);
	CUDA(cudaEventRecord(b->joined, b->side_stream));
	enqueue_tables(b, then_update);
	CUDA(cudaStreamWaitEvent(b->stream, b->joined, 0));
}
