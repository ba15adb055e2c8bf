/* progress: a line on stderr with count, rate and time left; only on a terminal, and not with -q.
   */
#ifndef PROGRESS_H
#define PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

/* `unit` is a plural, such as "triples"; total 0: not known. */
void progress_start(const char *unit, uint64_t total);
void progress_at(uint64_t done); /* cheap: reads the clock only now and then */
bool progress_shown(void);	 /* is somebody looking? Then a note may say more */
void progress_end(void);	 /* clears the line */

/* Seconds of a monotonic clock: only the difference of two calls means something. */
double now(void);

#endif
