/* progress: one line on stderr with count, rate and time left; only on a terminal, never with -q. */
#ifndef PROGRESS_H
#define PROGRESS_H

#include <stdint.h>

/* `unit` is plural ("triples"); total 0: unknown. */
void progress_start(const char *unit, uint64_t total);
void progress_at(uint64_t done); /* cheap: looks at the clock once in a while */
void progress_end(void);	 /* clears the line */

/* Seconds of a clock that only runs forward; differences of two calls mean something. */
double now(void);

#endif
