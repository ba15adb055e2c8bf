/*
 * draw_driver: batches that are drawn on the device, in place of copies of them. What rows are drawn
 * from is copied once: 9 bytes an interaction, 12 a user, 16 an item where they are weighted. The
 * draws of the next batch run beside the step in flight, on the copy stream.
 */
#include "cuda/device.h"

/* An array of struct row_draws: n objects of `size` bytes, which *at points to. */
struct array {
	const void **at;
	size_t bytes;
};

enum { MAX_ARRAYS = 6 };

template <class T> static struct array array_of(T **at, size_t n)
{
	struct array a = { (const void **)at, n * sizeof(T) };

	return a;
}

/* Member by member, so that what is between them is 0: the host runtime takes other bytes in the
   arguments of a kernel for pointers. */
static void copy_draws(struct row_draws *to, const struct row_draws *draws)
{
	memset(to, 0, sizeof(*to));
	to->pointwise = draws->pointwise;
	to->rows_per_epoch = draws->rows_per_epoch;
	to->from.seed = draws->from.seed;
	to->from.num = draws->from.num;
	to->from.surplus = draws->from.surplus;
	to->from.weighted = draws->from.weighted;
	to->from.alias.n = draws->from.alias.n;
	to->from.alias.bucket = draws->from.alias.bucket;
	to->from.alias.before = draws->from.alias.before;
	to->num_positives = draws->num_positives;
	to->num_positive_users = draws->num_positive_users;
	to->user = draws->user;
	to->line = draws->line;
	to->num_users = draws->num_users;
	to->start = draws->start;
	to->item = draws->item;
}

static unsigned list_arrays(struct row_draws *d, struct array *a)
{
	size_t excluded = d->start[d->num_users], items = d->from.num;
	unsigned num = 0;

	a[num++] = array_of(&d->user, d->num_positive_users);
	a[num++] = array_of(
		&d->line, (d->num_positives + POSITIVES_PER_LINE - 1) / POSITIVES_PER_LINE);
	a[num++] = array_of(&d->item, excluded);
	if (d->from.weighted) {
		a[num++] = array_of(&d->from.alias.bucket, items);
		a[num++] = array_of(&d->from.alias.before, items + 1);
	}
	a[num++] = array_of(&d->start, (size_t)d->num_users + 1);
	return num;
}

static void copy_array(struct backend *b, const struct array *a)
{
	void *to = NULL;

	CUDA(cudaMalloc(&to, a->bytes ? a->bytes : 1));
	CUDA(cudaMemcpyAsync(to, *a->at, a->bytes, cudaMemcpyHostToDevice, b->copy_stream));
	*a->at = to;
	b->draws.array[b->draws.num_arrays++] = to;
}

const char *draws_from(struct backend *b, const struct row_draws *draws)
{
	struct draws *d = &b->draws;
	size_t available, total, needed = 0;
	struct array a[MAX_ARRAYS];

	if (draws->pointwise != (b->shape.loss == LOSS_BCE) || d->num_arrays)
		BUG("rows of another loss, or drawn from twice");
	copy_draws(&d->from, draws);
	unsigned num = list_arrays(&d->from, a);
	for (unsigned k = 0; k < num; k++)
		needed += device_rounded(a[k].bytes);
	CUDA(cudaMemGetInfo(&available, &total));
	if (needed > available) {
		snprintf(d->why, sizeof(d->why),
			"the device needs %.3f MB more for it, %.3f MB are free",
			(double)needed / 1e6, (double)available / 1e6);
		return d->why;
	}
	for (unsigned k = 0; k < num; k++)
		copy_array(b, &a[k]);
	CUDA(cudaStreamSynchronize(b->copy_stream));
	return NULL;
}

void draws_put(struct backend *b, uint64_t first, uint32_t n)
{
	struct input *in = &b->input[b->current ^ 1];
	struct drawn_columns to = { in->device, in->device + n, in->device + (size_t)2 * n };

	if (!b->draws.num_arrays)
		BUG("rows are not drawn here");
	CUDA(cudaStreamWaitEvent(b->copy_stream, in->used, 0));
	draw_rows_cuda(b->copy_stream, &b->draws.from, first, n, to);
	b->current ^= 1;
}

struct batch_room draws_read(struct backend *b)
{
	struct input *in = &b->input[b->current];
	size_t n = b->n;
	struct batch_room room = { in->host, in->host + n, NULL, NULL };

	CUDA(cudaMemcpyAsync(in->host, in->device, 3 * n * sizeof(uint32_t), cudaMemcpyDeviceToHost,
		b->copy_stream));
	CUDA(cudaStreamSynchronize(b->copy_stream));
	if (b->draws.from.pointwise)
		room.label = (float *)(in->host + 2 * n);
	else
		room.negative = in->host + 2 * n;
	return room;
}

void draws_free(struct backend *b)
{
	for (unsigned k = 0; k < b->draws.num_arrays; k++)
		CUDA(cudaFree(b->draws.array[k]));
	b->draws.num_arrays = 0;
}
