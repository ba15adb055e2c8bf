#include "base/sorted_runs.h"

#include "base/mem.h"
#include "base/scratch.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { LEAST_RECORDS = 4096, LEAST_BUFFER = 64 };

/* One sorted run: what is left of it on the disk, and the part that is in memory. */
struct run {
	uint64_t at, end; /* in the file */
	char *buffer, *next, *stop;
};

struct sorted_runs {
	size_t size;
	int (*compare)(const void *, const void *);
	size_t room; /* records */
	char *records;
	size_t num, capacity; /* in `records` */
	bool merging;

	struct scratch *file; /* NULL: all in memory so far */
	struct run *runs;
	size_t num_runs, runs_capacity;
	size_t buffer; /* bytes of each run's buffer */
	/* runs that are not at their end; the one with the first record on top */
	struct run **heap;
	size_t heap_size;
	bool first_is_used; /* the top's record was handed out */
};

struct sorted_runs *sorted_runs_new(
	size_t size, int (*compare)(const void *, const void *), size_t memory)
{
	struct sorted_runs *r = xcalloc(1, sizeof(*r));

	r->size = size;
	r->compare = compare;
	r->room = memory / 2 / size; /* the C library's qsort takes as much again */
	if (r->room < LEAST_RECORDS)
		r->room = LEAST_RECORDS;
	return r;
}

void sorted_runs_free(struct sorted_runs *r)
{
	if (!r)
		return;
	for (size_t k = 0; k < r->num_runs; k++)
		free(r->runs[k].buffer);
	scratch_free(r->file);
	free(r->records);
	free(r->runs);
	free(r->heap);
	free(r);
}

static void sort(struct sorted_runs *r)
{
	if (r->num > 0)
		qsort(r->records, r->num, r->size, r->compare);
}

/* Sort what is in memory and make it a run of the file. */
static void write_run(struct sorted_runs *r)
{
	struct run run = { 0 };

	if (!r->file)
		r->file = scratch_new();
	sort(r);
	run.at = scratch_size(r->file);
	scratch_append(r->file, r->records, r->num * r->size);
	run.end = scratch_size(r->file);
	r->runs = xgrow(r->runs, &r->runs_capacity, r->num_runs + 1, sizeof(*r->runs));
	r->runs[r->num_runs++] = run;
	r->num = 0;
}

void sorted_runs_add(struct sorted_runs *r, const void *record)
{
	if (r->num == r->room)
		write_run(r);
	if (r->num == r->capacity) {
		size_t twice = 2 * r->capacity + LEAST_RECORDS;

		r->capacity = twice < r->room ? twice : r->room;
		r->records = xrealloc(r->records, r->capacity, r->size);
	}
	memcpy(r->records + r->num++ * r->size, record, r->size);
}

/* Bring the next records of a run into its buffer; false at its end. */
static bool refill(const struct sorted_runs *r, struct run *run)
{
	size_t left = run->end - run->at < r->buffer ? (size_t)(run->end - run->at) : r->buffer;

	if (left == 0)
		return false;
	scratch_read(r->file, run->at, run->buffer, left);
	run->at += left;
	run->next = run->buffer;
	run->stop = run->buffer + left;
	return true;
}

static bool is_before(const struct sorted_runs *r, const struct run *a, const struct run *b)
{
	return r->compare(a->next, b->next) < 0;
}

static void sink(struct sorted_runs *r, size_t k)
{
	struct run *sinking = r->heap[k];

	for (size_t child; (child = 2 * k + 1) < r->heap_size; k = child) {
		if (child + 1 < r->heap_size && is_before(r, r->heap[child + 1], r->heap[child]))
			child++;
		if (!is_before(r, r->heap[child], sinking))
			break;
		r->heap[k] = r->heap[child];
	}
	r->heap[k] = sinking;
}

static void start_merging(struct sorted_runs *r)
{
	r->merging = true;
	if (!r->file) {
		sort(r);
		r->capacity = r->num;
		r->num = 0;
		return;
	}
	write_run(r);
	free(r->records);
	r->records = NULL;
	r->buffer = 2 * r->room / r->num_runs;
	r->buffer = (r->buffer < LEAST_BUFFER ? LEAST_BUFFER : r->buffer) * r->size;
	r->heap = xmalloc(r->num_runs, sizeof(struct run *));
	for (size_t k = 0; k < r->num_runs; k++) {
		r->runs[k].buffer = xmalloc(r->buffer, 1);
		if (refill(r, &r->runs[k]))
			r->heap[r->heap_size++] = &r->runs[k];
	}
	for (size_t k = r->heap_size / 2; k-- > 0;)
		sink(r, k);
}

/* The record on top was used: let the next one take its place. */
static void advance(struct sorted_runs *r)
{
	struct run *run = r->heap[0];

	run->next += r->size;
	if (run->next == run->stop && !refill(r, run))
		r->heap[0] = r->heap[--r->heap_size];
	if (r->heap_size > 0)
		sink(r, 0);
}

const void *sorted_runs_next(struct sorted_runs *r)
{
	if (!r->merging)
		start_merging(r);
	if (!r->file)
		return r->num < r->capacity ? r->records + r->num++ * r->size : NULL;
	if (r->first_is_used)
		advance(r);
	r->first_is_used = r->heap_size > 0;
	return r->first_is_used ? r->heap[0]->next : NULL;
}
