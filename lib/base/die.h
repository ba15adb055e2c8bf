/*
 * die: the one way in which a program says that it cannot go on.
 *
 * A message is one line on stderr, "stage: what failed: why", in lower case, its subject in
 * 'quotes', without a full stop. stdout is left alone. A format that ends in ':' is followed by the
 * text of errno, as in farbfeld.
 */
#ifndef DIE_H
#define DIE_H

#include <stdbool.h>

enum { EXIT_DATA = 1, EXIT_USAGE = 2 };

/* The name at the start of every message; opt_parse sets it. */
void die_set_name(const char *name);
const char *die_name(void);

/* An I/O, data or device error: exit 1. */
_Noreturn void die(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A usage error: the line, then "Try 'stage --help' for more information."; exit 2. */
_Noreturn void die_usage(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A line on stderr; the program goes on. -q silences note(), but not warn(). */
/* in the library under another name, since libc has a function of this one */
void warn(const char *format, ...) __asm__("cofilter_warn") __attribute__((format(printf, 1, 2)));
void note(const char *format, ...) __attribute__((format(printf, 1, 2)));
extern bool die_quiet;	   /* -q */
extern bool die_line_open; /* a progress line is on the terminal: a message clears it first */

/*
 * Where another process is about to find the same fault, say so and end this one: seconds to wait
 * for that before a message that ends the program, while the others are left out. 0: nobody does.
 */
extern unsigned die_delay;

/* A programming error: abort. */
#define BUG(...) die_bug(__FILE__, __LINE__, __VA_ARGS__)
_Noreturn void die_bug(const char *file, int line, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
