/*
 * command: run a command of the user's through the shell and get the one number that it prints.
 *
 * The command has a process group of its own. A signal that ends this program while the command
 * runs (SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, ...) ends the group first: SIGTERM, and SIGKILL
 * where a second signal comes. Then the program's own handler runs, as if there were no command.
 */
#ifndef COMMAND_H
#define COMMAND_H

#include <stdbool.h>
#include <stddef.h>

enum { COMMAND_MAX_OUTPUT = 4096 };

/*
 * Run `sh -c text` with the variables of `set` ("NAME=value", NULL-terminated) in its environment,
 * nothing to read, and our standard error. Its standard output must be one decimal, finite number,
 * blanks and line ends around it allowed. Waits till the command has ended and its output is
 * closed.
 *
 * False, and the reason in `why` (`size` bytes), a clause about the command such as "exit status 3",
 * when it cannot be started, ends with another status than 0 or by a signal, or prints anything
 * else. errno is not set.
 */
bool command_number(
	const char *text, const char *const *set, double *value, char *why, size_t size);

#endif
