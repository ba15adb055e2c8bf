/*
 * Options: a command line, its words separated by line ends, against a table with each type of
 * option. The source is included for the state that opt_parse, made for one command line, keeps.
 */
#include "cli/opt.c"

#include "fuzz.h"

enum { MAX_WORDS = 32 };

static const char *const choices[] = { "one", "other", NULL };

static struct values {
	unsigned choice;
	bool flag;
	uint32_t number;
	uint64_t large;
	double real;
	const char *string, *path;
	struct opt_paths paths;
	struct opt_uints numbers;
	struct opt_range range;
} values;

/* clang-format off */
static const struct opt options[] = {
	OPT_CHOICE('c', "choice", &values.choice, choices, ""),
	OPT_FLAG('f', "flag", &values.flag, ""),
	OPT_UINT('n', "number", &values.number, 1, 1000, "N", ""),
	OPT_UINT64('l', "large", &values.large, 0, OPT_UINT64_MAX, "N", ""),
	OPT_REAL('r', "real", &values.real, -1, 1e30, "R", ""),
	OPT_STRING(0, "string", &values.string, "S", ""),
	OPT_PATH('p', "path", &values.path, "P", ""),
	OPT_PATHS(0, "paths", &values.paths, "P", ""),
	OPT_UINTS(0, "numbers", &values.numbers, 1, 100, "A,B", ""),
	OPT_RANGE(0, "range", &values.range, "LO:HI", ""),
	OPT_END
};
/* clang-format on */

static const struct opt_program program = { .name = "fuzz" };
static char text[8192];

static void parse(const char *path)
{
	char *words[MAX_WORDS + 2] = { "fuzz" }, *rest = text;
	int n = 1;

	(void)path;
	while (rest && n <= MAX_WORDS) {
		words[n++] = rest;
		rest = strchr(rest, '\n');
		if (rest)
			*rest++ = '\0';
	}
	parse_options(n, words);
	struct js *entry = opt_provenance();
	free(js_dump(entry, false));
	js_free(entry);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!size || size >= sizeof(text))
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	memset(&values, 0, sizeof(values));
	memset(&state, 0, sizeof(state));
	state.program = &program;
	collect(options);
	collect(standard_options);
	optind = 0; /* getopt begins anew */
	return fuzz_run(data, size, parse);
}
