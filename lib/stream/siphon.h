/*
 * siphon: read from a pipe without keeping its writer waiting.
 *
 * The system lets only one side of a pipe copy at a time, and the other spins meanwhile. A siphon
 * takes all that waits in the pipe at one go, without a copy, into a pipe of its own, and reads from
 * there: the writer goes on at once. Linux; elsewhere, and of what is no pipe, there is none.
 */
#ifndef SIPHON_H
#define SIPHON_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct siphon;

/* For reading from `fd`, borrowed; NULL: it is no pipe, or the system gives no other. */
struct siphon *siphon_new(int fd);
void siphon_free(struct siphon *s); /* also NULL */

/* Has it bytes that were taken and not yet read? Else the next read may wait for the writer. */
bool siphon_holds(const struct siphon *s);

/* As read(2) from the pipe. */
ssize_t siphon_read(struct siphon *s, void *buffer, size_t size);

#endif
