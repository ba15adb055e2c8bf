#include "cuda/device.h"

/* Tensors begin at multiples of so many floats; allocations of a megabyte and more take whole
   granules. */
enum { TENSOR_ALIGN = 64, GRANULE = 2 << 20 };

const struct param *device_param(const struct backend *b, int which)
{
	return b->layout.at[which] < 0 ? NULL : &b->param[b->layout.at[which]];
}

const float *device_value(const struct backend *b, int which)
{
	const struct param *p = device_param(b, which);

	return p ? p->value : NULL;
}

const struct param *device_weight(const struct backend *b, uint32_t l)
{
	return device_param(b, TENSOR_MLP + 2 * (int)l);
}

const struct param *device_bias(const struct backend *b, uint32_t l)
{
	return device_param(b, TENSOR_MLP + 2 * (int)l + 1);
}

uint32_t device_in(const struct backend *b, uint32_t l)
{
	return l ? b->shape.hidden[l - 1] : 2 * b->E;
}

bool device_narrow(const struct backend *b, uint32_t l)
{
	return b->precision != PRECISION_BF16 && narrow_fits(device_in(b, l), b->shape.hidden[l]);
}

size_t device_rounded(size_t bytes)
{
	size_t unit = bytes < GRANULE / 2 ? 512 : GRANULE;

	return (bytes + unit - 1) / unit * unit;
}

void *device_claim(struct backend *b, size_t n, size_t size)
{
	void *p = NULL;
	size_t bytes = n * size;

	if (b->planning) {
		b->planned += device_rounded(bytes);
		return NULL;
	}
	if (b->num_allocations == MAX_ALLOCATIONS)
		BUG("more than %d device arrays", MAX_ALLOCATIONS);
	cudaError_t error = cudaMalloc(&p, bytes ? bytes : 1);
	if (error != cudaSuccess)
		die("cannot allocate %zu bytes of device memory: %s", bytes,
			cudaGetErrorString(error));
	b->allocation[b->num_allocations++] = p;
	return p;
}

static float *claim_floats(struct backend *b, size_t n)
{
	return (float *)device_claim(b, n, sizeof(float));
}

static uint32_t *claim_ids(struct backend *b, size_t n)
{
	return (uint32_t *)device_claim(b, n, sizeof(uint32_t));
}

static void *claim_zeroed(struct backend *b, size_t n, size_t size)
{
	void *p = device_claim(b, n, size);

	if (!b->planning)
		CUDA(cudaMemsetAsync(p, 0, n * size, b->stream));
	return p;
}

static float *claim_zeros(struct backend *b, size_t n)
{
	return (float *)claim_zeroed(b, n, sizeof(float));
}

static void claim_embedding(struct backend *b, const struct neumf_tensor *t, struct param *p)
{
	size_t size = (size_t)t->rows * t->cols;
	const struct side *side = &b->side[t->side];
	size_t n = (size_t)b->batch_size * side->per_row; /* occurrences */

	p->value = claim_floats(b, size);
	if (!b->train)
		return;
	p->gradient = claim_floats(b, n * t->cols);
	p->chunk = claim_floats(b, n / SEGMENT_CHUNK * t->cols);
	if (b->rule.kind != OPTIMIZER_SGD) {
		p->moment1 = claim_zeros(b, size);
		p->moment2 = claim_zeros(b, size);
	}
}

/* All dense tensors share one array of values, one of gradients and one of each moment, so that one
   launch updates them. head.bias follows head.weight without a gap: head_backward writes both. */
static void claim_dense(struct backend *b)
{
	static const int head[] = { TENSOR_HEAD, TENSOR_HEAD_BIAS, TENSOR_GLOBAL_BIAS };
	size_t offset[NEUMF_MAX_TENSORS] = { 0 }, n = 0;
	struct update_flat *f = &b->flat;

	for (int i = 0; i < 3; i++)
		if (b->layout.at[head[i]] >= 0) {
			offset[b->layout.at[head[i]]] = n;
			n += b->layout.tensor[b->layout.at[head[i]]].cols;
		}
	for (uint32_t i = TENSOR_MLP; i < TENSOR_MLP + 2 * b->shape.num_hidden && b->E; i++) {
		const struct neumf_tensor *t = &b->layout.tensor[b->layout.at[i]];

		n = (n + TENSOR_ALIGN - 1) / TENSOR_ALIGN * TENSOR_ALIGN;
		offset[b->layout.at[i]] = n;
		n += (size_t)t->rows * t->cols;
	}
	n = (n + 3) / 4 * 4; /* whole vectors: what is between tensors stays 0 */
	f->n = (uint32_t)n;
	float *value = claim_zeros(b, n), *gradient = b->train ? claim_zeros(b, n) : NULL;
	bool moments = b->train && b->rule.kind != OPTIMIZER_SGD;
	float *moment1 = moments ? claim_zeros(b, n) : NULL,
	      *moment2 = moments ? claim_zeros(b, n) : NULL;

	f->value = value;
	f->gradient = gradient;
	f->moment1 = moment1;
	f->moment2 = moment2;
	for (unsigned i = 0; i < b->layout.num_tensors; i++) {
		b->param[i].at = (uint32_t)offset[i];
		if (b->layout.tensor[i].side != SIDE_NONE || b->planning)
			continue;
		b->param[i].value = value + offset[i];
		b->param[i].gradient = gradient ? gradient + offset[i] : NULL;
		b->param[i].moment1 = moments ? moment1 + offset[i] : NULL;
		b->param[i].moment2 = moments ? moment2 + offset[i] : NULL;
	}
}

static void claim_sorter(struct backend *b, size_t n)
{
	struct sorter *s = &b->sorter;

	s->bound[SIDE_USER] = b->side[SIDE_USER].bound;
	s->bound[SIDE_ITEM] = b->side[SIDE_ITEM].bound;
	uint32_t *place = claim_ids(b, n);
	s->place = place;
	s->marked = claim_ids(b, n);
	s->sorted = claim_ids(b, n);
	s->scratch_size = sort_scratch((uint32_t)n, s->bound);
	s->scratch = device_claim(b, s->scratch_size, 1);
	if (!b->planning)
		sort_places_cuda(b->stream, place, (uint32_t)n);
}

static void claim_sorts(struct backend *b)
{
	const size_t B = b->batch_size, n = B * (1 + b->items_per_row);

	if (!sort_is_counted(b->batch_size, b->batch_size * b->items_per_row))
		claim_sorter(b, n);
	for (struct input &in : b->input) {
		in.device = claim_ids(b, 3 * B);
		in.position = claim_ids(b, n);
		for (int side = SIDE_USER; side <= SIDE_ITEM; side++) {
			const struct side *of = &b->side[side];

			in.key[side] = claim_ids(b, B * of->per_row);
			in.slot[side] = b->rows_only ? NULL
						     : (uint32_t *)claim_zeroed(
							       b, of->bound, sizeof(uint32_t));
		}
	}
	device_take_input(b);
}

void device_take_input(struct backend *b)
{
	struct input *in = &b->input[b->current];
	uint32_t before = 0;

	for (int side = SIDE_USER; side <= SIDE_ITEM; side++) {
		struct sorted *s = &b->side[side].sorted;

		s->n = b->n * b->side[side].per_row;
		s->key = in->key[side];
		s->position = in->position + before;
		s->slot = in->slot[side];
		before += s->n;
	}
}

/* Floats of the largest array of partial sums. */
static size_t partial_size(const struct backend *b)
{
	if (b->narrow)
		return (size_t)network_partials(&b->network) * b->flat.n;
	size_t most = (size_t)COLUMN_PARTIALS * (b->F + b->H + 1);
	size_t samples = (size_t)b->batch_size * b->items_per_row;

	for (uint32_t l = 0; l < b->shape.num_hidden && b->E; l++) {
		size_t in = device_in(b, l), out = b->shape.hidden[l];
		size_t size = device_narrow(b, l) ? NARROW_PARTIALS * out * (in + 1)
			      : samples < DENSE_SLICED
				      ? COLUMN_PARTIALS * out
				      : out * (COLUMN_PARTIALS + DENSE_SLICES * in);

		most = size > most ? size : most;
	}
	return most;
}

/* Gradients of the occurrences, by table. */
static void claim_occurrences(struct backend *b)
{
	for (unsigned i = 0; i < b->layout.num_tensors; i++) {
		const struct neumf_tensor *t = &b->layout.tensor[i];

		if (t->side != SIDE_NONE)
			b->param[i].occurrence = claim_floats(
				b, (size_t)b->batch_size * b->side[t->side].per_row * t->cols);
	}
}

static void claim_activations(struct backend *b)
{
	size_t B = b->batch_size, S = B * b->items_per_row;
	uint32_t E = b->E;

	b->partial = claim_floats(b, partial_size(b));
	b->loss_partial = (double *)device_claim(b, LOSS_PARTIALS, sizeof(double));
	b->loss = (struct loss_total *)device_claim(b, 1, sizeof(struct loss_total));
	b->state = (struct step_state *)device_claim(b, 1, sizeof(struct step_state));
	if (b->narrow) {
		claim_occurrences(b);
		return;
	}
	b->dlogit = claim_floats(b, S);
	b->g = b->F ? claim_floats(b, S * b->F) : NULL;
	b->duser_bias = b->shape.bias ? claim_floats(b, B) : NULL;
	if (!E)
		return;
	b->drows = claim_floats(b, S * 2 * E);
	for (uint32_t l = 0; l < b->shape.num_hidden; l++) {
		if (b->precision == PRECISION_BF16 && l + 1 < b->shape.num_hidden)
			continue; /* wide_bf16_claim */
		b->act[l] = claim_floats(b, S * b->shape.hidden[l]);
		b->dact[l] = claim_floats(b, S * b->shape.hidden[l]);
	}
	if (b->precision != PRECISION_BF16)
		b->rows = claim_floats(b, S * 2 * E);
}

static void claim_all(struct backend *b)
{
	for (unsigned i = 0; i < b->layout.num_tensors; i++)
		if (b->layout.tensor[i].side != SIDE_NONE)
			claim_embedding(b, &b->layout.tensor[i], &b->param[i]);
	claim_dense(b);
	if (b->train) {
		b->narrow = network_prepare(b);
		claim_sorts(b);
		claim_activations(b);
	}
	if (b->blas)
		wide_claim(b);
}

void device_allocate(struct backend *b)
{
	size_t available, total;

	b->planning = true;
	claim_all(b);
	b->planning = false;
	CUDA(cudaMemGetInfo(&available, &total));
	if (b->planned > available)
		die("%s needs %.0f MB of device memory, %.0f MB are free",
			b->train ? "training the model" : "the model", (double)b->planned / 1e6,
			(double)available / 1e6);
	claim_all(b);
}

void device_free(struct backend *b, unsigned from)
{
	for (unsigned i = from; i < b->num_allocations; i++)
		CUDA(cudaFree(b->allocation[i]));
	b->num_allocations = from;
}
