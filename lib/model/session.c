#include "model/session.h"

#include "base/clock.h"
#include "base/die.h"
#include "base/interrupt.h"
#include "base/mem.h"
#include "base/pool.h"
#include "model/best_epoch.h"
#include "model/checkpoint.h"
#include "model/model_file.h"
#include "model/train_log.h"
#include "model/train_provenance.h"
#include "model/train_view.h"
#include "model/trainer.h"
#include "stream/claim.h"
#include "stream/stream.h"
#include "stream/whole_file.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct session {
	const struct session_config *config;
	struct model_info info;
	const struct backend_ops *ops;
	struct backend *backend;
	struct pool *pool;
	struct stream_out *model;
	struct stream_out *first_epoch; /* until its model is written */
	struct stream_log *log;
	struct trainer *trainer;
	struct train_view view;

	struct stream_out *first_checkpoint; /* until it is written */
	double saved;			     /* when the last checkpoint was, */
	uint64_t epochs_since;		     /* and epochs that have ended since */

	struct best_epoch best;
	struct trainer_epoch last;   /* the epoch that ended last */
	bool pending;		     /* it has not been measured yet */
	const char *stopped;	     /* by this option; NULL: by the end of the stream */
	struct trainer_position cut; /* when time ran out: of an epoch that goes on later */
};

/* The file of an epoch's model, malloc'ed; NULL: it is not saved. */
static char *epoch_path(const struct session *s, uint64_t epoch)
{
	const char *prefix = s->config->epochs_prefix;

	return prefix ? claim_series_name(prefix, epoch, SESSION_EPOCH_SUFFIX) : NULL;
}

/* Is the path that of a regular file, or of one that can be made? */
static bool is_file(const char *path)
{
	struct stat st;

	return strcmp(path, "-") != 0 && (stat(path, &st) || S_ISREG(st.st_mode));
}

/* What cannot be written shows before anything is trained, but for the log: see start_trainer. */
static void open_outputs(struct session *s)
{
	s->model = stream_create(s->config->output, true);
	if (s->config->checkpoint) {
		if (!is_file(s->config->checkpoint))
			die("'%s' is not a regular file: a checkpoint is written again and again",
				s->config->checkpoint);
		s->first_checkpoint = stream_create(s->config->checkpoint, true);
	}
}

/* Put the models to start from, where there are any, in place of the first weights. */
static void warm_start(struct session *s)
{
	const struct session_config *c = s->config;
	const struct rec_header *h = rec_header(c->in);
	const struct warm_start_target target = { &c->shape, &h->user_ids, &h->item_ids };

	if (c->init)
		warm_start_apply(c->init, &target, c->alpha, s->ops, s->backend);
	warm_start_free(c->init);
}

static void start_backend(struct session *s)
{
	const struct session_config *c = s->config;
	const struct neumf_fresh fresh = { c->init_std, c->dense_init, c->seed };
	struct backend_config config = { .shape = c->shape,
		.fresh = c->resume ? NULL : &fresh, /* the checkpoint has all values */
		.optimizer = &c->optimizer,
		.batch_size = c->batch_size,
		.precision = c->precision,
		.exchange = c->exchange };
	struct neumf_layout layout;

	s->pool = pool_new(c->threads);
	config.pool = s->pool;
	neumf_layout(&c->shape, &layout);
	s->ops = c->exchange ? &backend_cpu_processes : backend_select(c->device, die_quiet);
	s->backend = s->ops->create(&config);
	warm_start(s);
	note("%" PRIu64 " parameters on %s (%s), seed %" PRIu64, layout.num_params, s->ops->name,
		s->ops->describe(s->backend), c->seed);
	s->info = (struct model_info){ .seed = c->seed,
		.device = s->ops->name,
		.compute = s->ops->arithmetic ? s->ops->arithmetic : s->ops->describe(s->backend),
		.provenance = c->provenance,
		.user_ids = &rec_header(c->in)->user_ids,
		.item_ids = &rec_header(c->in)->item_ids };
}

static void read_values(void *arg, struct neumf_rows rows, float *out)
{
	struct session *s = arg;

	s->ops->read(s->backend, rows, BACKEND_VALUE, out);
}

static struct checkpoint_run this_run(const struct session *s)
{
	return (struct checkpoint_run){ .shape = &s->config->shape,
		.info = &s->info,
		.optimizer = s->config->optimizer.kind,
		.ops = s->ops,
		.backend = s->backend,
		.input = rec_name(s->config->in),
		.stream = rec_header(s->config->in) };
}

static void save_checkpoint(struct session *s, const char *path)
{
	const struct checkpoint_run run = this_run(s);
	struct checkpoint c = { .best = best_epoch_kept(&s->best) };
	struct stream_out *out = s->first_checkpoint;

	if (!out)
		out = stream_create(path, true);
	s->first_checkpoint = NULL;
	if (s->config->on_epoch)
		c.chooser = best_epoch_json(&s->best, s->pending && !s->stopped ? &s->last : NULL);
	c.position = s->cut;
	if (!s->stopped)
		trainer_get(s->trainer, &c.position);
	checkpoint_save(out, &run, &c);
	js_free(c.chooser);
	s->saved = now();
	s->epochs_since = 0;
}

static bool checkpoint_is_due(const struct session *s)
{
	const struct session_config *c = s->config;

	return c->every_epochs ? s->epochs_since >= c->every_epochs
			       : now() - s->saved >= c->every_seconds;
}

static _Noreturn void stop(struct session *s, int number)
{
	const char *path = s->config->checkpoint;
	const uint64_t epoch = trainer_from_epoch(s->trainer);

	save_checkpoint(s, path);
	if (rec_is_made(s->config->in))
		warn("%s: go on with --resume %s", interrupt_name(number), path);
	else if (epoch)
		warn("%s: go on with --resume %s, on the same stream or one of negsample --from-epoch %" PRIu64,
			interrupt_name(number), path, epoch);
	else
		warn("%s: go on with --resume %s, on the same stream", interrupt_name(number),
			path);
	whole_file_end_by_signal(number);
}

/* Before input is read, and at its end: a signal must not wait for rows that may never come. */
static void before_read(void *arg, int descriptor)
{
	const int number = interrupt_wait(descriptor);

	if (number)
		stop(arg, number);
}

/* After every event. */
static void care_for_checkpoint(struct session *s, enum trainer_event event)
{
	const int number = interrupt_signal();

	if (number)
		stop(s, number);
	s->epochs_since += event == TRAINER_EPOCH;
	if (checkpoint_is_due(s))
		save_checkpoint(s, s->config->checkpoint);
}

/* The command of --on-epoch gave no number. What was trained is kept, to go on from when the fault
   has been found. */
static _Noreturn void die_unmeasured(struct session *s, const char *why)
{
	const struct session_config *c = s->config;
	const char *path = c->checkpoint ? c->checkpoint : c->kept;

	if (!is_file(c->output) && !c->checkpoint)
		die("epoch %" PRIu64
		    ": the command of --on-epoch: %s; without --checkpoint nothing is kept",
			s->last.epoch, why);
	save_checkpoint(s, path);
	die("epoch %" PRIu64 ": the command of --on-epoch: %s; go on with --resume %s",
		s->last.epoch, why, path);
}

/* Measure the epoch that ended last, whose model is the file `path`, if it is saved. */
static void measure(struct session *s, const char *path)
{
	const struct best_epoch_model model = { &s->config->shape, &s->info, read_values, s };
	double value;
	char why[160];

	s->pending = true;
	if (!best_epoch_measure(&s->best, &model, path, s->last.epoch, &value, why, sizeof(why))) {
		if (s->config->checkpoint && interrupt_signal())
			stop(s, interrupt_signal());
		die_unmeasured(s, why);
	}
	s->pending = false;
	best_epoch_add(&s->best, &model, s->last.epoch, value);
	if (best_epoch_over(&s->best, s->last.epoch))
		s->stopped = "patience";
}

/* The model comes before the line: who reads the line finds the file. */
static void end_epoch(struct session *s)
{
	char *path = epoch_path(s, s->last.epoch);

	if (path) {
		struct stream_out *out =
			s->first_epoch ? s->first_epoch : stream_create(path, true);

		s->first_epoch = NULL;
		model_file_save(out, &s->config->shape, &s->info, read_values, s);
	}
	if (s->config->on_epoch)
		measure(s, path);
	if (s->log)
		train_log_epoch(s->log, &s->last, s->config->on_epoch ? &s->best.last : NULL);
	free(path);
}

/* Put the state of a checkpoint in place; its epochs that need nothing more are returned. */
static uint64_t resume(struct session *s, struct checkpoint *from)
{
	const struct session_config *c = s->config;
	const struct checkpoint_run run = this_run(s);

	checkpoint_load(from, &run, c->resume);
	if (!c->on_epoch != !from->chooser)
		die("'%s' is of a training %s --on-epoch", c->resume,
			from->chooser ? "with" : "without");
	s->last = (struct trainer_epoch){ .epoch = from->position.epoch,
		.trained = from->position.rows - from->position.epoch_rows,
		.loss = NAN };
	if (!c->on_epoch)
		return from->position.epoch;
	s->pending = best_epoch_restore(&s->best, from->chooser, from->best, &s->last, c->resume);
	from->best = NULL;
	if (!s->pending && s->last.epoch > 0 && best_epoch_over(&s->best, s->last.epoch))
		s->stopped = "patience";
	return from->position.epoch - s->pending;
}

/* What is written at the ends of epochs, when `ended` have. The log comes last, and behind the
   checkpoint: what it holds of a training of before depends on it. */
static void open_epoch_outputs(struct session *s, uint64_t ended)
{
	const struct session_config *c = s->config;
	const uint64_t epochs = rec_header(c->in)->epochs; /* 0: not said */
	char *path = ended < epochs || !epochs ? epoch_path(s, ended + 1) : NULL;

	if (path)
		s->first_epoch = stream_create(path, true);
	best_epoch_reserve(&s->best);
	free(path);
	if (c->log)
		s->log = stream_log_open(c->log, c->resume ? train_log_kept(c->log, ended) : 0);
}

/* Signals are kept from the moment on from which they can be answered. */
static void start_trainer(struct session *s)
{
	const struct session_config *c = s->config;
	const struct trainer_config config = { .in = c->in,
		.form = c->shape.loss == LOSS_CCL   ? EXAMPLE_GROUP
			: c->shape.loss == LOSS_BCE ? EXAMPLE_SAMPLE
						    : EXAMPLE_TRIPLE,
		.ops = s->ops,
		.backend = s->backend,
		.batch_size = c->batch_size,
		.drop_last = c->drop_last,
		.digest = c->checkpoint || c->resume || c->on_epoch };
	struct checkpoint from = { 0 };

	if (!c->resume)
		open_epoch_outputs(s, 0);
	rec_prepare(c->in, s->pool);
	if (c->resume)
		open_epoch_outputs(s, resume(s, &from));
	s->trainer = trainer_new(&config);
	train_view_start(&s->view, s->trainer, c->on_epoch ? &s->best : NULL);
	if (c->resume)
		trainer_set(s->trainer, &from.position, c->resume);
	checkpoint_release(&from);
	if (!c->checkpoint)
		return;
	interrupt_watch();
	rec_before_read(c->in, before_read, s);
	s->saved = now();
}

/* Train till the stream ends, or patience, or time. */
static void train(struct session *s)
{
	const struct session_config *c = s->config;
	const double started = now();
	enum trainer_event event = TRAINER_BATCH;

	if (s->pending)
		end_epoch(s);
	while (!s->stopped && event != TRAINER_END) {
		struct trainer_epoch epoch;

		event = trainer_next(s->trainer, &epoch);
		if (event == TRAINER_BATCH && now() - started >= c->max_seconds) {
			if (c->checkpoint || c->on_epoch)
				trainer_get(s->trainer, &s->cut);
			s->stopped = "max-seconds";
			if (c->checkpoint)
				save_checkpoint(s, c->checkpoint);
			event = trainer_stop(s->trainer, &epoch);
		}
		if (event == TRAINER_EPOCH) {
			s->last = epoch;
			end_epoch(s);
		}
		if (c->checkpoint && !s->stopped && event != TRAINER_END)
			care_for_checkpoint(s, event);
	}
	trainer_free(s->trainer);
}

/* The model that was asked for: that of the best epoch, or as it is now. */
static void save_model(struct session *s)
{
	const struct session_config *c = s->config;
	struct js *chosen = c->on_epoch ? best_epoch_chosen(&s->best, s->last.epoch) : NULL;
	struct js *provenance = train_provenance(c->provenance, chosen, s->stopped, &s->last);

	s->info.provenance = provenance;
	if (best_epoch_kept(&s->best))
		model_file_save(s->model, &c->shape, &s->info, best_epoch_values, &s->best);
	else
		model_file_save(s->model, &c->shape, &s->info, read_values, s);
	js_free(provenance);
}

void session_run(const struct session_config *config)
{
	struct session s = { .config = config,
		.best = { .command = config->on_epoch,
			.patience = config->patience,
			.keep = config->keep_best } };

	neumf_layout(&config->shape, &s.best.layout);
	open_outputs(&s);
	start_backend(&s);
	start_trainer(&s);
	train(&s);
	interrupt_release(); /* who waits for the model may give up */
	save_model(&s);
	if (s.log && (errno = stream_log_close(s.log)) != 0)
		die("the model is in '%s', but the log '%s' has not all its lines:", config->output,
			config->log);
	rec_close(config->in, !s.stopped);
	train_view_end(&s.view, &s.last, s.stopped, config->output);
	best_epoch_release(&s.best);
	s.ops->destroy(s.backend);
	pool_free(s.pool);
}
