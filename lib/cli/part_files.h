/*
 * part_files: files of a stage that are complete before its first byte on standard output.
 *
 * They are opened before anything is read, all are written before the first appears, so that one
 * that fails leaves the others as they were. A pipe is opened, written and completed in its turn,
 * since its reader may read one after the other.
 */
#ifndef PART_FILES_H
#define PART_FILES_H

#include <stdbool.h>

struct stream_out;

struct part_file {
	const char *path; /* NULL: not asked for */
	int what;	  /* the caller's */
	bool binary;
	struct stream_out *out;
};

void part_files_open(struct part_file *files, unsigned num);

/* `write` writes one to its `out`, and does not complete it. */
void part_files_write(struct part_file *files, unsigned num,
	void (*write)(const struct part_file *file, void *arg), void *arg);

#endif
