#include "model/session.h"

#include "base/die.h"
#include "base/mem.h"
#include "base/pool.h"
#include "model/model_file.h"
#include "model/train_log.h"
#include "model/trainer.h"
#include "stream/claim.h"
#include "stream/stream.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

struct session {
	const struct session_config *config;
	struct model_info info;
	const struct backend_ops *ops;
	struct backend *backend;
	struct pool *pool;
	struct stream_out *model;
	struct stream_out *first; /* model of an epoch, until epoch 1 has ended */
	struct stream_log *log;
};

static struct stream_out *create_epoch(const struct session *s, uint64_t epoch)
{
	char *path = claim_series_name(s->config->epochs_prefix, epoch, SESSION_EPOCH_SUFFIX);
	struct stream_out *out = stream_create(path, true);

	free(path);
	return out;
}

/* What cannot be written shows before anything is trained. */
static void open_outputs(struct session *s)
{
	s->model = stream_create(s->config->output, true);
	if (s->config->epochs_prefix)
		s->first = create_epoch(s, 1);
	if (s->config->log)
		s->log = stream_log_open(s->config->log);
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
		struct stream_out *out = s->first ? s->first : create_epoch(s, e->epoch);

		s->first = NULL;
		save(s, out);
	}
	if (s->log)
		train_log_epoch(s->log, e);
}

static void train(struct session *s)
{
	const struct session_config *c = s->config;
	const struct trainer_config config = { .in = c->in,
		.pairwise = c->shape.loss != LOSS_BCE,
		.ops = s->ops,
		.backend = s->backend,
		.batch_size = c->batch_size,
		.drop_last = c->drop_last };
	struct trainer *t = trainer_new(&config);
	struct trainer_epoch epoch;
	enum trainer_event event;

	while ((event = trainer_next(t, &epoch)) != TRAINER_END)
		if (event == TRAINER_EPOCH)
			end_epoch(s, &epoch);
	trainer_free(t);
}

void session_run(const struct session_config *config)
{
	struct session s = { .config = config };

	open_outputs(&s);
	start_backend(&s);
	train(&s);
	save(&s, s.model);
	if (s.log && (errno = stream_log_close(s.log)) != 0)
		die("the model is in '%s', but the log '%s' has not all its lines:", config->output,
			config->log);
	rec_close(config->in, true);
	s.ops->destroy(s.backend);
	pool_free(s.pool);
}
