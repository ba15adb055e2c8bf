/*
 * opt: one table of options, which parses, prints --help with live defaults and --help-json for
 * programs, feeds `provenance` and writes the completions of shells. Long options may be
 * abbreviated; values follow as "--name value" or "--name=value".
 */
#ifndef OPT_H
#define OPT_H

#include "base/js.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

enum opt_type {
	OPT_T_END,
	OPT_T_FLAG,   /* bool * */
	OPT_T_CHOICE, /* an enum stored as unsigned; names are NULL-terminated; OPT_NO_CHOICE */
	OPT_T_UINT,   /* uint32_t * */
	OPT_T_UINT64, /* uint64_t * */
	OPT_T_REAL,   /* double * */
	OPT_T_STRING, /* const char ** */
	OPT_T_PATH,   /* const char **, never in provenance, never empty */
	OPT_T_PATHS,  /* struct opt_paths *, may be repeated, the same */
	OPT_T_UINTS,  /* struct opt_uints *, "10,50" */
	OPT_T_RANGE   /* struct opt_range *, "LO:HI" */
};

/* No choice has been made, and none is the default. */
#define OPT_NO_CHOICE UINT_MAX

struct opt_paths {
	const char **path;
	unsigned num;
};
enum { OPT_MAX_UINTS = 16 };
struct opt_uints {
	uint32_t value[OPT_MAX_UINTS];
	unsigned num;
};
struct opt_range {
	uint32_t low, high;
	bool given;
};

struct opt {
	enum opt_type type;
	char letter; /* 0: none */
	const char *name;
	void *value;
	uint64_t least, most; /* bounds of a whole number, of each one in a list */
	double min, max;      /* bounds of a real */
	const char *const *choices;
	const char *metavar, *help;
	bool local; /* does not change the output, so not in provenance: --threads, --log, ... */

	/* of a path: it is written; what follows the number, where it begins names of a series; the
	   option whose file, read before, it may replace (claim.h) */
	bool output;
	const char *suffix, *replaces;
};

/* clang-format off */
/* What every option has: letter, name, address of its value, help. */
#define OPT_OF(kind, l, n, v, h) .type = kind, .letter = l, .name = n, .value = v, .help = h

/* A file that is read: OPT_PATH, OPT_PATHS; one that is written: OPT_OUTPUT and its like.
   Letter, name, value; then least and most, or names of choices; then metavar; help. */
#define OPT_FLAG(l, n, v, h)                    { OPT_OF(OPT_T_FLAG, l, n, v, h) }
#define OPT_CHOICE(l, n, v, names, h)           { OPT_OF(OPT_T_CHOICE, l, n, v, h), .choices = names }
#define OPT_UINT(l, n, v, low, high, meta, h)   { OPT_OF(OPT_T_UINT, l, n, v, h), .least = low, .most = high, .metavar = meta }
#define OPT_UINT64(l, n, v, low, high, meta, h) { OPT_OF(OPT_T_UINT64, l, n, v, h), .least = low, .most = high, .metavar = meta }
#define OPT_REAL(l, n, v, low, high, meta, h)   { OPT_OF(OPT_T_REAL, l, n, v, h), .min = low, .max = high, .metavar = meta }
#define OPT_STRING(l, n, v, meta, h)            { OPT_OF(OPT_T_STRING, l, n, v, h), .metavar = meta }
#define OPT_PATH(l, n, v, meta, h)              { OPT_OF(OPT_T_PATH, l, n, v, h), .metavar = meta, .local = true }
#define OPT_PATHS(l, n, v, meta, h)             { OPT_OF(OPT_T_PATHS, l, n, v, h), .metavar = meta, .local = true }
#define OPT_OUTPUT(l, n, v, meta, h)            { OPT_OF(OPT_T_PATH, l, n, v, h), .metavar = meta, .local = true, .output = true }
#define OPT_OUTPUT_SERIES(l, n, v, end, meta, h) { OPT_OF(OPT_T_PATH, l, n, v, h), .metavar = meta, .local = true, .output = true, .suffix = end }
#define OPT_OUTPUT_REPLACING(l, n, v, other, meta, h) { OPT_OF(OPT_T_PATH, l, n, v, h), .metavar = meta, .local = true, .output = true, .replaces = other }
#define OPT_UINTS(l, n, v, low, high, meta, h)  { OPT_OF(OPT_T_UINTS, l, n, v, h), .least = low, .most = high, .metavar = meta }
#define OPT_RANGE(l, n, v, meta, h)             { OPT_OF(OPT_T_RANGE, l, n, v, h), .metavar = meta }
#define OPT_LOCAL_FLAG(l, n, v, h)              { OPT_OF(OPT_T_FLAG, l, n, v, h), .local = true }
#define OPT_LOCAL_REAL(l, n, v, low, high, meta, h) { OPT_OF(OPT_T_REAL, l, n, v, h), .min = low, .max = high, .metavar = meta, .local = true }
#define OPT_LOCAL_STRING(l, n, v, meta, h)      { OPT_OF(OPT_T_STRING, l, n, v, h), .metavar = meta, .local = true }
#define OPT_LOCAL_CHOICE(l, n, v, names, h)     { OPT_OF(OPT_T_CHOICE, l, n, v, h), .choices = names, .local = true }
#define OPT_LOCAL_STRING(l, n, v, meta, h)      { OPT_OF(OPT_T_STRING, l, n, v, h), .metavar = meta, .local = true }
#define OPT_LOCAL_UINT(l, n, v, low, high, meta, h) { OPT_OF(OPT_T_UINT, l, n, v, h), .least = low, .most = high, .metavar = meta, .local = true }
#define OPT_LOCAL_UINT64(l, n, v, low, high, meta, h) { OPT_OF(OPT_T_UINT64, l, n, v, h), .least = low, .most = high, .metavar = meta, .local = true }
#define OPT_END                                 { .type = OPT_T_END }
/* clang-format on */

/* The greatest 64-bit value of an option: provenance stores it as JSON, whose integers end here. */
#define OPT_UINT64_MAX ((uint64_t)INT64_MAX)

enum { OPT_MAX_TABLES = 4, OPT_EXAMPLES = 3 };

struct opt_program {
	const char *name;
	const char *operands; /* "[INPUT]", "[FILE]...", "" */
	int max_operands;     /* -1: any number */
	const char *summary;  /* one sentence */
	const char *reads, *writes;
	bool stdout_is_named; /* standard output is written only as the value of an option: -o - */
	/* Each is run by tests/docs.bats in the folder that it prepares; no line over 78 columns. */
	const char *examples[OPT_EXAMPLES];
	const struct opt *tables[OPT_MAX_TABLES]; /* own options, then those of shared modules */
	const struct opt *apart; /* those of another program's work: not in this one's entry */
};

/*
 * Parse the command line. Every program has -h/--help, --help-json, --version, -q and
 * --completion. Sets the name for die.h. Claims every file that is read or written (claim.h):
 * operands are read, standard input if there are none. Returns the operands, NULL-terminated,
 * borrowed from argv; wrong usage exits 2.
 */
char **opt_parse(int argc, char **argv, const struct opt_program *p);

/* Was the option with this value address on the command line? */
bool opt_given(const void *value);

/* The name by which this program knows it. */
const char *opt_name(const void *value);

/* The name of the first option of a table that was given; NULL: none was. */
const char *opt_first_given(const struct opt *table);

/*
 * This stage's entry for `provenance`: {"program", "version", "options": {...}} with the values of
 * all options that can change the output, defaults included; flags only if set, strings and ranges
 * only if given, whole numbers not below their least value, which stands for "not given", as NaN
 * does for a real.
 */
struct js *opt_provenance(void);

/* The same of another program, whose work this one has done: of its tables, up to NULL, of which
   this program has the values. */
struct js *opt_entry(const char *program, const struct opt *const *tables);

#define COFILTER_VERSION "0.1.0"

#endif
