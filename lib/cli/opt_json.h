/* opt_json: option tables as JSON: the values that go into `provenance`, and what a program needs to
   know to call another one. */
#ifndef OPT_JSON_H
#define OPT_JSON_H

#include "cli/opt.h"

/* The value that the option has now; NULL: none, or a flag that is not set, or a path. */
struct js *opt_value_json(const struct opt *o);

/*
 * --help-json on stdout, then exit 0, or 1 if it cannot:
 *   {"name", "version", "summary", "operands", "max_operands" (null: any), "reads", "writes",
 *    "options": [...], "examples": [...]}, an option being {"name", "letter", "type", "metavar",
 *    "default", "least", "most", "choices", "repeats", "file", "provenance", "help"}.
 * letter, metavar, default, bounds and choices are null where there are none. type: flag, choice,
 * integer, real, string, path, integers ("10,50"), range ("LO:HI"). file: "read", "write", or null.
 * provenance: does the value go there? What does not is a file, or changes nothing, or shows in the
 * rest of the header.
 */
_Noreturn void opt_print_json(
	const struct opt_program *p, const struct opt *const *options, unsigned num);

#endif
