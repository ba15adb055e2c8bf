/*
 * behind: a thread that finishes pieces of work behind the one who prepares them, one at a time and in
 * order. Two pieces in turn keep both busy.
 */
#ifndef BEHIND_H
#define BEHIND_H

struct behind;

/*
 * Start the thread; dies if it cannot. work(arg, piece) may end the program, and may be ended by
 * SIGPIPE where it writes; all other signals go to the other threads.
 */
struct behind *behind_new(void (*work)(void *arg, void *piece), void *arg);

/* Hand over a piece, when the one before it is finished, which is the caller's again from here on. */
void behind_give(struct behind *b, void *piece);

/* Wait until the last piece is finished; free. */
void behind_free(struct behind *b);

#endif
