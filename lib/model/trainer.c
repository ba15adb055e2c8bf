#include "model/trainer.h"

#include "base/die.h"
#include "base/mem.h"
#include "base/progress.h"
#include "model/examples.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

enum { LOSS_INTERVAL = 256 }; /* batches between two checks of the loss */

struct trainer {
	struct trainer_config config;
	uint64_t rows_per_epoch, total; /* examples; 0: not said */
	uint64_t rows;			/* handed to the backend */

	struct examples *examples;
	struct example_columns batch; /* `label` or `negative` is NULL */
	uint32_t size;		      /* examples in it that wait to be trained */
	bool ended;		      /* no more will come */

	/* The epoch being trained, from 0, and what is known of it. */
	uint64_t epoch, batches, epoch_rows;
	uint64_t checked; /* batches that loss() covered */
	double sum, started;
};

/* a x b, or what no stream has. */
static uint64_t product(uint64_t a, uint64_t b)
{
	return b == 0 || a <= UINT64_MAX / b ? a * b : UINT64_MAX;
}

struct trainer *trainer_new(const struct trainer_config *config)
{
	const struct rec_header *h = rec_header(config->in);
	const size_t size = config->batch_size;
	struct trainer *t = xcalloc(1, sizeof(*t));

	t->config = *config;
	t->batch.user = xmalloc(size, sizeof(*t->batch.user));
	t->batch.item = xmalloc(size, sizeof(*t->batch.item));
	if (config->pairwise)
		t->batch.negative = xmalloc(size, sizeof(*t->batch.negative));
	else
		t->batch.label = xmalloc(size, sizeof(*t->batch.label));
	t->examples = examples_new(config->in, config->pairwise);
	t->rows_per_epoch = product(h->rows_per_epoch, examples_per_row(t->examples));
	t->total = product(h->epochs, t->rows_per_epoch);
	t->started = now();
	progress_start("rows", t->total);
	return t;
}

void trainer_free(struct trainer *t)
{
	progress_end();
	examples_free(t->examples);
	free(t->batch.user);
	free(t->batch.item);
	free(t->batch.negative);
	free(t->batch.label);
	free(t);
}

static uint64_t epoch_of(const struct trainer *t, uint64_t row)
{
	return t->rows_per_epoch ? row / t->rows_per_epoch : 0;
}

/* Fetch the loss of the batches since the last check. */
static void check_loss(struct trainer *t)
{
	struct backend_loss loss = t->config.ops->loss(t->config.backend);

	if (loss.bad_batch < loss.batches)
		die("epoch %" PRIu64 ", batch %" PRIu64 ": the loss is not finite", t->epoch + 1,
			t->checked + loss.bad_batch + 1);
	t->sum += loss.sum;
	t->checked = t->batches;
}

static enum trainer_event end_epoch(struct trainer *t, struct trainer_epoch *e)
{
	if (t->batches > t->checked)
		check_loss(t);
	const double time = now();
	*e = (struct trainer_epoch){ .epoch = t->epoch + 1,
		.batches = t->batches,
		.rows = t->epoch_rows,
		.loss = t->sum / (double)t->epoch_rows,
		.seconds = time - t->started };
	t->started = time;
	t->epoch++;
	t->batches = t->epoch_rows = t->checked = 0;
	t->sum = 0;
	return TRAINER_EPOCH;
}

static enum trainer_event train(struct trainer *t)
{
	const struct trainer_config *c = &t->config;
	const struct batch batch = { t->size, t->batch.user, t->batch.item, t->batch.negative,
		t->batch.label };

	c->ops->gradient(c->backend, &batch);
	c->ops->update(c->backend);
	t->rows += t->size;
	t->epoch_rows += t->size;
	t->size = 0;
	t->batches++;
	if (t->batches - t->checked == LOSS_INTERVAL)
		check_loss(t);
	progress_at(t->rows);
	return TRAINER_BATCH;
}

/* Examples of the whole stream, once it is read. */
static uint64_t num_examples(const struct trainer *t)
{
	return rec_rows(t->config.in) * examples_per_row(t->examples);
}

/* After a batch: is it known that another one follows, and that it ends in a later epoch? */
static bool epoch_is_over(const struct trainer *t)
{
	uint64_t last = t->rows + t->config.batch_size - 1; /* of the next batch */

	if (t->total == 0 || t->rows == 0 || t->rows >= t->total)
		return false;
	if (last >= t->total) {
		if (t->config.drop_last)
			return false;
		last = t->total - 1;
	}
	return epoch_of(t, last) > t->epoch;
}

/* At the verified end: were these the rows that the header says? */
static void check_total(const struct trainer *t)
{
	struct rec_reader *in = t->config.in;
	const struct rec_header *h = rec_header(in);
	const uint64_t rows = rec_rows(in);

	if (rows == 0)
		die("'%s' holds no rows: nothing to train on", rec_name(in));
	if (t->total && num_examples(t) != t->total)
		die("'%s' holds %" PRIu64 " rows, its header says %" PRIu64 " epochs of %" PRIu64,
			rec_name(in), rows, h->epochs, h->rows_per_epoch);
	if (t->rows == 0)
		die("'%s' holds %" PRIu64 " rows, less than one batch of %" PRIu32, rec_name(in),
			num_examples(t), t->config.batch_size);
}

/* Read the next batch, or find that there is none. */
static void fetch(struct trainer *t)
{
	const struct trainer_config *c = &t->config;
	const size_t size = examples_read(t->examples, &t->batch, c->batch_size);

	if (size == c->batch_size || (size > 0 && !c->drop_last)) {
		t->size = (uint32_t)size;
		return;
	}
	t->ended = true;
	check_total(t);
}

enum trainer_event trainer_next(struct trainer *t, struct trainer_epoch *epoch)
{
	if (t->size == 0 && !t->ended) {
		if (epoch_is_over(t))
			return end_epoch(t, epoch);
		fetch(t);
	}
	if (t->ended)
		return t->epoch > epoch_of(t, num_examples(t) - 1) ? TRAINER_END
								   : end_epoch(t, epoch);
	/* epochs whose end only this batch shows */
	if (t->epoch < epoch_of(t, t->rows + t->size - 1))
		return end_epoch(t, epoch);
	return train(t);
}
