#include "model/trainer.h"

#include "base/clock.h"
#include "base/die.h"
#include "base/mem.h"
#include "base/progress.h"
#include "model/examples.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LOSS_INTERVAL = 256 }; /* batches between two checks of the loss */

struct trainer {
	struct trainer_config config;
	uint64_t rows_per_epoch, total; /* examples; 0: not said */
	uint64_t first;			/* of the run, before this stream */
	uint64_t rows;			/* of the run, handed to the backend */

	struct examples *examples;
	struct batch_room own;	      /* where the backend lends none */
	struct example_columns batch; /* the columns of that room */
	uint32_t size;		      /* examples in it that wait to be trained */
	bool drawn;		      /* the backend draws its rows; nobody reads them */
	bool ended;		      /* no more will come */

	/* The epoch being trained, from 0, and what is known of it. */
	uint64_t epoch, batches, epoch_rows;
	uint64_t checked;	   /* batches that loss() covered */
	double sum, started;	   /* 0: nobody has asked for its batches yet */
	double seen;		   /* the mean loss that an onlooker is shown */
	struct row_digest *digest; /* of the rows trained; NULL: nobody asks */
};

/* a x b, or what no stream has. */
static uint64_t product(uint64_t a, uint64_t b)
{
	return b == 0 || a <= UINT64_MAX / b ? a * b : UINT64_MAX;
}

static struct batch_room make_room(size_t size, uint32_t negatives)
{
	struct batch_room room = { .user = xmalloc(size, sizeof(*room.user)),
		.item = xmalloc(size, sizeof(*room.item)) };

	if (negatives == 0)
		room.label = xmalloc(size, sizeof(*room.label));
	else
		room.negative = xmalloc(size * negatives, sizeof(*room.negative));
	return room;
}

static void set_columns(struct trainer *t, struct batch_room room)
{
	t->batch.user = room.user;
	t->batch.item = room.item;
	t->batch.negative = room.negative;
	t->batch.label = room.label;
}

/* Make room for the next batch. */
static void take_room(struct trainer *t)
{
	const struct trainer_config *c = &t->config;

	set_columns(t, c->ops->lend ? c->ops->lend(c->backend) : t->own);
}

/* Can the backend draw the rows, in place of who made them? */
static bool is_drawn(const struct trainer_config *c)
{
	const struct row_draws *draws = c->ops->draw_from ? rec_draws(c->in) : NULL;
	const char *why = draws ? c->ops->draw_from(c->backend, draws) : NULL;

	if (draws)
		note("rows are drawn on the %s%s", why ? "host: " : "device", why ? why : "");
	return draws && !why;
}

struct trainer *trainer_new(const struct trainer_config *config)
{
	const struct rec_header *h = rec_header(config->in);
	struct trainer *t = xcalloc(1, sizeof(*t));

	t->config = *config;
	t->examples = examples_new(config->in, config->form);
	t->batch.negatives = examples_negatives(t->examples);
	if (!config->ops->lend)
		t->own = make_room(config->batch_size, t->batch.negatives);
	t->rows_per_epoch = product(h->rows_per_epoch, examples_per_row(t->examples));
	t->total = product(h->epochs, t->rows_per_epoch);
	t->first = product(h->first_row, examples_per_row(t->examples));
	t->drawn = is_drawn(config);
	t->digest = config->digest ? row_digest_new() : NULL;
	t->seen = NAN;
	progress_start("rows", t->total);
	return t;
}

void trainer_free(struct trainer *t)
{
	progress_end();
	examples_free(t->examples);
	row_digest_free(t->digest);
	free(t->own.user);
	free(t->own.item);
	free(t->own.negative);
	free(t->own.label);
	free(t);
}

static uint64_t epoch_of(const struct trainer *t, uint64_t row)
{
	return t->rows_per_epoch ? row / t->rows_per_epoch : 0;
}

/* The loss of the batches since the last check. */
static struct backend_loss take_loss(struct trainer *t)
{
	struct backend_loss loss = t->config.ops->loss(t->config.backend);

	if (loss.bad_batch < loss.batches)
		die("epoch %" PRIu64 ", batch %" PRIu64 ": the loss is not finite", t->epoch + 1,
			t->checked + loss.bad_batch + 1);
	return loss;
}

static void check_loss(struct trainer *t)
{
	t->sum += take_loss(t).sum;
	t->checked = t->batches;
	t->seen = t->sum / (double)t->epoch_rows;
}

static enum trainer_event end_epoch(struct trainer *t, struct trainer_epoch *e)
{
	if (t->batches > t->checked)
		check_loss(t);
	const double time = now();
	*e = (struct trainer_epoch){ .epoch = t->epoch + 1,
		.batches = t->batches,
		.rows = t->epoch_rows,
		.trained = t->rows,
		.loss = t->sum / (double)t->epoch_rows,
		.seconds = time - t->started };
	t->started = 0;
	t->epoch++;
	t->batches = t->epoch_rows = t->checked = 0;
	t->sum = 0;
	return TRAINER_EPOCH;
}

/* Add the first n examples of the batch, the row of the first being `row`. */
static void digest_rows(struct trainer *t, uint64_t row, size_t n)
{
	const uint64_t size = t->rows_per_epoch;

	for (size_t at = 0, take; at < n; at += take, row += take) {
		take = n - at;
		if (size && take > size - row % size)
			take = (size_t)(size - row % size);
		row_digest_add(t->digest, &t->batch, at, take);
		if (size && (row + take) % size == 0)
			row_digest_end_epoch(t->digest);
	}
}

static enum trainer_event train(struct trainer *t)
{
	const struct trainer_config *c = &t->config;
	const struct batch batch = { t->size, t->batch.user, t->batch.item, t->batch.negative,
		t->batch.label };

	if (t->drawn)
		c->ops->gradient_drawn(c->backend, t->rows, t->size);
	else
		c->ops->gradient(c->backend, &batch);
	c->ops->update(c->backend);
	if (t->digest && t->drawn)
		set_columns(t, c->ops->drawn(c->backend));
	if (t->digest)
		digest_rows(t, t->rows, t->size);
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
	return t->first + rec_rows(t->config.in) * examples_per_row(t->examples);
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

/* Put the next examples into the batch, or leave that to the backend; returns how many. */
static size_t next_examples(struct trainer *t)
{
	const struct trainer_config *c = &t->config;
	const uint64_t left = t->total - t->rows;

	if (!t->drawn) {
		take_room(t);
		return examples_read(t->examples, &t->batch, c->batch_size);
	}
	const size_t size = left < c->batch_size ? (size_t)left : c->batch_size;
	rec_pass_to(c->in, t->rows + size);
	return size;
}

/* Go on to the next batch, or find that there is none. */
static void fetch(struct trainer *t)
{
	const struct trainer_config *c = &t->config;
	const size_t size = next_examples(t);

	if (size == c->batch_size || (size > 0 && !c->drop_last)) {
		t->size = (uint32_t)size;
		return;
	}
	t->ended = true;
	check_total(t);
}

enum trainer_event trainer_next(struct trainer *t, struct trainer_epoch *epoch)
{
	if (t->started == 0)
		t->started = now();
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

void trainer_get(struct trainer *t, struct trainer_position *p)
{
	*p = (struct trainer_position){ .rows = t->rows,
		.epoch = t->epoch,
		.batches = t->batches,
		.epoch_rows = t->epoch_rows,
		.sum = t->sum,
		.unchecked = take_loss(t) };
	t->config.ops->set_loss(t->config.backend, &p->unchecked);
	row_digest_get(t->digest, &p->digest);
}

uint64_t trainer_from_epoch(const struct trainer *t)
{
	const uint64_t epoch = epoch_of(t, t->rows) + 1, most = rec_header(t->config.in)->epochs;

	if (t->total == 0)
		return 0;
	return epoch < most ? epoch : most;
}

/* Rows that are made need not be made from the start: begin with the epoch that training is in. */
static void begin_near(struct trainer *t)
{
	const struct rec_header *h = rec_header(t->config.in);
	const uint64_t epoch = trainer_from_epoch(t);

	if (epoch > 0 && rec_begin_at(t->config.in, (epoch - 1) * h->rows_per_epoch))
		t->first = product(h->first_row, examples_per_row(t->examples));
}

/* Can training go on at row t->rows with this stream? */
static void check_first(const struct trainer *t, const char *file)
{
	const char *name = rec_name(t->config.in);

	if (t->first > 0 && t->first % t->rows_per_epoch > 0)
		die("'%s' begins within an epoch, with row %" PRIu64
		    ": training goes on with the first row of one",
			name, rec_header(t->config.in)->first_row + 1);
	if (t->first > t->rows)
		die("'%s' begins with epoch %" PRIu64 ", '%s' goes on with epoch %" PRIu64
		    " (negsample --from-epoch)",
			name, epoch_of(t, t->first) + 1, file, trainer_from_epoch(t));
}

/* Pass over the rows that were trained. */
static void skip(struct trainer *t, const char *file)
{
	uint64_t row = t->first;

	take_room(t);
	while (row < t->rows) {
		const uint64_t left = t->rows - row, most = t->config.batch_size;
		const size_t want = (size_t)(left < most ? left : most);
		const size_t got = examples_read(t->examples, &t->batch, want);

		digest_rows(t, row, got);
		row += got;
		if (got < want)
			die("'%s' ends after %" PRIu64 " rows, '%s' was trained on %" PRIu64,
				rec_name(t->config.in), row, file, t->rows);
		progress_at(row);
	}
}

void trainer_set(struct trainer *t, const struct trainer_position *p, const char *file)
{
	struct row_digest_text digest;

	t->rows = p->rows;
	t->epoch = p->epoch;
	t->batches = p->batches;
	t->epoch_rows = p->epoch_rows;
	t->checked = p->batches - p->unchecked.batches;
	t->sum = p->sum;
	t->config.ops->set_loss(t->config.backend, &p->unchecked);
	begin_near(t);
	check_first(t, file);
	skip(t, file);
	row_digest_get(t->digest, &digest);
	if (strcmp(digest.epoch, p->digest.epoch) != 0 ||
		(t->first == 0 && strcmp(digest.epochs, p->digest.epochs) != 0))
		die("the rows of '%s' are not those that '%s' was trained on",
			rec_name(t->config.in), file);
	row_digest_set_epochs(t->digest, p->digest.epochs);
	progress_skip(t->rows);
}

struct trainer_view trainer_view(const struct trainer *t)
{
	const uint64_t epochs = rec_header(t->config.in)->epochs;

	return (struct trainer_view){ t->epoch + 1, epochs, t->seen };
}

enum trainer_event trainer_stop(struct trainer *t, struct trainer_epoch *epoch)
{
	return end_epoch(t, epoch);
}
