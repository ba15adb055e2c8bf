#include "cli/opt.h"

#include "base/die.h"
#include "base/mem.h"
#include "base/number.h"
#include "cli/opt_complete.h"
#include "cli/opt_json.h"
#include "cli/opt_print.h"
#include "stream/claim.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_OPTIONS = 64, FIRST_LONG = 256 };

static const char *const shell_names[] = { "bash", "zsh", "fish", NULL };
static bool quiet, help, help_json, version;
static unsigned shell = OPT_NO_CHOICE;

static const struct opt standard_options[] = {
	OPT_LOCAL_FLAG('q', "quiet", &quiet, "no progress, no notes"),
	OPT_LOCAL_FLAG('h', "help", &help, "print this help"),
	OPT_LOCAL_FLAG(0, "help-json", &help_json, "print it as JSON, for programs"),
	OPT_LOCAL_FLAG(0, "version", &version, "print the version"),
	OPT_LOCAL_CHOICE(0, "completion", &shell, shell_names, "print the completion for a shell"),
	OPT_END,
};

/* What opt_parse found; there is one command line per process. */
static struct {
	const struct opt_program *program;
	const struct opt *all[MAX_OPTIONS]; /* the tables and standard_options in one list */
	bool given[MAX_OPTIONS];
	unsigned num;
} state;

static void collect(const struct opt *table)
{
	for (; table && table->type != OPT_T_END; table++) {
		if (state.num == MAX_OPTIONS)
			BUG("more than %d options", MAX_OPTIONS);
		state.all[state.num++] = table;
	}
}

static uint64_t parse_uint(const struct opt *o, const char *text)
{
	uint64_t v;

	if (!number_parse_uint(text, o->least, o->most, &v))
		die_usage("option --%s: '%s' is not a whole number from %llu to %llu", o->name,
			text, (unsigned long long)o->least, (unsigned long long)o->most);
	return v;
}

static void parse_choice(const struct opt *o, const char *text)
{
	for (unsigned k = 0; o->choices[k]; k++)
		if (!strcmp(text, o->choices[k])) {
			*(unsigned *)o->value = k;
			return;
		}
	die_usage("option --%s: '%s' is not one of %s", o->name, text, opt_choices(o, ", "));
}

static void parse_uints(const struct opt *o, const char *text)
{
	struct opt_uints *list = o->value;
	char *copy = xstrdup(text), *rest = copy, *comma;

	for (list->num = 0; rest; rest = comma) {
		comma = strchr(rest, ',');
		if (comma)
			*comma++ = '\0';
		if (list->num == OPT_MAX_UINTS)
			die_usage("option --%s: more than %d numbers in '%s'", o->name,
				OPT_MAX_UINTS, text);
		list->value[list->num++] = (uint32_t)parse_uint(o, rest);
	}
	free(copy);
}

static void parse_range(const struct opt *o, const char *text)
{
	struct opt_range *range = o->value;
	char *copy = xstrdup(text), *colon = strchr(copy, ':');
	uint64_t low, high;

	if (colon)
		*colon = '\0';
	if (!colon || !number_parse_uint(copy, 0, UINT32_MAX, &low) ||
		!number_parse_uint(colon + 1, 0, UINT32_MAX, &high) || low >= high)
		die_usage("option --%s: '%s' is not a range LO:HI with LO below HI", o->name, text);
	*range = (struct opt_range){ (uint32_t)low, (uint32_t)high, true };
	free(copy);
}

static void parse_value(const struct opt *o, const char *text)
{
	struct opt_paths *paths = o->value;

	if ((o->type == OPT_T_PATH || o->type == OPT_T_PATHS) && !*text)
		die_usage("option --%s: the name is empty", o->name);
	switch (o->type) {
	case OPT_T_FLAG:
		*(bool *)o->value = true;
		break;
	case OPT_T_CHOICE:
		parse_choice(o, text);
		break;
	case OPT_T_UINT:
		*(uint32_t *)o->value = (uint32_t)parse_uint(o, text);
		break;
	case OPT_T_UINT64:
		*(uint64_t *)o->value = parse_uint(o, text);
		break;
	case OPT_T_REAL:
		if (!number_parse_real(text, o->min, o->max, o->value))
			die_usage("option --%s: '%s' is not a number from %g to %g", o->name, text,
				o->min, o->max);
		break;
	case OPT_T_STRING:
	case OPT_T_PATH:
		*(const char **)o->value = text;
		break;
	case OPT_T_PATHS:
		paths->path = xrealloc(paths->path, paths->num + 1, sizeof(*paths->path));
		paths->path[paths->num++] = text;
		break;
	case OPT_T_UINTS:
		parse_uints(o, text);
		break;
	case OPT_T_RANGE:
		parse_range(o, text);
		break;
	case OPT_T_END:
		BUG("end of table");
	}
}

/* The tables as getopt_long wants them: it returns FIRST_LONG + k for the name of option k. */
static void getopt_tables(struct option *longs, char *shorts)
{
	*shorts++ = ':'; /* a missing value is told apart from an unknown option */
	for (unsigned k = 0; k < state.num; k++) {
		const struct opt *o = state.all[k];
		bool has_value = o->type != OPT_T_FLAG;

		longs[k] = (struct option){ o->name, has_value ? required_argument : no_argument,
			NULL, FIRST_LONG + (int)k };
		if (o->letter)
			*shorts++ = o->letter;
		if (o->letter && has_value)
			*shorts++ = ':';
	}
	*shorts = '\0';
	longs[state.num] = (struct option){ 0 };
}

static unsigned option_number(int found)
{
	unsigned k;

	if (found >= FIRST_LONG)
		return (unsigned)(found - FIRST_LONG);
	for (k = 0; state.all[k]->letter != found; k++)
		;
	return k;
}

static void parse_options(int argc, char **argv)
{
	struct option longs[MAX_OPTIONS + 1];
	char shorts[2 * MAX_OPTIONS + 2];
	int found;
	unsigned k;

	getopt_tables(longs, shorts);
	opterr = 0;
	while ((found = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
		const char *word = argv[optind - 1];

		if (found == ':')
			die_usage("option '%s' needs a value", word);
		if (found == '?' && optopt && optopt < FIRST_LONG)
			die_usage("unknown option '-%c'", optopt);
		if (found == '?')
			die_usage("unknown or ambiguous option '%s'%s", word,
				optopt ? ", or it takes no value" : "");
		k = option_number(found);
		state.given[k] = true;
		parse_value(state.all[k], optarg);
	}
}

/* A file opened later must not take the place of a closed stdin, stdout or stderr: messages would
   go into it. */
static void hold_standard_descriptors(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 &&
			open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
			exit(EXIT_DATA);
}

static void claim_option(const struct opt *o)
{
	const struct claim_for what = { o->output ? CLAIM_WRITE : CLAIM_READ, o->name, o->replaces,
		o->suffix };
	const struct opt_paths *paths = o->value;
	const char *const *path = o->value;

	if (o->type == OPT_T_PATH && *path)
		claim_file(*path, what);
	for (unsigned k = 0; o->type == OPT_T_PATHS && k < paths->num; k++)
		claim_file(paths->path[k], what);
}

/* Inputs come first: what is in the way of another is named as the output. */
static void claim_files(const struct opt_program *p, char **operands)
{
	const struct claim_for input = { .use = CLAIM_READ }, output = { .use = CLAIM_WRITE };

	if (!*operands && p->max_operands != 0)
		claim_file("-", input);
	for (; *operands; operands++) {
		if (!**operands)
			die_usage("the name of an input is empty");
		claim_file(*operands, input);
	}
	for (unsigned k = 0; k < state.num; k++)
		if (!state.all[k]->output)
			claim_option(state.all[k]);
	if (!p->stdout_is_named)
		claim_file("-", output);
	for (unsigned k = 0; k < state.num; k++)
		if (state.all[k]->output)
			claim_option(state.all[k]);
}

char **opt_parse(int argc, char **argv, const struct opt_program *p)
{
	hold_standard_descriptors();
	die_set_name(p->name);
	state.program = p;
	for (int t = 0; t < OPT_MAX_TABLES; t++)
		collect(p->tables[t]);
	collect(p->apart);
	collect(standard_options);
	if (argc < 1)
		die_usage("no program name");
	parse_options(argc, argv);
	if (help)
		opt_print_help(p, state.all, state.num);
	if (help_json)
		opt_print_json(p, state.all, state.num);
	if (version)
		opt_print_version(p);
	if (shell != OPT_NO_CHOICE)
		opt_print_completion((enum opt_shell)shell, p, state.all, state.num);
	die_quiet = quiet;
	if (p->max_operands >= 0 && argc - optind > p->max_operands)
		die_usage("too many operands: '%s'", argv[optind + p->max_operands]);
	claim_files(p, argv + optind);
	return argv + optind;
}

static unsigned number_of(const void *value)
{
	for (unsigned k = 0; k < state.num; k++)
		if (state.all[k]->value == value)
			return k;
	BUG("not an option's value");
}

bool opt_given(const void *value)
{
	return state.given[number_of(value)];
}

const char *opt_name(const void *value)
{
	return state.all[number_of(value)]->name;
}

const char *opt_first_given(const struct opt *table)
{
	for (; table->type != OPT_T_END; table++)
		if (opt_given(table->value))
			return table->name;
	return NULL;
}

static void put_values(struct js *values, const struct opt *table)
{
	for (const struct opt *o = table; o->type != OPT_T_END; o++) {
		struct js *v;

		if (o->local || (o->type == OPT_T_STRING && !opt_given(o->value)))
			continue;
		if ((v = opt_value_json(o)))
			js_put(values, o->name, v);
	}
}

struct js *opt_entry(const char *program, const struct opt *const *tables)
{
	struct js *entry = js_object(), *values = js_object();

	js_put(entry, "program", js_string(program));
	js_put(entry, "version", js_string(COFILTER_VERSION));
	for (; *tables; tables++)
		put_values(values, *tables);
	js_put(entry, "options", values);
	return entry;
}

struct js *opt_provenance(void)
{
	const struct opt *tables[OPT_MAX_TABLES + 1] = { NULL };

	memcpy(tables, state.program->tables, sizeof(state.program->tables));
	return opt_entry(state.program->name, tables);
}
