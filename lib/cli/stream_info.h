/* stream_info: what cof-cat says of whole streams. Names are those of files, NULL-terminated. */
#ifndef STREAM_INFO_H
#define STREAM_INFO_H

#include <stdbool.h>

/* Print the header of each as JSON. */
void stream_info_headers(char **files);

/* Read all to their verified ends; with `count`, print the number of their rows. */
void stream_info_verify(char **files, bool count);

#endif
