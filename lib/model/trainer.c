#include "model/trainer.h"

#include "base/die.h"
#include "base/mem.h"
#include "base/progress.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

enum {
	CHUNK = 4096,
	LOSS_INTERVAL = 256
}; /* rows decoded at a time; batches between two checks of the loss */

struct run {
	struct trainer *t;
	uint64_t rows_per_epoch, total; /* 0: not said */
	bool pairwise;
	uint64_t rows; /* handed to the backend */

	/* The batch being filled; `label` or `negative` is NULL. */
	uint32_t *user, *item, *negative;
	float *label;
	void *chunk;

	/* The epoch being trained, from 0, and what is known of it. */
	uint64_t epoch, batches, epoch_rows;
	uint64_t checked; /* batches that loss() covered */
	double sum, started;
};

static void append_triples(struct run *run, uint32_t n, size_t count)
{
	const struct triple *row = run->chunk;

	for (size_t k = 0; k < count; k++, n++) {
		run->user[n] = row[k].user;
		run->item[n] = row[k].positive;
		run->negative[n] = row[k].negative;
	}
}

static void append_samples(struct run *run, uint32_t n, size_t count)
{
	const struct sample *row = run->chunk;

	for (size_t k = 0; k < count; k++, n++) {
		if (!(row[k].label >= 0 && row[k].label <= 1))
			rec_die(run->t->in, count - k, "label %g is outside 0..1",
				(double)row[k].label);
		run->user[n] = row[k].user;
		run->item[n] = row[k].item;
		run->label[n] = row[k].label;
	}
}

/* Read a batch. Returns its rows: fewer than batch_size only at the verified end. */
static uint32_t fill(struct run *run)
{
	uint32_t n = 0, size = run->t->batch_size;

	while (n < size) {
		size_t got =
			rec_read_rows(run->t->in, run->chunk, size - n < CHUNK ? size - n : CHUNK);
		if (got == 0)
			break;
		if (run->pairwise)
			append_triples(run, n, got);
		else
			append_samples(run, n, got);
		n += (uint32_t)got;
	}
	return n;
}

static uint64_t epoch_of(const struct run *run, uint64_t row)
{
	return run->rows_per_epoch ? row / run->rows_per_epoch : 0;
}

/* Fetch the loss of the batches since the last check. */
static void check_loss(struct run *run)
{
	struct backend_loss loss = run->t->ops->loss(run->t->backend);

	if (loss.bad_batch < loss.batches)
		die("epoch %" PRIu64 ", batch %" PRIu64 ": the loss is not finite", run->epoch + 1,
			run->checked + loss.bad_batch + 1);
	run->sum += loss.sum;
	run->checked = run->batches;
}

static void end_epoch(struct run *run)
{
	struct trainer_epoch e = {
		.epoch = run->epoch + 1, .batches = run->batches, .rows = run->epoch_rows
	};
	double time;

	if (run->batches > run->checked)
		check_loss(run);
	time = now();
	e.loss = run->sum / (double)run->epoch_rows;
	e.seconds = time - run->started;
	run->t->epoch_ended(run->t->arg, &e);
	run->started = time;
	run->epoch++;
	run->batches = run->epoch_rows = run->checked = 0;
	run->sum = 0;
}

static void train(struct run *run, uint32_t size)
{
	struct batch batch = { size, run->user, run->item, run->negative, run->label };

	run->t->ops->gradient(run->t->backend, &batch);
	run->t->ops->update(run->t->backend);
	run->rows += size;
	run->epoch_rows += size;
	run->batches++;
	if (run->batches - run->checked == LOSS_INTERVAL)
		check_loss(run);
	progress_at(run->rows);
}

/* After a batch: is it known that another one follows, and that it ends in a later epoch? */
static bool epoch_is_over(const struct run *run)
{
	uint64_t last = run->rows + run->t->batch_size - 1; /* of the next batch */

	if (run->total == 0 || run->rows >= run->total)
		return false;
	if (last >= run->total) {
		if (run->t->drop_last)
			return false;
		last = run->total - 1;
	}
	return epoch_of(run, last) > run->epoch;
}

static void check_total(const struct run *run)
{
	uint64_t rows = rec_rows(run->t->in);

	if (rows == 0)
		die("'%s' holds no rows: nothing to train on", rec_name(run->t->in));
	if (run->total && rows != run->total)
		die("'%s' holds %" PRIu64 " rows, its header says %" PRIu64 " epochs of %" PRIu64,
			rec_name(run->t->in), rows, rec_header(run->t->in)->epochs,
			run->rows_per_epoch);
	if (run->rows == 0)
		die("'%s' holds %" PRIu64 " rows, less than one batch of %" PRIu32,
			rec_name(run->t->in), rows, run->t->batch_size);
}

static void allocate(struct run *run)
{
	size_t size = run->t->batch_size;

	run->user = xmalloc(size, sizeof(*run->user));
	run->item = xmalloc(size, sizeof(*run->item));
	if (run->pairwise)
		run->negative = xmalloc(size, sizeof(*run->negative));
	else
		run->label = xmalloc(size, sizeof(*run->label));
	run->chunk = xmalloc(CHUNK, run->pairwise ? sizeof(struct triple) : sizeof(struct sample));
}

static void release(struct run *run)
{
	free(run->user);
	free(run->item);
	free(run->negative);
	free(run->label);
	free(run->chunk);
}

void trainer_run(struct trainer *t)
{
	const struct rec_header *h = rec_header(t->in);
	struct run run = { .t = t,
		.rows_per_epoch = h->rows_per_epoch,
		.pairwise = h->kind == REC_TRIPLE,
		.started = now() };
	uint32_t size;

	if (h->rows_per_epoch)
		run.total = h->epochs <= UINT64_MAX / h->rows_per_epoch
				    ? h->epochs * h->rows_per_epoch
				    : UINT64_MAX; /* which no stream has */
	allocate(&run);
	progress_start("rows", run.total);
	while ((size = fill(&run)) > 0) {
		/* epochs whose end only this batch shows */
		while (run.epoch < epoch_of(&run, run.rows + size - 1))
			end_epoch(&run);
		if (size < t->batch_size && t->drop_last)
			break;
		train(&run, size);
		if (epoch_is_over(&run))
			end_epoch(&run);
	}
	check_total(&run);
	while (run.epoch <= epoch_of(&run, rec_rows(t->in) - 1))
		end_epoch(&run);
	progress_end();
	release(&run);
}
