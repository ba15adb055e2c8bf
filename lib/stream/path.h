/*
 * path: what a file name on the command line stands for.
 */
#ifndef PATH_H
#define PATH_H

/*
 * `path` with the symbolic links of its last part followed: the name under which a file is, or
 * would be made. Ends at a name of a descriptor. malloc'ed; NULL, with errno set, for links that
 * lead in a circle or cannot be read.
 */
char *path_resolve(const char *path);

/* The descriptor that a name stands for (/dev/stdout, /dev/fd/3, /proc/self/fd/3, a link to one of
   them), else -1. "-" is `standard`. */
int path_descriptor(const char *path, int standard);

/* The folder of a name, malloc'ed: "." for a name alone. */
char *path_folder(const char *path);

/* What follows the folder; a part of `path`. */
const char *path_base(const char *path);

#endif
