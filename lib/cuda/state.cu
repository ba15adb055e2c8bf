/*
 * state: tensors, moments, the step number and the gradient, from the device to the host and back.
 *
 * The gradient of an embedding table lies in the rows of drow that begin a run of equal keys
 * (struct segment); nothing else of drow was ever written. These rows are packed on the device
 * before they are copied. A gradient that comes from the host is already packed: its ids become the
 * keys, each a run of one.
 */
#include "cuda/device.h"

static void copy_out(struct backend *b, const void *from, size_t bytes, void *to)
{
	CUDA(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToHost, b->stream));
	CUDA(cudaStreamSynchronize(b->stream));
}

/* `from` may be reused after the return. */
static void copy_in(struct backend *b, void *to, const void *from, size_t bytes)
{
	CUDA(cudaMemcpyAsync(to, from, bytes, cudaMemcpyHostToDevice, b->stream));
	CUDA(cudaStreamSynchronize(b->stream));
}

static size_t tensor_bytes(const struct neumf_tensor *t)
{
	return (size_t)t->rows * t->cols * sizeof(float);
}

/*
 * The ids of a side in the gradient held, ascending, each once; their number is returned. The first
 * place of each goes into first_place on the device, for pack_rows.
 */
static uint32_t distinct_ids(struct backend *b, const struct side *s, uint32_t *id)
{
	uint32_t *key = (uint32_t *)xmalloc(s->sorted.n, sizeof(*key));
	uint32_t *place = (uint32_t *)xmalloc(s->sorted.n, sizeof(*place)), num = 0;

	copy_out(b, s->sorted.key, s->sorted.n * sizeof(*key), key);
	for (uint32_t j = 0; j < s->sorted.n; j++)
		if (!j || key[j] != key[j - 1]) {
			id[num] = key[j];
			place[num++] = j;
		}
	copy_in(b, device_reserve(&b->first_place[s - b->side], num), place, num * sizeof(*place));
	free(key);
	free(place);
	return num;
}

/* The gradient of an embedding table, one row for each of the `num` ids that distinct_ids found. */
static void pack_rows(struct backend *b, unsigned tensor, uint32_t num, float *out)
{
	const struct neumf_tensor *t = &b->layout.tensor[tensor];
	size_t size = (size_t)num * t->cols;
	float *packed = device_reserve(&b->packed, size);

	if (!num)
		return;
	rows_forward_cuda(b->stream, b->param[tensor].gradient, b->first_place[t->side].at, num,
		t->cols, packed);
	copy_out(b, packed, size * sizeof(*packed), out);
}

/* The same of rows of the table, with those that the batch does not hold. */
static void read_table_gradient(struct backend *b, struct neumf_rows rows, float *out)
{
	const struct neumf_tensor *t = &b->layout.tensor[rows.tensor];
	const struct side *s = &b->side[t->side];
	uint32_t *id = (uint32_t *)xmalloc(s->sorted.n, sizeof(*id)), num = distinct_ids(b, s, id);
	float *row = (float *)xmalloc((size_t)num * t->cols, sizeof(*row));

	pack_rows(b, rows.tensor, num, row);
	memset(out, 0, neumf_floats(&b->layout, rows) * sizeof(*out));
	for (uint32_t k = 0; k < num; k++)
		if (id[k] >= rows.first && id[k] - rows.first < rows.num)
			memcpy(out + (size_t)(id[k] - rows.first) * t->cols,
				row + (size_t)k * t->cols, t->cols * sizeof(*out));
	free(id);
	free(row);
}

/* Where rows lie on the device, but for the gradient of a table; NULL: the optimizer has no such
   moment. */
static float *values_of(struct backend *b, struct neumf_rows rows, enum backend_what what)
{
	const struct param *p = &b->param[rows.tensor];
	float *values = what == BACKEND_VALUE	  ? p->value
			: what == BACKEND_MOMENT1 ? p->moment1
			: what == BACKEND_MOMENT2 ? p->moment2
						  : p->gradient;

	return values ? values + (size_t)rows.first * b->layout.tensor[rows.tensor].cols : NULL;
}

static size_t rows_bytes(const struct backend *b, struct neumf_rows rows)
{
	return neumf_floats(&b->layout, rows) * sizeof(float);
}

void state_read(struct backend *b, struct neumf_rows rows, enum backend_what what, float *out)
{
	const float *from = values_of(b, rows, what);

	graph_flush(b);
	if (what == BACKEND_GRADIENT && b->layout.tensor[rows.tensor].side != SIDE_NONE)
		read_table_gradient(b, rows, out);
	else if (from)
		copy_out(b, from, rows_bytes(b, rows), out);
	else
		memset(out, 0, rows_bytes(b, rows)); /* moments of sgd */
}

void state_write(struct backend *b, struct neumf_rows rows, enum backend_what what, const float *in)
{
	float *to = values_of(b, rows, what);

	if (what == BACKEND_GRADIENT || !to)
		BUG("tensor %u has no array %d to write", rows.tensor, (int)what);
	graph_flush(b);
	copy_in(b, to, in, rows_bytes(b, rows));
	b->version++;
}

static void check_training(const struct backend *b)
{
	if (!b->train)
		BUG("no optimizer: neither steps nor gradients");
}

uint64_t state_step(struct backend *b)
{
	uint64_t step;

	check_training(b);
	copy_out(b, &b->state->step, sizeof(step), &step);
	return step;
}

/* Learning rate and decay are the configuration's; the rest of the state follows from the step. */
void state_set_step(struct backend *b, uint64_t step)
{
	check_training(b);
	copy_in(b, &b->state->step, &step, sizeof(step));
}

void state_read_gradient(struct backend *b, struct backend_gradient *g)
{
	check_training(b);
	graph_flush(b);
	for (int side = SIDE_USER; side <= SIDE_ITEM; side++)
		g->num[side] = distinct_ids(b, &b->side[side], g->id[side]);
	for (unsigned i = 0; i < b->layout.num_tensors; i++) {
		const struct neumf_tensor *t = &b->layout.tensor[i];

		if (t->side == SIDE_NONE)
			copy_out(b, b->param[i].gradient, tensor_bytes(t), g->tensor[i]);
		else
			pack_rows(b, i, g->num[t->side], g->tensor[i]);
	}
}

/* The ids become the keys of the side: in the order of the rows, with their slots. */
static void write_ids(struct backend *b, struct side *s, const uint32_t *id, uint32_t num)
{
	uint32_t *key = s->sorted.key;

	s->sorted.n = num;
	if (!num)
		return;
	copy_in(b, key, id, num * sizeof(*key));
	if (s->sorted.slot)
		sort_slots_cuda(b->stream, key, num, s->sorted.slot);
}

void state_write_gradient(struct backend *b, const struct backend_gradient *g)
{
	check_training(b);
	backend_gradient_check(g, &b->shape, b->batch_size);
	graph_flush(b); /* the loss of a pending batch counts */
	for (int side = SIDE_USER; side <= SIDE_ITEM; side++)
		write_ids(b, &b->side[side], g->id[side], g->num[side]);
	for (unsigned i = 0; i < b->layout.num_tensors; i++) {
		const struct neumf_tensor *t = &b->layout.tensor[i];
		size_t rows = t->side == SIDE_NONE ? t->rows : g->num[t->side];

		copy_in(b, b->param[i].gradient, g->tensor[i], rows * t->cols * sizeof(float));
	}
	graph_used(b);
	b->written = true;
}
