/*
 * stream_log: lines that are there to be watched while a program works. They are written in place
 * and at once, also into a regular file.
 *
 * A log is not worth the work it reports: when a line cannot be written, a full disk or a reader
 * that went away, the rest of the log is dropped, and stream_log_close says so at the end.
 */
#ifndef STREAM_LOG_H
#define STREAM_LOG_H

#include <stdint.h>

struct stream_log;

/* "-" is standard output. Of a regular file the first `keep` bytes stay, the rest goes. Dies when it
   cannot be opened, or is claimed otherwise (claim.h). */
struct stream_log *stream_log_open(const char *path, uint64_t keep);

/* Write `line` and a line end. */
void stream_log_line(struct stream_log *log, const char *line);

/* Returns 0, or the errno of what was lost. */
int stream_log_close(struct stream_log *log);

#endif
