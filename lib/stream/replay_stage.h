/*
 * replay_stage: the programs that replay may name, their options, and how values are written for a
 * shell. No text of a header gets past this file unless it is quoted.
 */
#ifndef REPLAY_STAGE_H
#define REPLAY_STAGE_H

#include "base/js.h"

#include <stdbool.h>
#include <stddef.h>

/* A text that grows. */
struct replay_text {
	char *text;
	size_t length, capacity;
};

void replay_text_add(struct replay_text *t, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

struct replay_stage {
	const char *name;
	const char *options; /* "name=default name ...": those that provenance has */
	const char *sides;   /* options that name files */
	bool is_train;	     /* writes a model, with -o */
	bool has_device;
};

/* NULL: not one of them. */
const struct replay_stage *replay_stage_find(const char *program);
bool replay_stage_has_side(const struct replay_stage *stage, const char *option);

/* Append an entry's options, but for those at their default. False, and why, where one is not known
   or has a value that no command line gives; and where the outcome hung on more than options.
   `like`: a stream says the bounds of the text that is read. */
bool replay_put_options(struct replay_text *t, const struct replay_stage *stage,
	const struct js *entry, bool like, char *why, size_t size);

/* Is it cof-cat, reading a text? */
bool replay_reads_text(const struct js *entry);

/* "cpu", "reference" or "cuda", of what a model says. */
const char *replay_device(const char *said);

/* Is it {"bytes", "xxh3_128"} or {"ids": fingerprint}, and nothing that could be anything else? */
bool replay_is_digest(const struct js *v);

#endif
