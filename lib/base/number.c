#include "base/number.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

bool number_parse_real(const char *text, double min, double max, double *v)
{
	char *end;

	/* strtod also takes blanks before it, hexadecimal, inf and nan: no numbers here */
	if (!*text || text[strspn(text, "+-.0123456789eE")])
		return false;
	errno = 0;
	*v = strtod(text, &end);
	return end != text && !*end && isfinite(*v) && *v >= min && *v <= max;
}

bool number_parse_uint(const char *text, uint64_t min, uint64_t max, uint64_t *v)
{
	if (!*text || text[strspn(text, "0123456789")])
		return false;
	errno = 0;
	*v = strtoull(text, NULL, 10);
	return !errno && *v >= min && *v <= max;
}
