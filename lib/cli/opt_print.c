#include "cli/opt_print.h"

#include "base/die.h"
#include "base/mem.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HELP_COLUMN = 34, HELP_WIDTH = 79, READS_COLUMN = 8 };

/* A late write error (`--help` to a full disk) is an error too. */
_Noreturn void opt_print_finish(void)
{
	if (fflush(stdout) || ferror(stdout) || fclose(stdout))
		die("cannot write 'standard output':");
	exit(0);
}

const char *opt_choice(const struct opt *o)
{
	const unsigned choice = *(unsigned *)o->value;

	return choice == OPT_NO_CHOICE ? NULL : o->choices[choice];
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

static char *uints_text(const struct opt_uints *list)
{
	char *s = xstrdup("");

	for (unsigned k = 0; k < list->num; k++) {
		char *longer = xasprintf("%s%s%u", s, k ? "," : "", list->value[k]);

		free(s);
		s = longer;
	}
	return s;
}

/* " [VALUE]" in a new string; empty where there is no default. */
static char *default_text(const struct opt *o)
{
	const char *text = NULL;
	uint64_t number = 0;
	char *list, *all;

	switch (o->type) {
	case OPT_T_CHOICE:
		text = opt_choice(o);
		break;
	case OPT_T_STRING:
	case OPT_T_PATH:
		text = *(const char **)o->value;
		break;
	case OPT_T_UINT:
		number = *(uint32_t *)o->value;
		break;
	case OPT_T_UINT64:
		number = *(uint64_t *)o->value;
		break;
	case OPT_T_REAL:
		if (fabs(*(double *)o->value) < FLT_MAX)
			return xasprintf(" [%.15g]", *(double *)o->value);
		break;
	case OPT_T_UINTS:
		list = uints_text(o->value);
		all = *list ? xasprintf(" [%s]", list) : xstrdup("");
		free(list);
		return all;
	default:
		break;
	}
	if (o->type == OPT_T_UINT || o->type == OPT_T_UINT64)
		return number < o->least ? xstrdup("")
					 : xasprintf(" [%llu]", (unsigned long long)number);
	return text ? xasprintf(" [%s]", text) : xstrdup("");
}

/* Print text from column `at` on, in lines of at most HELP_WIDTH columns that go on in `column`, cut
   at blanks, which go, or behind bars. Returns the column behind it. */
static int print_wrapped(const char *text, int at, int column)
{
	for (const char *word = text; *word;) {
		const bool blank = *word == ' ';
		int length;

		word += blank;
		length = (int)strcspn(word, " |");
		length += word[length] == '|';
		if (at > column && at + blank + length > HELP_WIDTH) {
			printf("\n%*s", column, "");
			at = column;
		} else if (blank) {
			at += printf(" ");
		}
		at += printf("%.*s", length, word);
		word += length;
	}
	return at;
}

static void print_option(const struct opt *o)
{
	char *choices = o->type == OPT_T_CHOICE ? opt_choices(o, "|") : NULL;
	const char *value = choices ? choices : o->metavar;
	char *standard = default_text(o);
	char *text = xasprintf(
		"%s%s%s", o->help, standard, o->type == OPT_T_PATHS ? " (may be repeated)" : "");
	int n = printf(o->letter ? "  -%c, " : "      ", o->letter);

	n += printf("--%s", o->name);
	if (value)
		n = print_wrapped(value, n + printf(" "), n + 1);
	if (n > HELP_COLUMN - 2)
		n = printf("\n") - 1;
	printf("%*s", HELP_COLUMN - n, "");
	print_wrapped(text, HELP_COLUMN, HELP_COLUMN);
	putchar('\n');
	free(text);
	free(standard);
	free(choices);
}

static void print_example(const char *example)
{
	for (const char *c = example; *c; c++)
		printf(c == example || c[-1] == '\n' ? "  %c" : "%c", *c);
	putchar('\n');
}

void opt_print_help(const struct opt_program *p, const struct opt *const *options, unsigned num)
{
	printf("Usage: %s [OPTION]...%s%s\n", p->name, *p->operands ? " " : "", p->operands);
	print_wrapped(p->summary, 0, 0);
	printf("\n\nReads:  ");
	print_wrapped(p->reads, READS_COLUMN, READS_COLUMN);
	printf("\nWrites: ");
	print_wrapped(p->writes, READS_COLUMN, READS_COLUMN);
	printf("\n\nOptions:\n");
	for (unsigned k = 0; k < num; k++)
		print_option(options[k]);
	printf("\nExamples:\n");
	for (unsigned k = 0; k < OPT_EXAMPLES && p->examples[k]; k++)
		print_example(p->examples[k]);
	opt_print_finish();
}

void opt_print_version(const struct opt_program *p)
{
	printf("%s (cofilter) %s\n", p->name, COFILTER_VERSION);
	opt_print_finish();
}
