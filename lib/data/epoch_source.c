#include "data/epoch_source.h"

#include "base/die.h"
#include "base/mem.h"
#include "data/epoch_rows.h"

#include <inttypes.h>
#include <stdlib.h>

struct epoch_source {
	struct epoch_source_config config;
	struct sampling sampling;
	bool prepared;
	struct epoch_rows rows;
	struct row_draws draws; /* of triples and samples */
};

static void prepare(void *arg, struct rec_header *h, struct pool *pool)
{
	struct epoch_source *e = arg;
	const struct epoch_source_config *c = &e->config;

	sampling_epochs(&e->sampling, &c->sampling, &e->config.inputs, pool);
	e->prepared = true;
	note("%s %" PRIu64 ", %" PRIu64 " interactions", c->seed_name, c->sampling.seed,
		e->sampling.interactions);
	if (e->sampling.exhausted)
		warn(SAMPLING_SKIPPED, e->sampling.exhausted);
	epoch_rows_init(&e->rows, &e->sampling, h->kind, c->negatives, c->sampling.seed);
	h->rows_per_epoch = e->rows.rows_per_epoch;
	if (h->rows_per_epoch > INT64_MAX / h->epochs)
		die("%" PRIu64 " epochs of %" PRIu64 " rows are more than a header can say",
			h->epochs, h->rows_per_epoch);
}

static void make(void *arg, uint64_t first, size_t n, void *rows)
{
	const struct epoch_source *e = arg;

	epoch_rows_make(&e->rows, first, n, rows);
}

static const struct row_draws *draws(void *arg)
{
	struct epoch_source *e = arg;

	if (e->rows.kind == REC_GROUP || e->rows.rows_per_epoch == 0)
		return NULL;
	e->draws = epoch_rows_draws(&e->rows);
	return &e->draws;
}

static void release(void *arg)
{
	struct epoch_source *e = arg;

	if (e->prepared)
		sampling_release(&e->sampling);
	free(e);
}

struct rec_reader *epoch_source_open(const struct epoch_source_config *config)
{
	struct epoch_source *e = xcalloc(1, sizeof(*e));
	const struct rec_source source = { .prepare = prepare,
		.make = make,
		.draws = draws,
		.release = release,
		.arg = e,
		.slice = epoch_rows_slice(config->header->kind, config->negatives) };

	e->config = *config;
	return rec_open_source(config->name, config->header, &source);
}
