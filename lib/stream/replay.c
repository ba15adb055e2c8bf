#include "stream/replay.h"

#include "base/die.h"
#include "base/mem.h"
#include "stream/replay_chain.h"
#include "stream/replay_stage.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_STEPS = 1000, MAX_ENTRIES = 100 };

/* A file that some line of the script makes: what it holds, as JSON, and its name. */
struct made {
	char *key, *file;
};

struct maker {
	const struct replay_source *source;
	struct replay *replay;
	bool quiet;
	struct replay_text script;
	struct made *made;
	size_t num_made, capacity;
	char **run; /* keys of the runs of ml-split that a chain needs, with repetitions */
	size_t num_runs, run_capacity;
	unsigned steps;
};

static _Noreturn void refuse(const struct maker *m, const char *format, ...)
{
	char why[256];
	va_list args;

	va_start(args, format);
	vsnprintf(why, sizeof(why), format, args);
	va_end(args);
	die("'%s' cannot be made again: %s", m->source->name, why);
}

static const char *find_made(const struct maker *m, const struct js *chain, size_t n)
{
	char *key = replay_key_of(chain, n);
	const char *file = NULL;

	for (size_t k = 0; k < m->num_made && !file; k++)
		if (strcmp(m->made[k].key, key) == 0)
			file = m->made[k].file;
	free(key);
	return file;
}

static void add_made(struct maker *m, char *key, const char *file)
{
	m->made = xgrow(m->made, &m->capacity, m->num_made + 1, sizeof(*m->made));
	m->made[m->num_made++] = (struct made){ key, xstrdup(file) };
}

static const struct replay_stage *stage_of(const struct maker *m, const struct js *entry)
{
	const char *program = js_get_string(entry, "program");
	const struct replay_stage *stage = program ? replay_stage_find(program) : NULL;

	if (!stage)
		refuse(m, "a stage of its provenance is no program that replay knows");
	return stage;
}

static bool makes_model(const struct maker *m, const struct js *entry)
{
	return stage_of(m, entry)->is_train || replay_is_saved(entry);
}

/* Note which runs of ml-split are needed, of a chain and of the side inputs in it. */
static void count_runs(struct maker *m, const struct js *chain)
{
	for (size_t k = 0; k < js_length(chain); k++) {
		const struct js *entry = js_at(chain, k), *side = js_get(entry, "side");

		if (replay_is_run(entry)) {
			m->run = xgrow(m->run, &m->run_capacity, m->num_runs + 1, sizeof(*m->run));
			m->run[m->num_runs++] = replay_key_of_part(chain, k + 1, NULL);
		}
		for (void *it = js_first(side); it; it = js_next(side, it))
			for (size_t f = 0; f < js_length(js_value(it)); f++)
				count_runs(m, js_at(js_value(it), f));
	}
}

static bool is_shared(const struct maker *m, const char *key)
{
	unsigned found = 0;

	for (size_t k = 0; k < m->num_runs; k++)
		found += strcmp(m->run[k], key) == 0;
	return found > 1;
}

/* "$1" of a text of this digest; NULL: one of which nothing is known. */
static void put_input(struct maker *m, const struct js *digest)
{
	struct replay *r = m->replay;
	unsigned k = 0;

	for (; k < r->num_inputs; k++) {
		char *a = r->input[k].digest ? js_dump(r->input[k].digest, false) : xstrdup("");
		char *b = digest ? js_dump(digest, false) : xstrdup("");
		const bool same = strcmp(a, b) == 0;

		free(a);
		free(b);
		if (same)
			break;
	}
	if (k == REPLAY_MAX_INPUTS)
		refuse(m, "it is made of more than %d texts", REPLAY_MAX_INPUTS);
	if (k == r->num_inputs)
		r->input[r->num_inputs++].digest = digest ? js_copy(digest) : NULL;
	replay_text_add(&m->script, " \"$%u\"", k + 1);
}

static const char *make_chain(struct maker *m, const struct js *chain, const char *output);

/* The files of a side option, made before the line that names them. */
static void make_sides(struct maker *m, const struct js *entry)
{
	const struct js *side = js_get(entry, "side");

	for (void *it = js_first(side); it; it = js_next(side, it)) {
		const struct js *files = js_value(it);

		if (!replay_stage_has_side(stage_of(m, entry), js_key(it)) || !js_is_array(files))
			refuse(m, "a side input of its provenance is none of that program's");
		for (size_t k = 0; k < js_length(files); k++) {
			const struct js *from = js_at(files, k);

			if (js_is_array(from))
				make_chain(m, from, NULL);
			else if (!js_get(from, "ids"))
				refuse(m, "it says nothing of a file of --%s", js_key(it));
		}
	}
}

static void put_sides(struct maker *m, const struct js *entry)
{
	const struct js *side = js_get(entry, "side");

	for (void *it = js_first(side); it; it = js_next(side, it)) {
		const struct js *files = js_value(it);
		const bool operands = strcmp(js_key(it), "FILE") == 0;
		const bool list = strcmp(js_key(it), "init-from") == 0; /* one value for all */

		for (size_t k = 0; k < js_length(files); k++) {
			const struct js *from = js_at(files, k);

			if (list && k > 0)
				replay_text_add(&m->script, ",");
			else if (!operands)
				replay_text_add(&m->script, " --%s", js_key(it));
			if (js_is_array(from))
				replay_text_add(&m->script, "%s%s", list && k > 0 ? "" : " ",
					find_made(m, from, js_length(from)));
			else
				put_input(m, from);
		}
	}
}

/* What a stage reads at the start of a line; `first` of its chain, or behind the file `from`. */
static void put_start(struct maker *m, const struct js *entry, const char *from)
{
	const bool from_text = replay_reads_text(entry);

	if (from && from_text) /* a text with the header of a stream */
		replay_text_add(&m->script, " --like %s", from);
	if (from_text)
		put_input(m, NULL);
	else if (from)
		replay_text_add(&m->script, " <%s", from);
	else if (js_get(entry, "input"))
		put_input(m, js_get(entry, "input"));
	else if (!replay_is_start(entry))
		refuse(m, "its first stage, %s, read records of which nothing is said",
			stage_of(m, entry)->name);
}

/* `like`: a stream lends its header to the text that the stage reads. */
static void put_stage(struct maker *m, const struct js *entry, bool like)
{
	const struct replay_stage *stage = stage_of(m, entry);
	char why[200];

	replay_text_add(&m->script, "%s%s", stage->name, m->quiet ? " -q" : "");
	if (!replay_put_options(&m->script, stage, entry, like, why, sizeof(why)))
		refuse(m, "%s", why);
	if (stage->has_device)
		replay_text_add(&m->script, " --device %s",
			m->source->device ? replay_device(m->source->device) : "cpu");
	put_sides(m, entry);
}

/* A line: the stages of `chain` from `first` to `end`, reading `from` (NULL: a text, or operands). */
static void put_line(
	struct maker *m, const struct js *chain, size_t first, size_t end, const char *from)
{
	for (size_t k = first; k < end; k++) {
		if (k > first)
			replay_text_add(&m->script, " |\n    ");
		put_stage(m, js_at(chain, k), from != NULL);
		if (k == first)
			put_start(m, js_at(chain, k), from);
		else if (replay_reads_text(js_at(chain, k)) || replay_is_start(js_at(chain, k)))
			refuse(m, "a stage behind another one reads something else");
		if (replay_is_run(js_at(chain, k)) && k + 1 < end)
			replay_text_add(&m->script, " --test /dev/null%s",
				js_get(js_at(chain, k), "valid") ? " --valid /dev/null" : "");
	}
}

/* The entry of `chain` with which a line begins, and the file that it reads. */
static size_t find_start(
	const struct maker *m, const struct js *chain, size_t end, const char **from)
{
	size_t k = end;

	*from = NULL;
	while (k > 0 && !(*from = find_made(m, chain, k)) && !replay_is_start(js_at(chain, k - 1)))
		k--;
	return *from || k == 0 ? k : k - 1;
}

static void next_step(struct maker *m)
{
	if (++m->steps > MAX_STEPS)
		refuse(m, "it has more than %d steps", MAX_STEPS);
}

/* Run ml-split, the n-th entry of the chain, for all of its parts. */
static void make_run(struct maker *m, const struct js *chain, size_t n)
{
	static const char *const parts[] = { NULL, "test", "valid" };
	const bool has_valid = js_get(js_at(chain, n - 1), "valid") != NULL;
	const char *from;
	const size_t first = find_start(m, chain, n - 1, &from);

	next_step(m);
	put_line(m, chain, first, n, from);
	replay_text_add(&m->script, " --test test-%u.cof", m->steps);
	if (has_valid)
		replay_text_add(&m->script, " --valid valid-%u.cof", m->steps);
	replay_text_add(&m->script, " >train-%u.cof\n", m->steps);
	for (unsigned p = 0; p < 2 + (unsigned)has_valid; p++) {
		char file[32];

		snprintf(file, sizeof(file), "%s-%u.cof", parts[p] ? parts[p] : "train", m->steps);
		add_made(m, replay_key_of_part(chain, n, parts[p]), file);
	}
}

/* The side inputs of the chain, and the runs of ml-split that must be files: their test or valid part
   is wanted, or more than one chain begins there. */
static void make_before(struct maker *m, const struct js *chain)
{
	size_t start = js_length(chain);

	while (start > 0 && !replay_is_start(js_at(chain, start - 1)))
		start--;
	for (size_t k = start ? start - 1 : 0; k < js_length(chain); k++) {
		const struct js *entry = js_at(chain, k);
		char *key;

		stage_of(m, entry);
		make_sides(m, entry);
		if (k > 0 && replay_reads_text(entry)) { /* the stream that lends its header */
			struct js *like = replay_first_entries(chain, k);

			make_chain(m, like, NULL);
			js_free(like);
		}
		if (!replay_is_run(entry) || find_made(m, chain, k + 1))
			continue;
		key = replay_key_of_part(chain, k + 1, NULL);
		if (js_get(entry, "part") || k + 1 == js_length(chain) || is_shared(m, key))
			make_run(m, chain, k + 1);
		free(key);
	}
}

/* Make what the chain ends with, into `output` (NULL: a name of its own); returns the file. */
static const char *make_chain(struct maker *m, const struct js *chain, const char *output)
{
	const size_t n = js_length(chain);
	const char *made = n ? find_made(m, chain, n) : NULL, *from;
	const struct js *last;
	char name[32];
	size_t first;

	if (n == 0)
		refuse(m, "it says nothing of where it, or a side input, came from");
	if (n > MAX_ENTRIES)
		refuse(m, "its provenance, or that of a side input, has more than %d entries",
			MAX_ENTRIES);
	if (!made) {
		make_before(m, chain);
		made = find_made(m, chain, n);
	}
	if (made && output)
		replay_text_add(&m->script, "mv %s %s\n", made, output);
	if (made)
		return made;
	next_step(m);
	last = js_at(chain, n - 1);
	snprintf(name, sizeof(name), "step-%u.%s", m->steps,
		makes_model(m, last) ? "safetensors" : "cof");
	first = find_start(m, chain, n, &from);
	put_line(m, chain, first, n, from);
	if (output && m->source->from_epoch > 1)
		replay_text_add(&m->script, " --from-epoch %" PRIu64, m->source->from_epoch);
	replay_text_add(&m->script, " %s%s\n",
		replay_is_saved(last)  ? "--save-model "
		: makes_model(m, last) ? "-o "
				       : ">",
		output ? output : name);
	add_made(m, replay_key_of(chain, n), output ? output : name);
	return m->made[m->num_made - 1].file;
}

/* The comment above the commands, with what each argument is. */
static char *with_head(const struct replay *r, const char *commands)
{
	struct replay_text head = { 0 };
	char *all;

	replay_text_add(&head, "# sh, in an empty folder; makes %s\n", r->output);
	for (unsigned k = 0; k < r->num_inputs; k++) {
		const struct js *digest = r->input[k].digest;
		char *text = digest ? js_dump(digest, false) : xstrdup("a text, not known which");

		replay_text_add(&head, "# $%u: %s\n", k + 1, text);
		free(text);
	}
	all = xasprintf("%sset -eu\n%s", head.text, commands);
	free(head.text);
	return all;
}

static void check_inputs(const struct maker *m)
{
	for (unsigned k = 0; k < m->replay->num_inputs; k++) {
		const struct js *digest = m->replay->input[k].digest;

		if (digest && !replay_is_digest(digest))
			refuse(m, "what it says of a text is no digest");
	}
}

void replay_make(struct replay *r, const struct replay_source *source, bool quiet)
{
	struct maker m = { .source = source, .replay = r, .quiet = quiet };
	const size_t n = js_length(source->provenance);

	*r = (struct replay){ .output = source->is_model ? "output.safetensors" : "output.cof" };
	if (n == 0)
		refuse(&m, "it says nothing of how it came about");
	if (makes_model(&m, js_at(source->provenance, n - 1)) != source->is_model)
		refuse(&m, "the last stage of its provenance does not write such a file");
	if (source->from_epoch > 1 &&
		strcmp(stage_of(&m, js_at(source->provenance, n - 1))->name, "negsample") != 0)
		refuse(&m, "it begins with a later epoch than the first");
	count_runs(&m, source->provenance);
	make_chain(&m, source->provenance, r->output);
	check_inputs(&m);
	r->script = with_head(r, m.script.text);
	for (size_t k = 0; k < m.num_made; k++) {
		free(m.made[k].key);
		free(m.made[k].file);
	}
	for (size_t k = 0; k < m.num_runs; k++)
		free(m.run[k]);
	free(m.made);
	free(m.run);
	free(m.script.text);
}

void replay_release(struct replay *r)
{
	for (unsigned k = 0; k < r->num_inputs; k++)
		js_free(r->input[k].digest);
	free(r->script);
}
