/*
 * op_test: what the op tests share. An op gets random arrays on the device, and its result is
 * compared with plain loops in double, written in the tests from the formula. Shapes: one element,
 * less than a block, several blocks. Device arrays start as NaN (0xff bytes), so that an element
 * that was not written shows.
 */
#ifndef OP_TEST_H
#define OP_TEST_H

#include "../unit/check.h"
#include "cuda/ops.h"

extern "C" {
#include "base/rng.h"
}

/* An array on the device, and on the host as it was last put or got. */
struct floats {
	float *dev, *host;
	size_t n;
};
struct ids {
	uint32_t *dev, *host;
	size_t n;
};

static cudaStream_t stream;
static struct rng test_rng;

static inline void *dev_bytes(size_t bytes)
{
	void *p;

	CUDA(cudaMalloc(&p, bytes ? bytes : 1));
	CUDA(cudaMemsetAsync(p, 0xff, bytes, stream));
	return p;
}

static inline void put_bytes(void *dev, const void *host, size_t bytes)
{
	CUDA(cudaMemcpyAsync(dev, host, bytes, cudaMemcpyHostToDevice, stream));
	CUDA(cudaStreamSynchronize(stream));
}

static inline void get_bytes(void *host, const void *dev, size_t bytes)
{
	CUDA(cudaMemcpyAsync(host, dev, bytes, cudaMemcpyDeviceToHost, stream));
	CUDA(cudaStreamSynchronize(stream));
}

/* n floats, NaN on the device. */
static inline struct floats floats_empty(size_t n)
{
	struct floats f = { (float *)dev_bytes(n * sizeof(float)),
		(float *)xcalloc(n, sizeof(float)), n };

	return f;
}

static inline void floats_put(struct floats *f)
{
	put_bytes(f->dev, f->host, f->n * sizeof(float));
}

static inline void floats_get(struct floats *f)
{
	get_bytes(f->host, f->dev, f->n * sizeof(float));
}

/* n floats in -scale..scale. */
static inline struct floats floats_random(size_t n, double scale)
{
	struct floats f = floats_empty(n);

	for (size_t i = 0; i < n; i++)
		f.host[i] = (float)(scale * (2 * rng_real(&test_rng) - 1));
	floats_put(&f);
	return f;
}

/* n ids below `bound`, half of them from the first eighth. */
static inline struct ids ids_random(size_t n, uint32_t bound)
{
	struct ids d = { (uint32_t *)dev_bytes(n * sizeof(uint32_t)),
		(uint32_t *)xcalloc(n, sizeof(uint32_t)), n };

	for (size_t i = 0; i < n; i++)
		d.host[i] = rng_below(&test_rng, rng_below(&test_rng, 2) ? bound : (bound + 7) / 8);
	put_bytes(d.dev, d.host, n * sizeof(uint32_t));
	return d;
}

static inline struct ids ids_empty(size_t n)
{
	struct ids d = { (uint32_t *)dev_bytes(n * sizeof(uint32_t)),
		(uint32_t *)xcalloc(n, sizeof(uint32_t)), n };

	return d;
}

static inline void ids_get(struct ids *d)
{
	get_bytes(d->host, d->dev, d->n * sizeof(uint32_t));
}

static inline void floats_free(struct floats *f)
{
	CUDA(cudaFree(f->dev));
	free(f->host);
}

static inline void ids_free(struct ids *d)
{
	CUDA(cudaFree(d->dev));
	free(d->host);
}

/* Largest |got - want| over the largest |want|; infinite if `got` holds a NaN. */
static inline double relative_error(const float *got, const double *want, size_t n)
{
	double error = 0, scale = 0;

	for (size_t i = 0; i < n; i++) {
		double e = fabs((double)got[i] - want[i]);

		error = e > error ? e : error;
		if (isnan(e))
			return INFINITY;
		scale = fmax(scale, fabs(want[i]));
	}
	return scale > 0 ? error / scale : error;
}

/* Get f and compare it with `want`, which is freed. */
static inline double compare(struct floats *f, double *want)
{
	floats_get(f);
	double e = relative_error(f->host, want, f->n);
	free(want);
	return e;
}

static inline double *doubles(size_t n)
{
	return (double *)xcalloc(n, sizeof(double));
}

/* For n ids of both sides together. */
static inline struct sorter sorter_new(uint32_t n, uint32_t users, uint32_t items)
{
	struct sorter s = {};
	uint32_t *place = (uint32_t *)dev_bytes(n * sizeof(uint32_t));

	sort_places_cuda(stream, place, n);
	s.place = place;
	s.bound[SIDE_USER] = users;
	s.bound[SIDE_ITEM] = items;
	s.marked = (uint32_t *)dev_bytes(n * sizeof(uint32_t));
	s.sorted = (uint32_t *)dev_bytes(n * sizeof(uint32_t));
	s.scratch_size = sort_scratch(n, s.bound);
	s.scratch = dev_bytes(s.scratch_size);
	return s;
}

static inline void sorter_free(struct sorter *s)
{
	CUDA(cudaFree(s->marked));
	CUDA(cudaFree(s->sorted));
	CUDA(cudaFree((void *)s->place));
	CUDA(cudaFree(s->scratch));
}

/* n items below `bound`, sorted beside one user. */
struct side_test {
	struct ids id, key, position, slot; /* id: the user, then the items */
	struct sorter sorter;
	struct sorted items;
};

static inline void side_sort(struct side_test *a, uint32_t n)
{
	struct sorted user = { 1, a->key.dev, a->position.dev, NULL };

	a->items = { n, a->key.dev + 1, a->position.dev + 1, a->slot.dev };
	sort_ids_cuda(stream, &a->sorter, a->id.dev, &user, &a->items);
}

static inline struct side_test side_new(uint32_t n, uint32_t bound)
{
	struct side_test a;

	a.id = ids_random(n + 1, bound);
	a.key = ids_empty(n + 1);
	a.position = ids_empty(n + 1);
	a.slot = ids_empty(bound);
	a.sorter = sorter_new(n + 1, bound, bound);
	CUDA(cudaMemsetAsync(a.slot.dev, 0, bound * sizeof(uint32_t), stream));
	side_sort(&a, n);
	return a;
}

static inline void side_free(struct side_test *a)
{
	ids_free(&a->id);
	ids_free(&a->key);
	ids_free(&a->position);
	ids_free(&a->slot);
	sorter_free(&a->sorter);
}

/* The sums over n sorted ids, by table: operands of a table are still missing. */
static inline struct segment segment_of(const struct sorted *s, uint32_t cols, float l2)
{
	struct segment a;

	memset(&a, 0, sizeof(a));
	a.key = s->key;
	a.position = s->position;
	a.n = s->n;
	a.cols = cols;
	a.l2 = l2;
	return a;
}

static inline void op_test_start(const char *name)
{
	die_set_name(name);
	rng_start(&test_rng, 11, RNG_TEST, 0, 0);
	CUDA(cudaSetDevice(0));
	CUDA(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
}

static inline int op_test_end(void)
{
	CUDA(cudaStreamSynchronize(stream));
	CUDA(cudaStreamDestroy(stream));
	return CHECK_EXIT;
}

#endif
