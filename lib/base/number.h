/* number: strict parsing of numbers: the whole string, no blanks, no locale. */
#ifndef NUMBER_H
#define NUMBER_H

#include <stdbool.h>
#include <stdint.h>

/* Decimal, finite and within min..max; false for anything else, such as hexadecimal, inf and nan.
   */
bool number_parse_real(const char *text, double min, double max, double *v);

/* The same as the nearest float, rounded once. */
bool number_parse_float(const char *text, float *v);

/* Decimal digits only, within min..max; false for anything else. */
bool number_parse_uint(const char *text, uint64_t min, uint64_t max, uint64_t *v);

/* A number of bytes: decimal digits, and K, M, G or T for powers of 1024; 1 or more. */
bool number_parse_size(const char *text, uint64_t *bytes);

#endif
