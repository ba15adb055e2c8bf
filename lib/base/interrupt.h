/*
 * interrupt: signals that ask a program to end, kept until it can end well. SIGTERM, SIGINT and
 * SIGUSR1 (batch systems send it ahead of the end); one that is ignored stays ignored.
 */
#ifndef INTERRUPT_H
#define INTERRUPT_H

/* Keep these signals from now on. To be called once. */
void interrupt_watch(void);

/* If they are kept: from now on they do again what they did before. */
void interrupt_release(void);

/* The signal that came first, 0: none has come. Cheap. */
int interrupt_signal(void);

/* "SIGTERM" */
const char *interrupt_name(int number);

/* Wait until reading from `fd` would not block, or a signal has come, and answer as
   interrupt_signal. */
int interrupt_wait(int fd);

#endif
