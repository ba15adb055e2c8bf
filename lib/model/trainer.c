#include "model/trainer.h"

#include "base/die.h"
#include "base/mem.h"
#include "base/progress.h"
#include "model/examples.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

enum { LOSS_INTERVAL = 256 }; /* batches between two checks of the loss */

struct run {
	struct trainer *t;
	uint64_t rows_per_epoch, total; /* examples; 0: not said */
	uint64_t rows;			/* handed to the backend */

	struct examples *examples;
	struct example_columns batch; /* being filled; `label` or `negative` is NULL */

	/* The epoch being trained, from 0, and what is known of it. */
	uint64_t epoch, batches, epoch_rows;
	uint64_t checked; /* batches that loss() covered */
	double sum, started;
};

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
	const struct example_columns *c = &run->batch;
	struct batch batch = { size, c->user, c->item, c->negative, c->label };

	run->t->ops->gradient(run->t->backend, &batch);
	run->t->ops->update(run->t->backend);
	run->rows += size;
	run->epoch_rows += size;
	run->batches++;
	if (run->batches - run->checked == LOSS_INTERVAL)
		check_loss(run);
	progress_at(run->rows);
}

/* Examples of the whole stream, once it is read. */
static uint64_t num_examples(const struct run *run)
{
	return rec_rows(run->t->in) * examples_per_row(run->examples);
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
	const struct rec_header *h = rec_header(run->t->in);
	uint64_t rows = rec_rows(run->t->in);

	if (rows == 0)
		die("'%s' holds no rows: nothing to train on", rec_name(run->t->in));
	if (run->total && num_examples(run) != run->total)
		die("'%s' holds %" PRIu64 " rows, its header says %" PRIu64 " epochs of %" PRIu64,
			rec_name(run->t->in), rows, h->epochs, h->rows_per_epoch);
	if (run->rows == 0)
		die("'%s' holds %" PRIu64 " rows, less than one batch of %" PRIu32,
			rec_name(run->t->in), num_examples(run), run->t->batch_size);
}

static void allocate(struct run *run)
{
	const size_t size = run->t->batch_size;
	struct example_columns *batch = &run->batch;

	batch->user = xmalloc(size, sizeof(*batch->user));
	batch->item = xmalloc(size, sizeof(*batch->item));
	if (run->t->pairwise)
		batch->negative = xmalloc(size, sizeof(*batch->negative));
	else
		batch->label = xmalloc(size, sizeof(*batch->label));
	run->examples = examples_new(run->t->in, run->t->pairwise);
}

static void release(struct run *run)
{
	examples_free(run->examples);
	free(run->batch.user);
	free(run->batch.item);
	free(run->batch.negative);
	free(run->batch.label);
}

/* a x b, or what no stream has. */
static uint64_t product(uint64_t a, uint64_t b)
{
	return b == 0 || a <= UINT64_MAX / b ? a * b : UINT64_MAX;
}

void trainer_run(struct trainer *t)
{
	const struct rec_header *h = rec_header(t->in);
	struct run run = { .t = t, .started = now() };
	uint32_t size;

	allocate(&run);
	run.rows_per_epoch = product(h->rows_per_epoch, examples_per_row(run.examples));
	run.total = product(h->epochs, run.rows_per_epoch);
	progress_start("rows", run.total);
	while ((size = (uint32_t)examples_read(run.examples, &run.batch, t->batch_size)) > 0) {
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
	while (run.epoch <= epoch_of(&run, num_examples(&run) - 1))
		end_epoch(&run);
	progress_end();
	release(&run);
}
