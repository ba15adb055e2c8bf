/* terminal: what stderr is connected to, and which of the programs that share it has its last line.
   */
#ifndef TERMINAL_H
#define TERMINAL_H

#include <stdbool.h>
#include <stddef.h>

/* Columns of the terminal on stderr, at least 20; 80 where it does not say. */
size_t terminal_columns(void);

/* Is this descriptor a pipe, or a FIFO? */
bool terminal_is_pipe(int descriptor);

/* The first has the greatest right to the line. */
enum terminal_right { TERMINAL_LAST, TERMINAL_MIDDLE, TERMINAL_BEHIND };

/*
 * May this process draw the line now? It keeps the line, against all processes of no greater right,
 * until terminal_give_up or its end. The claim is an advisory lock on the terminal's device: where
 * there are no locks, everyone may.
 */
bool terminal_has_line(enum terminal_right right);
void terminal_give_up(void);

#endif
