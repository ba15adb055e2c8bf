/*
 * item_options: what the scorers share that learn weights of items: where these come from, and their
 * way from options to output.
 *   --train FILE                  learn them; the users of FILE are scored from their items there
 *   --train FILE --save-model W   learn them and write them to W; nothing is scored, no input read
 *   --model W --train FILE        read them; the users are those of FILE
 *   --model W --user-items FILE   read them; the users are those of --user-items
 */
#ifndef ITEM_OPTIONS_H
#define ITEM_OPTIONS_H

#include "cli/opt.h"
#include "rank/scorer.h"

struct item_weights;
struct pool;
struct rec_header;
struct rec_reader;
struct stream_out;

/* A way to learn such weights; `model` is what learn and load return. */
struct item_method {
	const char *name;	    /* of item_weights_open */
	const struct opt *settings; /* the options of learn: a model that was read has its own */
	void (*check)(void);	    /* die_usage where they do not fit together; NULL: they do */
	void *(*learn)(struct rec_reader *train, struct pool *pool);
	void *(*load)(struct item_weights *w, struct pool *pool);
	void (*save)(const void *model, struct stream_out *out, const struct rec_header *train,
		const struct js *provenance);
	struct scorer (*scorer)(void *model);
	void (*free)(void *model);
};

/* The table for opt_program, beside the settings and score_options(). */
const struct opt *item_options(void);

/* All that comes after opt_parse; `input` is the operand, or NULL. Wrong usage ends the program. */
void item_options_run(const struct item_method *method, const char *input);

#endif
