#include "base/number.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* strtod also takes blanks before it, hexadecimal, inf and nan: no numbers here */
static bool is_decimal(const char *text)
{
	return *text && !text[strspn(text, "+-.0123456789eE")];
}

bool number_parse_real(const char *text, double min, double max, double *v)
{
	char *end;

	if (!is_decimal(text))
		return false;
	errno = 0;
	*v = strtod(text, &end);
	return end != text && !*end && isfinite(*v) && *v >= min && *v <= max;
}

bool number_parse_float(const char *text, float *v)
{
	char *end;

	if (!is_decimal(text))
		return false;
	*v = strtof(text, &end);
	return end != text && !*end && isfinite(*v);
}

bool number_parse_uint(const char *text, uint64_t min, uint64_t max, uint64_t *v)
{
	if (!*text || text[strspn(text, "0123456789")])
		return false;
	errno = 0;
	*v = strtoull(text, NULL, 10);
	return !errno && *v >= min && *v <= max;
}

bool number_parse_size(const char *text, uint64_t *bytes)
{
	static const char units[] = "KMGT";
	size_t digits = strspn(text, "0123456789");
	const char *unit = text[digits] ? strchr(units, text[digits]) : NULL;
	unsigned shift = unit ? 10 * (unsigned)(unit - units + 1) : 0;

	if (digits == 0 || text[digits + (unit != NULL)])
		return false;
	errno = 0;
	*bytes = strtoull(text, NULL, 10);
	if (errno || *bytes == 0 || *bytes > UINT64_MAX >> shift)
		return false;
	*bytes <<= shift;
	return true;
}
