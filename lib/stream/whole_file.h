/*
 * whole_file: a file that appears whole or not at all.
 *
 * It is written without a name where the file system can (O_TMPFILE): then nothing is left of it
 * whatever ends the program. Elsewhere it is written as NAME.cofilter-1 beside its place, locked
 * (flock) as long as its writer lives. Such a file is removed at exit and by every signal that ends
 * a program; one whose writer was killed otherwise is removed, with a note, by the next writer of
 * NAME. An old file keeps its place until the new one takes it in one step (rename).
 *
 * Signals: the first file that has a name sets a handler for each signal that ends a program, as
 * far as nobody handles or ignores it. Whoever wants to act on one first sets a handler of his own,
 * before or after, and ends by whole_file_end_by_signal.
 */
#ifndef WHOLE_FILE_H
#define WHOLE_FILE_H

struct whole_file;

/*
 * A new file for `path`, through symbolic links, dangling ones too. Dies where it could not appear:
 * a folder that is missing or not writable, an old file that is write-protected, as for cp, or a
 * mount point, or another user's in a folder with the sticky bit. The permissions of an old file
 * are kept where the file system knows them.
 */
struct whole_file *whole_file_create(const char *path);

int whole_file_fd(const struct whole_file *f);

/* All is written: bring it to the disk. Whoever has several files settles all before he publishes
   one, since what can fail has then been done. */
void whole_file_settle(struct whole_file *f);

/* Give the settled file its name, bring that to the disk too, and release f. A folder that cannot be
   synced is a warning: the file is there. */
void whole_file_publish(struct whole_file *f);

/* Remove what is unfinished and end the program as this signal does, caught or not. For handlers. */
_Noreturn void whole_file_end_by_signal(int number);

#endif
