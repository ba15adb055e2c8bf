/*
 * replay: the shell commands that made a stream or a model, from its provenance.
 *
 * Provenance has no paths. Texts that were read are arguments of the script, told by what provenance
 * says of them; side inputs, such as --train, are made again from their own provenance, once each.
 *
 * A header may come from anybody. Nothing in it becomes a command: programs and options are those of
 * a table, values are quoted, and what is not known, or is not certain to give the same again, ends
 * the program with one line.
 */
#ifndef REPLAY_H
#define REPLAY_H

#include "base/js.h"

#include <stdbool.h>
#include <stddef.h>

/* What is to be made again. */
struct replay_source {
	const char *name;	     /* for messages */
	const struct js *provenance; /* NULL: it says nothing */
	bool is_model;
	const char *device;  /* of a model: what computed, NULL: not said */
	uint64_t from_epoch; /* of a stream that begins with a later one than 1; else 0 */
};

/* A text that the commands read, "$1" being the first. */
struct replay_input {
	struct js *digest; /* {"bytes", "xxh3_128"}, or {"ids": fingerprint} of an id file;
				    NULL: nothing is known of it */
};

enum { REPLAY_MAX_INPUTS = 9 };

struct replay {
	char *script;	    /* for sh, from the first comment on */
	const char *output; /* the file that it makes: "output.cof" or "output.safetensors" */
	struct replay_input input[REPLAY_MAX_INPUTS];
	unsigned num_inputs;
};

/* Make the script; with `quiet` its programs get -q. Dies, saying why, where the provenance does not
   tell all. */
void replay_make(struct replay *r, const struct replay_source *source, bool quiet);
void replay_release(struct replay *r);

#endif
