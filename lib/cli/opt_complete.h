/* opt_complete: an option table as the completion of a shell, so that none can grow stale. */
#ifndef OPT_COMPLETE_H
#define OPT_COMPLETE_H

#include "cli/opt.h"

enum opt_shell { OPT_BASH, OPT_ZSH, OPT_FISH };

/* To stdout; then exits 0, or 1 if it cannot. A file is completed where an option or an operand is
   one. */
_Noreturn void opt_print_completion(enum opt_shell shell, const struct opt_program *p,
	const struct opt *const *options, unsigned num);

#endif
