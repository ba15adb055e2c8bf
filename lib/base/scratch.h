/*
 * scratch: a file for what does not fit memory. It has no name, so nothing is left of it however the
 * program ends; it lies in $TMPDIR, else in /tmp. Errors die and name that folder.
 */
#ifndef SCRATCH_H
#define SCRATCH_H

#include <stddef.h>
#include <stdint.h>

struct scratch;

struct scratch *scratch_new(void);
void scratch_free(struct scratch *s);

/* Bytes written so far. */
uint64_t scratch_size(const struct scratch *s);

/* Take the room for `size` bytes now, where the file system can: dies where there is none. */
void scratch_reserve(struct scratch *s, uint64_t size);

/* Give up what was written: the next bytes are the first again. */
void scratch_rewind(struct scratch *s);

/* Its descriptor, for who reads the file by that: /proc/PID/fd/N. */
int scratch_fd(const struct scratch *s);

/* Append `size` bytes. */
void scratch_append(struct scratch *s, const void *data, size_t size);

/* `size` bytes from `offset` on; all of them must have been written. */
void scratch_read(const struct scratch *s, uint64_t offset, void *data, size_t size);

#endif
