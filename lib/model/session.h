/*
 * session: a run of neumf-train behind its options: backend, trainer, and what comes of them: the
 * log, the models of epochs, checkpoints, the model.
 */
#ifndef SESSION_H
#define SESSION_H

#include "model/backend.h"
#include "model/neumf.h"
#include "model/warm_start.h"
#include "stream/record.h"

#include <stdbool.h>
#include <stdint.h>

/* The names of --save-epochs: claim_series_name(prefix, epoch, this). */
#define SESSION_EPOCH_SUFFIX ".safetensors"

struct session_config {
	struct rec_reader *in; /* header read, not prepared; closed by session_run */
	const struct js
		*provenance; /* of the model: that of the stream, and this program's entry */

	struct neumf_shape shape;
	struct neumf_optimizer optimizer;
	uint32_t batch_size;
	bool drop_last;

	double init_std; /* of the first weights */
	enum neumf_dense_init dense_init;
	uint64_t seed;
	struct warm_start *init; /* then these in their place, freed; NULL: a fresh start */
	double alpha;		 /* for two models */

	const char *kept;     /* without a checkpoint, what is left here when on_epoch fails */
	const char *on_epoch; /* command that measures each epoch; NULL: none */
	uint32_t patience;    /* stop after so many epochs without a better one; 0: do not */
	bool keep_best;	      /* write the model of the best epoch, else that of the last */
	double max_seconds;   /* then stop after the batch in training; INFINITY: do not */

	enum backend_device device;
	enum backend_precision precision;
	uint32_t threads;
	struct exchange *exchange; /* with processes that follow this one; NULL: there are none */

	const char *output;	   /* the model */
	const char *epochs_prefix; /* of the models of epochs; NULL: they are not saved */
	const char *log;	   /* NULL: none */

	const char *checkpoint; /* NULL: none */
	uint64_t every_epochs;	/* a checkpoint after so many epochs; 0: after so many seconds */
	double every_seconds;	/* since the last one */
	const char *resume;	/* a checkpoint to go on from; NULL: start from first weights */
};

/*
 * Open all outputs, train on the stream, write the model. The stream is read to its verified end,
 * unless patience or time run out before: then the rest is left unread. Dies on any error; then no
 * model is written, and an old one stays as it was. Only a log that could not be written costs no
 * more than itself: the run dies of it when the model is there, and says so. With a checkpoint,
 * SIGTERM, SIGINT and SIGUSR1 end the batch, write it, say how to go on, and end the process.
 */
void session_run(const struct session_config *config);

#endif
