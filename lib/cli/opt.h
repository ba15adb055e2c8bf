/*
 * opt: one table of options that parses, prints --help with live defaults, feeds `provenance` and
 * writes the shell completion. Long options may be abbreviated and take "--name value" or
 * "--name=value".
 */
#ifndef OPT_H
#define OPT_H

#include "base/js.h"

#include <stdbool.h>
#include <stdint.h>

enum opt_type {
	OPT_T_END,
	OPT_T_FLAG,   /* bool * */
	OPT_T_CHOICE, /* an enum stored as unsigned; names are NULL-terminated */
	OPT_T_UINT,   /* uint32_t * */
	OPT_T_UINT64, /* uint64_t * */
	OPT_T_REAL,   /* double * */
	OPT_T_STRING, /* const char ** */
	OPT_T_PATH,   /* const char **, never in provenance */
	OPT_T_PATHS,  /* struct opt_paths *, may be repeated, never in provenance */
	OPT_T_UINTS,  /* struct opt_uints *, "10,50" */
	OPT_T_RANGE   /* struct opt_range *, "LO:HI" */
};

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
	uint64_t least, most; /* of whole numbers, of each number of a list */
	double min, max;      /* of reals */
	const char *const *choices;
	const char *metavar, *help;
	bool local; /* does not change the output: not in provenance (--threads, --log, ...) */
};

/* clang-format off */
#define OPT_FLAG(letter, name, value, help) { OPT_T_FLAG, letter, name, value, 0, 0, 0, 0, 0, 0, help, false }
#define OPT_CHOICE(letter, name, value, names, help) { OPT_T_CHOICE, letter, name, value, 0, 0, 0, 0, names, 0, help, false }
#define OPT_UINT(letter, name, value, least, most, metavar, help) { OPT_T_UINT, letter, name, value, least, most, 0, 0, 0, metavar, help, false }
#define OPT_UINT64(letter, name, value, least, most, metavar, help) { OPT_T_UINT64, letter, name, value, least, most, 0, 0, 0, metavar, help, false }
#define OPT_REAL(letter, name, value, min, max, metavar, help) { OPT_T_REAL, letter, name, value, 0, 0, min, max, 0, metavar, help, false }
#define OPT_STRING(letter, name, value, metavar, help) { OPT_T_STRING, letter, name, value, 0, 0, 0, 0, 0, metavar, help, false }
#define OPT_PATH(letter, name, value, metavar, help) { OPT_T_PATH, letter, name, value, 0, 0, 0, 0, 0, metavar, help, true }
#define OPT_PATHS(letter, name, value, metavar, help) { OPT_T_PATHS, letter, name, value, 0, 0, 0, 0, 0, metavar, help, true }
#define OPT_UINTS(letter, name, value, least, most, metavar, help) { OPT_T_UINTS, letter, name, value, least, most, 0, 0, 0, metavar, help, false }
#define OPT_RANGE(letter, name, value, metavar, help) { OPT_T_RANGE, letter, name, value, 0, UINT32_MAX, 0, 0, 0, metavar, help, false }
#define OPT_LOCAL_UINT(letter, name, value, least, most, metavar, help) { OPT_T_UINT, letter, name, value, least, most, 0, 0, 0, metavar, help, true }
#define OPT_LOCAL_CHOICE(letter, name, value, names, help) { OPT_T_CHOICE, letter, name, value, 0, 0, 0, 0, names, 0, help, true }
#define OPT_LOCAL_FLAG(letter, name, value, help) { OPT_T_FLAG, letter, name, value, 0, 0, 0, 0, 0, 0, help, true }
#define OPT_END { OPT_T_END, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, false }
/* clang-format on */

/* The most a whole number of 64 bits may be: provenance holds it as JSON, whose integers end here. */
#define OPT_UINT64_MAX ((uint64_t)INT64_MAX)

enum { OPT_MAX_TABLES = 4 };

struct opt_program {
	const char *name;
	const char *operands; /* "[INPUT]", "[FILE]...", "" */
	int max_operands;     /* -1: any number */
	const char *summary;  /* one sentence */
	const char *reads, *writes;
	const char *example;
	const struct opt *tables[OPT_MAX_TABLES]; /* own options, then those of shared modules */
};

/*
 * Parse the command line. -h/--help, --version, -q and --completion are everybody's. Sets the name
 * for die.h. Returns the operands, NULL-terminated (borrowed from argv); wrong usage exits 2.
 */
char **opt_parse(int argc, char **argv, const struct opt_program *p);

/* Was this option (by the address of its value) on the command line? */
bool opt_given(const void *value);

/*
 * This stage's entry for `provenance`: {"program", "version", "options": {...}} with the value of
 * every option that can change the output, defaults too, but of flags only those set, of strings
 * and ranges only those given; of whole numbers not those below their least value, which stands for
 * "not given".
 */
struct js *opt_provenance(void);

#define COFILTER_VERSION "0.1.0"

#endif
