/* check: unit tests print one line a check and return the verdict as exit status. */
#ifndef CHECK_H
#define CHECK_H

#include <stdio.h>

static int check_failed;

/* CHECK(condition, "what, with numbers %d", ...) */
#define CHECK(ok, ...)                                        \
	do {                                                  \
		int check_ok = (ok) ? 1 : 0;                  \
		check_failed += !check_ok;                    \
		printf("%s - ", check_ok ? "ok" : "not ok");  \
		printf(__VA_ARGS__);                          \
		printf("%s\n", check_ok ? "" : " (" #ok ")"); \
		fflush(stdout);                               \
	} while (0)

#define CHECK_SKIP(...)              \
	do {                         \
		printf("ok - ");     \
		printf(__VA_ARGS__); \
		printf(" # skip\n"); \
	} while (0)

#define CHECK_EXIT (check_failed != 0)

#endif
