/*
 * claim: no output of a run is an input, or another output, of the same run, by whatever name.
 *
 * Every file that is read or written is claimed first. Two claims, at least one of them for writing,
 * on one file are wrong usage. Files are compared as the system does: by device and inode; where
 * there is no file yet, by the inode of the folder and the name in it; what is not a name (standard
 * output, /dev/fd/3), by descriptor. Links, symbolic or hard, folders under two names and
 * redirections make no difference.
 *
 * Not compared: character devices (/dev/null and terminals take everything), and a socket that is
 * both read and written, which has two directions. Messages go to standard error: a claim for
 * writing must not be a regular file that standard error is too, except by its descriptor.
 *
 * The stages claim what the command line names in opt_parse, before anything is opened; names that
 * come up later are claimed by stream_open and stream_create, for as long as they are open.
 */
#ifndef CLAIM_H
#define CLAIM_H

#include <stdbool.h>
#include <stdint.h>

enum claim_use { CLAIM_READ, CLAIM_WRITE };

/* What a file is claimed for. */
struct claim_for {
	enum claim_use use;
	const char *option;   /* "log" of --log; NULL: an operand, or standard input or output */
	const char *replaces; /* an option whose file it may replace, since that is read before */
	const char *suffix;   /* the path begins names, claim_series_name, that end in this */
};

/*
 * Claim a file for the whole run; "-" is standard input or output. Dies with wrong usage, naming
 * both, where another claim is in the way. The strings are borrowed.
 */
void claim_file(const char *path, struct claim_for what);

/*
 * The same until claim_end, for a file that is about to be opened. What is claimed for the run is
 * its owner's, and passes. Returns what claim_end takes.
 */
int claim_begin(const char *path, enum claim_use use);
void claim_end(int claim);

/* Name `number` of the series "PREFIX-0001SUFFIX", "PREFIX-0002SUFFIX" ...; malloc'ed. */
char *claim_series_name(const char *prefix, uint64_t number, const char *suffix);

/* Dies where `fd` and standard error are one regular file: messages would stand among records. */
void claim_check_messages(int fd, const char *name);

#endif
