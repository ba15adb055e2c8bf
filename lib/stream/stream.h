/*
 * stream: bytes in and out of a stage. Input may be gzip, of one member or several, known by its
 * magic; output is plain. The path "-" or NULL is stdin or stdout.
 */
#ifndef STREAM_H
#define STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct stream_in;

/* Open a file for reading; dies when it cannot. A terminal as input dies with a hint. */
struct stream_in *stream_open(const char *path);

/* Up to `size` bytes into `buffer`: fewer only at the end of the data, 0 at the end. Dies on an I/O
   error, on a damaged or cut gzip member, and on bytes after the last member that are no gzip. */
size_t stream_read(struct stream_in *s, void *buffer, size_t size);

/*
 * Call look(arg, descriptor) whenever the stream is about to read from its descriptor, and when it
 * has found the end there: for a program that has more to wait for than input.
 */
void stream_before_read(struct stream_in *s, void (*look)(void *arg, int descriptor), void *arg);

/*
 * The next bytes without taking them: up to `size`, fewer only at the end of the data. They lie in a
 * buffer of the stream's own and are valid till it is read from again: by the next stream_peek of more
 * bytes than are there, stream_read or stream_line. Byte 4 of what was read for this call, and what
 * lies a multiple of 16 behind it, is aligned to 16 bytes.
 */
const char *stream_peek(struct stream_in *s, size_t size, size_t *got);

/* Take `size` bytes that stream_peek has just shown. */
void stream_skip(struct stream_in *s, size_t size);

/* One line without its end (LF or CRLF) in a buffer of the stream's own, NUL-terminated, valid till
   the next call; *length excludes the NUL and may pass over NULs in the line. NULL at the end. Dies
   when a line is longer than about 1 MiB. For text inputs. */
char *stream_line(struct stream_in *s, size_t *length);

/* The name to quote in messages: the path, or "standard input". */
const char *stream_name(const struct stream_in *s);

/* Bytes handed out so far (after decompression). */
uint64_t stream_offset(const struct stream_in *s);

/* Size of the file in bytes where it is regular and plain, else 0: for progress. */
uint64_t stream_size(const struct stream_in *s);

/* `size` bytes of a file whose stream_size is not 0, from byte `offset` of it on; what is read in
   order does not move. Dies where the file ends before. */
void stream_read_at(struct stream_in *s, uint64_t offset, void *buffer, size_t size);

/* Is the input a regular file? Of anything else nobody knows that it is whole. */
bool stream_is_regular(const struct stream_in *s);

/* Whole gzip members read so far; 0 for plain input. */
uint64_t stream_members(const struct stream_in *s);

void stream_close(struct stream_in *s);

struct stream_out;

/*
 * Open for writing. A regular or new file appears whole or not at all, by stream_commit
 * (whole_file.h). A pipe, a device or a descriptor (/dev/fd/N) is written in place; one that does
 * not block is waited for. Dies where the file is claimed otherwise (claim.h). With `binary` a
 * terminal dies, and a file that takes the messages of standard error too.
 */
struct stream_out *stream_create(const char *path, bool binary);

/* The same answer for standard output ahead of time, for a
   stage that completes other outputs first. */
void stream_check_stdout(void);
void stream_write(struct stream_out *s, const void *data, size_t size);
void stream_printf(struct stream_out *s, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Hand buffered bytes to the system now. */
void stream_flush(struct stream_out *s);
const char *stream_out_name(const struct stream_out *s);

/* Bring all that was written to its place, a file to the disk; nothing may be written after that.
   Whoever has several outputs settles all before the first commit. */
void stream_settle(struct stream_out *s);

/* Settle, close, and let the file appear. Dies on any error, late ones too. */
void stream_commit(struct stream_out *s);

/* For both ends: a pipe of 1 MiB where the system allows it, since a writer and a reader that
   work in bursts then wait less for each other. Any other descriptor stays as it is. */
void stream_widen_pipe(int fd);

#endif
