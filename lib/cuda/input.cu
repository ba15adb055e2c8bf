/*
 * input: batches on their way to the device. Two buffers take turns: while the step on one is under
 * way, the other is filled and copied, on a stream of its own.
 */
#include "cuda/device.h"

enum { COLUMNS = 3 };

void input_open(struct backend *b)
{
	for (struct input &in : b->input) {
		CUDA(cudaMallocHost(
			(void **)&in.host, (size_t)COLUMNS * b->batch_size * sizeof(uint32_t)));
		CUDA(cudaEventCreateWithFlags(
			&in.copied, cudaEventDisableTiming | cudaEventBlockingSync));
		CUDA(cudaEventCreateWithFlags(&in.sorted, cudaEventDisableTiming));
		CUDA(cudaEventCreateWithFlags(&in.used, cudaEventDisableTiming));
	}
}

void input_close(struct backend *b)
{
	for (struct input &in : b->input) {
		CUDA(cudaFreeHost(in.host));
		CUDA(cudaEventDestroy(in.copied));
		CUDA(cudaEventDestroy(in.sorted));
		CUDA(cudaEventDestroy(in.used));
	}
}

static struct input *next_input(struct backend *b)
{
	return &b->input[b->current ^ 1];
}

static struct batch_room room_of(const struct backend *b, const struct input *in)
{
	struct batch_room room = { in->host, in->host + b->batch_size, NULL, NULL };
	uint32_t *third = in->host + (size_t)2 * b->batch_size;

	if (b->items_per_row == 2)
		room.negative = third;
	else
		room.label = (float *)third;
	return room;
}

struct batch_room input_lend(struct backend *b)
{
	struct input *in = next_input(b);

	CUDA(cudaEventSynchronize(in->copied));
	return room_of(b, in);
}

static void copy_batch(struct backend *b, const struct batch *from)
{
	const struct batch_room room = input_lend(b);
	size_t bytes = from->size * sizeof(uint32_t);

	memcpy(room.user, from->user, bytes);
	memcpy(room.item, from->item, bytes);
	if (room.negative)
		memcpy(room.negative, from->negative, bytes);
	else
		memcpy(room.label, from->label, bytes);
}

void input_put(struct backend *b, const struct batch *batch)
{
	struct input *in = next_input(b);
	size_t n = batch->size, most = b->batch_size, columns = n == most ? 1 : COLUMNS;
	size_t bytes = COLUMNS / columns * n * sizeof(uint32_t);

	if (batch->user != in->host)
		copy_batch(b, batch);
	CUDA(cudaStreamWaitEvent(b->copy_stream, in->used, 0));
	for (size_t k = 0; k < columns; k++)
		CUDA(cudaMemcpyAsync(in->device + k * n, in->host + k * most, bytes,
			cudaMemcpyHostToDevice, b->copy_stream));
	CUDA(cudaEventRecord(in->copied, b->copy_stream));
	b->current ^= 1;
}
