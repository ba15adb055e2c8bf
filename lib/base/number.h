/* number: strict numbers out of text: the whole string, no blanks, no locale. */
#ifndef NUMBER_H
#define NUMBER_H

#include <stdbool.h>
#include <stdint.h>

/* Decimal, finite and within min..max; false where `text` is anything else (hexadecimal, inf and nan included). */
bool number_parse_real(const char *text, double min, double max, double *v);

/* Decimal digits only, within min..max; false where `text` is anything else. */
bool number_parse_uint(const char *text, uint64_t min, uint64_t max, uint64_t *v);

#endif
