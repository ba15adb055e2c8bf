/* opt_print: what is printed from an option table. Each prints to stdout and exits 0, or 1 if it
   cannot. */
#ifndef OPT_PRINT_H
#define OPT_PRINT_H

#include "cli/opt.h"

_Noreturn void opt_print_help(
	const struct opt_program *p, const struct opt *const *options, unsigned num);
_Noreturn void opt_print_version(const struct opt_program *p);

/* The end of all of them. */
_Noreturn void opt_print_finish(void);

/* The name of the choice made; NULL: none. */
const char *opt_choice(const struct opt *o);

/* The choices of an option joined by `between`, in a new string. */
char *opt_choices(const struct opt *o, const char *between);

#endif
