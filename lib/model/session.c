#include "model/session.h"

#include "base/die.h"
#include "base/interrupt.h"
#include "base/mem.h"
#include "base/pool.h"
#include "base/progress.h"
#include "model/checkpoint.h"
#include "model/model_file.h"
#include "model/train_log.h"
#include "model/trainer.h"
#include "stream/claim.h"
#include "stream/stream.h"
#include "stream/whole_file.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
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

	struct stream_out *first_checkpoint; /* until it is written */
	double saved;			     /* when the last checkpoint was, */
	uint64_t epochs_since;		     /* and epochs that have ended since */
};

static struct stream_out *create_epoch(const struct session *s, uint64_t epoch)
{
	char *path = claim_series_name(s->config->epochs_prefix, epoch, SESSION_EPOCH_SUFFIX);
	struct stream_out *out = stream_create(path, true);

	free(path);
	return out;
}

static void check_checkpoint_path(const char *path)
{
	struct stat st;

	if (!stat(path, &st) && !S_ISREG(st.st_mode))
		die("'%s' is not a regular file: a checkpoint is written again and again", path);
}

/* What cannot be written shows before anything is trained, but for the log: see start_trainer. */
static void open_outputs(struct session *s)
{
	s->model = stream_create(s->config->output, true);
	if (s->config->checkpoint) {
		check_checkpoint_path(s->config->checkpoint);
		s->first_checkpoint = stream_create(s->config->checkpoint, true);
	}
}

static void start_backend(struct session *s)
{
	const struct session_config *c = s->config;
	struct backend_config config = { .shape = c->shape,
		.optimizer = &c->optimizer,
		.batch_size = c->batch_size,
		.tf32 = c->tf32 };
	struct neumf_layout layout;

	s->pool = pool_new(c->threads);
	config.pool = s->pool;
	neumf_layout(&c->shape, &layout);
	config.params = xmalloc(layout.num_params, sizeof(float));
	neumf_init(&c->shape, c->init_std, c->dense_init, c->seed, config.params);
	s->ops = backend_select(c->device, die_quiet);
	s->backend = s->ops->create(&config);
	note("%" PRIu64 " parameters on %s (%s), seed %" PRIu64, layout.num_params, s->ops->name,
		s->ops->describe(s->backend), c->seed);
	s->info = (struct model_info){ .seed = c->seed,
		.device = s->ops->name,
		.compute = s->ops->arithmetic ? s->ops->arithmetic : s->ops->describe(s->backend),
		.provenance = c->provenance,
		.user_ids = &rec_header(c->in)->user_ids,
		.item_ids = &rec_header(c->in)->item_ids };
}

static void read_values(void *arg, unsigned tensor, float *out)
{
	struct session *s = arg;

	s->ops->read(s->backend, tensor, BACKEND_VALUE, out);
}

static void save(struct session *s, struct stream_out *out)
{
	model_file_save(out, &s->config->shape, &s->info, read_values, s);
}

/* The model comes before the line: who reads the line finds the file. */
static void end_epoch(struct session *s, const struct trainer_epoch *e)
{
	if (s->config->epochs_prefix) {
		struct stream_out *out =
			s->first_epoch ? s->first_epoch : create_epoch(s, e->epoch);

		s->first_epoch = NULL;
		save(s, out);
	}
	if (s->log)
		train_log_epoch(s->log, e);
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

static void save_checkpoint(struct session *s)
{
	const struct checkpoint_run run = this_run(s);
	struct checkpoint c = { 0 };
	struct stream_out *out = s->first_checkpoint;

	if (!out)
		out = stream_create(s->config->checkpoint, true);
	s->first_checkpoint = NULL;
	trainer_get(s->trainer, &c.position);
	checkpoint_save(out, &run, &c);
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

	save_checkpoint(s);
	if (epoch)
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
		save_checkpoint(s);
}

/* The log comes last, and behind the checkpoint: what it holds of a training of before depends on
   it. Signals are kept from the moment on from which they can be answered. */
static void start_trainer(struct session *s)
{
	const struct session_config *c = s->config;
	const struct trainer_config config = { .in = c->in,
		.pairwise = c->shape.loss != LOSS_BCE,
		.ops = s->ops,
		.backend = s->backend,
		.batch_size = c->batch_size,
		.drop_last = c->drop_last,
		.digest = c->checkpoint || c->resume };
	const struct checkpoint_run run = this_run(s);
	struct checkpoint from = { 0 };

	if (c->resume)
		checkpoint_load(&from, &run, c->resume);
	if (c->epochs_prefix)
		s->first_epoch = create_epoch(s, from.position.epoch + 1);
	if (c->log)
		s->log = stream_log_open(c->log, train_log_kept(c->log, from.position.epoch));
	s->trainer = trainer_new(&config);
	if (c->resume)
		trainer_set(s->trainer, &from.position, c->resume);
	checkpoint_release(&from);
	if (!c->checkpoint)
		return;
	interrupt_watch();
	rec_before_read(c->in, before_read, s);
	s->saved = now();
}

static void train(struct session *s)
{
	struct trainer_epoch epoch;
	enum trainer_event event;

	while ((event = trainer_next(s->trainer, &epoch)) != TRAINER_END) {
		if (event == TRAINER_EPOCH)
			end_epoch(s, &epoch);
		if (s->config->checkpoint)
			care_for_checkpoint(s, event);
	}
	trainer_free(s->trainer);
}

void session_run(const struct session_config *config)
{
	struct session s = { .config = config };

	open_outputs(&s);
	start_backend(&s);
	start_trainer(&s);
	train(&s);
	save(&s, s.model);
	if (s.log && (errno = stream_log_close(s.log)) != 0)
		die("the model is in '%s', but the log '%s' has not all its lines:", config->output,
			config->log);
	rec_close(config->in, true);
	s.ops->destroy(s.backend);
	pool_free(s.pool);
}
