/* library: functions of shared libraries that are loaded at run time. */
#ifndef LIBRARY_H
#define LIBRARY_H

#include <stdbool.h>
#include <stddef.h>

/* dlsym for a function, `function` being the address of a pointer to it: false where it is not
   there. */
bool library_find(void *library, const char *name, void *function);

/*
 * Load a plug-in of this program and find its one function: the file that the environment variable
 * `variable` names, else `file` in ../lib/cofilter, from the program's folder. False: `why` says in
 * one line why not.
 */
bool library_plugin(const char *variable, const char *file, const char *name, void *function,
	char *why, size_t why_size);

#endif
