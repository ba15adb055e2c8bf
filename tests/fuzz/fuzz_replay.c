/*
 * Replay: a provenance, as JSON, becomes a script. Whatever it says, the script has nothing for the
 * shell but what replay writes: outside of quotes there are words of plain characters, and the few
 * marks of its own; and a line begins with a program of the table.
 */
#include "base/die.h"
#include "base/js.h"
#include "stream/replay.h"
#include "stream/replay_stage.h"

#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char text[65536];
static size_t length;

/* Is it the first word of a line: a program, or one of the words of replay itself? */
static void check_word(const char *line)
{
	char word[32];

	if (sscanf(line, "%31s", word) != 1 || !strcmp(word, "set") || !strcmp(word, "mv"))
		return;
	if (!replay_stage_find(word))
		BUG("a line of the script begins with another word");
}

static void check_script(const char *script)
{
	static const char plain[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.,:+- \n|<>/";
	bool comment = true;

	for (const char *p = script; *p; p++) {
		if (p == script || p[-1] == '\n') {
			comment = *p == '#';
			if (!comment)
				check_word(p);
		}
		if (comment)
			continue;
		if (*p == '\'') {
			p = strchr(p + 1, '\'');
			if (!p)
				BUG("a quote without an end");
		} else if (*p == '"') { /* "$1" */
			if (p[1] != '$' || p[2] < '1' || p[2] > '9' || p[3] != '"')
				BUG("double quotes of something else");
			p += 3;
		} else if (*p == '\\' && p[1] == '\'') { /* between two quoted parts */
			p++;
		} else if (!strchr(plain, *p)) {
			BUG("a character that a shell might take for more");
		}
	}
}

static void make(const char *path)
{
	char why[200];
	struct js *provenance = js_parse(text, length, why, sizeof(why));
	struct replay r;

	(void)path;
	for (unsigned model = 0; provenance && model < 2; model++) {
		const struct replay_source source = { "fuzz", provenance, model == 1, NULL, 0 };
		const struct js *last = js_at(provenance, js_length(provenance) - 1);
		const char *program = js_get_string(last, "program");
		const struct replay_stage *stage = program ? replay_stage_find(program) : NULL;

		if (!stage || stage->is_train != (model == 1))
			continue;
		replay_make(&r, &source, true);
		check_script(r.script);
		replay_release(&r);
	}
	js_free(provenance);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!size || size >= sizeof(text))
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	length = size;
	return fuzz_run(data, size, make);
}
