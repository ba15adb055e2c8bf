#include "stream/replay_stage.h"

#include "base/die.h"
#include "base/mem.h"
#include "stream/digest.h"
#include "stream/id_family.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_OPTIONS \
	"format=auto header=auto columns delimiter time-format duplicates=latest unknown=add missing=error"
#define TEXT_SIDES    "known-users known-items"
#define FLAGS	      "pairwise pointwise grouped sigmoid-output drop-last all-items ranks bias center"
#define SCORE_OPTIONS "all-items items ranks top"
#define SCORE_SIDES   "seen user-items candidates"

/* tests/replay.bats holds the defaults against those of --help. */
static const struct replay_stage stages[] = {
	{ "cof-import", TEXT_OPTIONS, TEXT_SIDES, false, false },
	{ "ml-split",
		"mode=leave-one-out test-ratio=0.1 min-user=0 min-item=0 seed=1 " TEXT_OPTIONS,
		TEXT_SIDES, false, false },
	{ "binarize", "min-rating", "", false, false },
	{ "negsample",
		"pairwise pointwise grouped negatives=1 epochs=1 sampler=uniform alpha=0.75 "
		"candidates seed=1",
		"exclude", false, false },
	{ "neumf-train",
		"model=neumf factors=8 mlp-factors hidden=32,16,8 loss sigmoid-output optimizer=adam "
		"lr=0.001 weight-decay=0 l2=0 batch-size=256 drop-last init-std=0.01 "
		"dense-init=normal alpha seed=1 precision=fp32 bias margin negative-weight",
		"init-from", true, true },
	{ "ials-train", "factors=64 l2=0.003 l2-exponent=1 unobserved-weight=0.1 epochs=16 seed=1",
		"", true, false },
	{ "neumf-score", SCORE_OPTIONS, "model " SCORE_SIDES, false, true },
	{ "pop-score", SCORE_OPTIONS, "train " SCORE_SIDES, false, false },
	{ "knn-score",
		"similarity=cosine neighbours=20 shrink=10 center alpha=1 beta=0.6 " SCORE_OPTIONS,
		"train model " SCORE_SIDES, false, false },
	{ "ease-score", "l2=200 " SCORE_OPTIONS, "train model " SCORE_SIDES, false, false },
	{ "cof-cat", "from=cof head=0 shard", "FILE", false, false },
};

void replay_text_add(struct replay_text *t, const char *format, ...)
{
	va_list args, again;
	int n;

	va_start(args, format);
	va_copy(again, args);
	n = vsnprintf(NULL, 0, format, args);
	if (n < 0)
		BUG("a format of replay");
	t->text = xgrow(t->text, &t->capacity, t->length + (size_t)n + 1, 1);
	vsnprintf(t->text + t->length, (size_t)n + 1, format, again);
	t->length += (size_t)n;
	va_end(again);
	va_end(args);
}

const struct replay_stage *replay_stage_find(const char *program)
{
	for (size_t k = 0; k < sizeof(stages) / sizeof(*stages); k++)
		if (strcmp(stages[k].name, program) == 0)
			return &stages[k];
	return NULL;
}

/* The word `name`, or "name=...", in a list; NULL: it is not there. */
static const char *find_word(const char *list, const char *name)
{
	const size_t n = strlen(name);

	for (const char *p = list; n && *p; p += strcspn(p, " "), p += *p == ' ')
		if (strncmp(p, name, n) == 0 && strchr("= ", p[n]))
			return p;
	return NULL;
}

bool replay_stage_has_side(const struct replay_stage *stage, const char *option)
{
	return find_word(stage->sides, option) != NULL;
}

static char *number_text(const struct js *v)
{
	int64_t whole;
	double real;

	if (js_int64(v, &whole))
		return xasprintf("%" PRId64, whole);
	return js_number(v, &real) ? xasprintf("%.15g", real) : NULL;
}

/* A value as the command line has it, in a new string; NULL: there is no such value. A range is a
   list of two that only --items has. */
static char *value_text(const char *name, const struct js *v)
{
	const char between = strcmp(name, "items") == 0 ? ':' : ',';
	struct replay_text list = { 0 };

	if (js_text(v))
		return xstrdup(js_text(v));
	if (!js_is_array(v))
		return number_text(v);
	for (size_t k = 0; k < js_length(v); k++) {
		char *number = number_text(js_at(v, k));

		if (!number) {
			free(list.text);
			return NULL;
		}
		if (k > 0)
			replay_text_add(&list, "%c", between);
		replay_text_add(&list, "%s", number);
		free(number);
	}
	return list.text ? list.text : xstrdup("");
}

/* In single quotes, unless it is plain. */
static void put_quoted(struct replay_text *t, const char *value)
{
	static const char plain[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.,:+-";

	if (*value && value[strspn(value, plain)] == '\0') {
		replay_text_add(t, "%s", value);
		return;
	}
	replay_text_add(t, "'");
	for (const char *p = value; *p; p++)
		replay_text_add(t, *p == '\'' ? "'\\''" : "%c", *p);
	replay_text_add(t, "'");
}

static bool is_printable(const char *value)
{
	for (const unsigned char *p = (const unsigned char *)value; *p; p++)
		if ((*p < ' ' && *p != '\t') || *p == 127)
			return false;
	return true;
}

static bool put_option(struct replay_text *t, const char *word, const char *name,
	const struct js *value, char *why, size_t size)
{
	const size_t length = strcspn(word, "= ");
	const char *usual = word[length] == '=' ? word + length + 1 : NULL;
	char *text;

	if (find_word(FLAGS, name)) {
		text = js_dump(value, false);
		if (strcmp(text, "true") == 0)
			replay_text_add(t, " --%s", name);
		free(text);
		return true;
	}
	text = value_text(name, value);
	if (!text || !is_printable(text)) {
		snprintf(why, size, "its --%s has a value that no command line gives", name);
		free(text);
		return false;
	}
	if (!usual || strcspn(usual, " ") != strlen(text) ||
		strncmp(usual, text, strlen(text)) != 0) {
		replay_text_add(t, " --%s ", name);
		put_quoted(t, text);
	}
	free(text);
	return true;
}

/* cof-cat's own: what lines of a text are. */
static bool put_text_options(struct replay_text *t, const struct js *entry, bool like)
{
	const char *kind = js_get_string(entry, "kind");
	uint64_t users, items, epochs;

	if (!kind || !js_get_uint(entry, "users", &users) || !js_get_uint(entry, "items", &items))
		return false;
	replay_text_add(t, " --kind ");
	put_quoted(t, kind);
	if (!like)
		replay_text_add(t, " --users %" PRIu64 " --items %" PRIu64, users, items);
	if (js_get_uint(entry, "epochs", &epochs))
		replay_text_add(t, " --epochs %" PRIu64, epochs);
	return is_printable(kind);
}

/* What options do not say decided. */
static const char *hidden_cause(const struct js *entry)
{
	if (js_get(entry, "on_epoch"))
		return "a command of --on-epoch chose its epoch, and replay runs no commands of a file";
	if (js_get(entry, "stopped"))
		return "its training was stopped by time";
	return NULL;
}

bool replay_put_options(struct replay_text *t, const struct replay_stage *stage,
	const struct js *entry, bool like, char *why, size_t size)
{
	const struct js *options = js_get(entry, "options"), *side = js_get(entry, "side");
	const char *cause = hidden_cause(entry);

	if (cause) {
		snprintf(why, size, "%s", cause);
		return false;
	}
	for (void *it = js_first(options); it; it = js_next(options, it)) {
		const char *name = js_key(it), *word = find_word(stage->options, name);
		char *text = js_dump(js_value(it), false);
		const bool none = strcmp(text, "null") == 0;

		free(text);
		/* what was learned before has settings of its own */
		if (none || js_get(side, name) ||
			(js_get(side, "model") && !find_word(SCORE_OPTIONS, name)))
			continue;
		if (!word) {
			snprintf(why, size, "%s had an option that replay does not know",
				stage->name);
			return false;
		}
		if (!put_option(t, word, name, js_value(it), why, size))
			return false;
	}
	if (strcmp(stage->name, "cof-cat") == 0 && !replay_reads_text(entry))
		replay_text_add(
			t, js_get(entry, "as_whole") ? " --to cof --as-whole" : " --to cof");
	if (replay_reads_text(entry) && !put_text_options(t, entry, like)) {
		snprintf(why, size, "it does not say what the lines of a text are");
		return false;
	}
	return true;
}

bool replay_reads_text(const struct js *entry)
{
	const char *program = js_get_string(entry, "program");
	const char *from = js_get_string(js_get(entry, "options"), "from");

	return program && strcmp(program, "cof-cat") == 0 && from && strcmp(from, "cof") != 0;
}

const char *replay_device(const char *said)
{
	static const char *const known[] = { "reference", "cuda" };

	for (unsigned k = 0; k < 2; k++)
		if (strncmp(said, known[k], strlen(known[k])) == 0)
			return known[k];
	return "cpu";
}

bool replay_is_digest(const struct js *v)
{
	const char *hash = js_get_string(v, "xxh3_128");
	struct id_family family;
	uint64_t bytes;

	if (js_get(v, "ids")) {
		const bool good = id_family_parse(&family, js_get(v, "ids")) && family.num > 0;

		id_family_release(&family);
		return good;
	}
	return js_get_uint(v, "bytes", &bytes) && hash && strlen(hash) == DIGEST_HEX &&
	       hash[strspn(hash, "0123456789abcdef")] == '\0';
}
