/* clock: how long something took. */
#ifndef CLOCK_H
#define CLOCK_H

/* Seconds of a monotonic clock: only the difference of two calls means something. */
double now(void);

#endif
