#include "cli/opt_complete.h"

#include "base/mem.h"
#include "cli/opt_print.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a table has beyond the program's name. */
struct table {
	const struct opt *const *options;
	unsigned num;
};

static bool is_file(const struct opt *o)
{
	return o->type == OPT_T_PATH || o->type == OPT_T_PATHS;
}

/* A function named after the program, with _ for any other character; a new string. */
static char *function_name(const char *program)
{
	char *name = xasprintf("_%s", program);

	for (char *c = name; *c; c++)
		if (!isalnum((unsigned char)*c))
			*c = '_';
	return name;
}

static void print_bash(const struct opt_program *p, struct table t)
{
	char *function = function_name(p->name);

	printf("%s()\n{\n\tlocal word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}\n",
		function);
	printf("\tcase $before in\n");
	for (unsigned k = 0; k < t.num; k++) {
		const struct opt *o = t.options[k];

		if (o->type == OPT_T_CHOICE) {
			char *choices = opt_choices(o, " ");

			printf("\t--%s", o->name);
			if (o->letter)
				printf(" | -%c", o->letter);
			printf(") mapfile -t COMPREPLY < <(compgen -W '%s' -- \"$word\"); return ;;\n",
				choices);
			free(choices);
		}
	}
	printf("\tesac\n\tcase $word in\n\t-*) mapfile -t COMPREPLY < <(compgen -W '");
	for (unsigned k = 0; k < t.num; k++)
		printf("%s--%s", k ? " " : "", t.options[k]->name);
	printf("' -- \"$word\") ;;\n\tesac\n}\ncomplete -o default -F %s %s\n", function, p->name);
	free(function);
}

/* Text within single quotes, with a backslash before each of `special`. */
static void print_quoted(const char *text, const char *special)
{
	for (; *text; text++)
		if (*text == '\'')
			printf("'\\''");
		else
			printf(strchr(special, *text) ? "\\%c" : "%c", *text);
}

/* "[help]:value:what completes it", as _arguments has it. */
static void print_zsh_rest(const struct opt *o)
{
	char *choices = o->type == OPT_T_CHOICE ? opt_choices(o, " ") : NULL;

	printf("'[");
	print_quoted(o->help, "[]:\\");
	printf("]");
	if (choices)
		printf(":%s:(%s)", o->name, choices);
	else if (o->type != OPT_T_FLAG)
		printf(":%s:%s", o->metavar, is_file(o) ? "_files" : " ");
	printf("'");
	free(choices);
}

static void print_zsh(const struct opt_program *p, struct table t)
{
	printf("#compdef %s\n_arguments -s", p->name);
	for (unsigned k = 0; k < t.num; k++) {
		const struct opt *o = t.options[k];
		const char *times = o->type == OPT_T_PATHS ? "*" : "";

		printf(" \\\n\t");
		if (o->letter && !*times)
			printf("'(-%c --%s)'{-%c,--%s}", o->letter, o->name, o->letter, o->name);
		else if (o->letter)
			printf("'*'{-%c,--%s}", o->letter, o->name);
		else
			printf("'%s--%s'", times, o->name);
		print_zsh_rest(o);
	}
	printf("%s\n", p->max_operands ? " \\\n\t'*:input:_files'" : "");
}

static void print_fish(const struct opt_program *p, struct table t)
{
	for (unsigned k = 0; k < t.num; k++) {
		const struct opt *o = t.options[k];

		printf("complete -c %s -l %s", p->name, o->name);
		if (o->letter)
			printf(" -s %c", o->letter);
		if (o->type == OPT_T_CHOICE) {
			char *choices = opt_choices(o, " ");

			printf(" -x -a '%s'", choices);
			free(choices);
		} else if (o->type != OPT_T_FLAG) {
			printf(is_file(o) ? " -r -F" : " -x");
		}
		printf(" -d '");
		for (const char *c = o->help; *c; c++)
			printf(*c == '\'' || *c == '\\' ? "\\%c" : "%c", *c);
		printf("'\n");
	}
}

void opt_print_completion(enum opt_shell shell, const struct opt_program *p,
	const struct opt *const *options, unsigned num)
{
	static void (*const print[])(const struct opt_program *, struct table) = {
		[OPT_BASH] = print_bash, [OPT_ZSH] = print_zsh, [OPT_FISH] = print_fish
	};

	print[shell](p, (struct table){ options, num });
	opt_print_finish();
}
