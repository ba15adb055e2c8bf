/*
 * calls: what the preloaded libraries of tests/faults share. A function of libc is defined again
 * here and calls the real one by REAL(name)(...).
 */
#ifndef CALLS_H
#define CALLS_H

#include <dlfcn.h>

/* ISO C has no way from an object's address to a function: by way of a union */
#define REAL(name)                               \
	(((union {                               \
		void *object;                    \
		__typeof__(&(name)) function;    \
	}){ .object = dlsym(RTLD_NEXT, #name) }) \
			.function)

#endif
