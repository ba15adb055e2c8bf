/*
 * progress: a line on stderr with count, rate and time left; only on a terminal, and not with -q.
 * It is never wider than the terminal, and written at one go.
 *
 * The stages of a pipe share a terminal, and one of them has the line: best, the last one where it
 * knows how much there is to do; else one that writes into a pipe; else one that reads from it an
 * unknown number of rows. Stages of equal right do not take it from each other.
 */
#ifndef PROGRESS_H
#define PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* `unit` is a plural, such as "triples"; total 0: not known. */
void progress_start(const char *unit, uint64_t total);
void progress_at(uint64_t done);   /* cheap: reads the clock only now and then */
void progress_skip(uint64_t done); /* so much was done before: it counts, but not for the rate */
void progress_end(void);	   /* clears the line */

/* Until progress_end the line shows this text in the place of the count. `text` starts empty; what
   does not fit into `size` is cut. Who has something to tell comes first on a shared terminal. */
typedef void progress_teller(void *arg, char *text, size_t size);
void progress_tell(progress_teller *teller, void *arg);

/* How a number of rows, or rows a second, and a time are written: "0.25", "990", "12.3 k", "4.56
   M"; "4.2 s", "42 s", "17 min", "2.2 h". Both return `text`. */
enum { PROGRESS_NUMBER = 32 };
char *progress_count(double count, char text[PROGRESS_NUMBER]);
char *progress_time(double seconds, char text[PROGRESS_NUMBER]);

#endif
