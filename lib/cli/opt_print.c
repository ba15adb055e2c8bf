#include "cli/opt_print.h"

#include "base/die.h"
#include "base/mem.h"

#include <ctype.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HELP_COLUMN = 34 };

/* A late write error (`--help` to a full disk) is an error too. */
static _Noreturn void finish(void)
{
	if (fflush(stdout) || ferror(stdout) || fclose(stdout))
		die("cannot write 'standard output':");
	exit(0);
}

char *opt_choices(const struct opt *o, const char *between)
{
	char *s = xstrdup(o->choices[0]);

	for (unsigned k = 1; o->choices[k]; k++) {
		char *longer = xasprintf("%s%s%s", s, between, o->choices[k]);

		free(s);
		s = longer;
	}
	return s;
}

static void print_uints(const struct opt_uints *list)
{
	for (unsigned k = 0; k < list->num; k++)
		printf("%s%u", k ? "," : " [", list->value[k]);
	if (list->num)
		putchar(']');
}

static void print_default(const struct opt *o)
{
	const char *text;

	switch (o->type) {
	case OPT_T_CHOICE:
		printf(" [%s]", o->choices[*(unsigned *)o->value]);
		break;
	case OPT_T_UINT:
		printf(" [%u]", *(uint32_t *)o->value);
		break;
	case OPT_T_UINT64:
		printf(" [%llu]", (unsigned long long)*(uint64_t *)o->value);
		break;
	case OPT_T_REAL:
		if (fabs(*(double *)o->value) < FLT_MAX)
			printf(" [%.15g]", *(double *)o->value);
		break;
	case OPT_T_UINTS:
		print_uints(o->value);
		break;
	case OPT_T_STRING:
	case OPT_T_PATH:
		text = *(const char **)o->value;
		if (text)
			printf(" [%s]", text);
		break;
	default:
		break;
	}
}

static void print_option(const struct opt *o)
{
	char *choices = o->type == OPT_T_CHOICE ? opt_choices(o, "|") : NULL;
	const char *value = choices ? choices : o->metavar;
	int n = printf(o->letter ? "  -%c, " : "      ", o->letter);

	n += printf("--%s%s%s", o->name, value ? " " : "", value ? value : "");
	if (n > HELP_COLUMN - 2)
		n = printf("\n") - 1;
	printf("%*s%s", HELP_COLUMN - n, "", o->help);
	print_default(o);
	if (o->type == OPT_T_PATHS)
		printf(" (may be repeated)");
	putchar('\n');
	free(choices);
}

void opt_print_help(const struct opt_program *p, const struct opt *const *options, unsigned num)
{
	printf("Usage: %s [OPTION]...%s%s\n%s\n\n", p->name, *p->operands ? " " : "", p->operands,
		p->summary);
	printf("Reads:  %s\nWrites: %s\n\nOptions:\n", p->reads, p->writes);
	for (unsigned k = 0; k < num; k++)
		print_option(options[k]);
	printf("\nExample:\n  %s\n", p->example);
	finish();
}

void opt_print_version(const struct opt_program *p)
{
	printf("%s (cofilter) %s\n", p->name, COFILTER_VERSION);
	finish();
}

/* A bash function named after the program, with _ for any other character. */
void opt_print_completion(
	const struct opt_program *p, const struct opt *const *options, unsigned num)
{
	char *function = xstrdup(p->name);

	for (char *c = function; *c; c++)
		if (!isalnum((unsigned char)*c))
			*c = '_';
	printf("_%s()\n{\n\tlocal word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}\n",
		function);
	printf("\tcase $before in\n");
	for (unsigned k = 0; k < num; k++)
		if (options[k]->type == OPT_T_CHOICE) {
			char *choices = opt_choices(options[k], " ");

			printf("\t--%s) mapfile -t COMPREPLY < <(compgen -W '%s' -- \"$word\"); return ;;\n",
				options[k]->name, choices);
			free(choices);
		}
	printf("\tesac\n\tcase $word in\n\t-*) mapfile -t COMPREPLY < <(compgen -W '");
	for (unsigned k = 0; k < num; k++)
		printf("%s--%s", k ? " " : "", options[k]->name);
	printf("' -- \"$word\") ;;\n\tesac\n}\ncomplete -o default -F _%s %s\n", function, p->name);
	finish();
}
