/*
 * bits: one number for all bits of a result, to compare with the one that every machine gives. The
 * numbers in the tests change with what a seed means, or with the arithmetic, and never by machine:
 * whoever changes them on purpose takes the new ones from the output.
 */
#ifndef BITS_H
#define BITS_H

#include "check.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdint.h>

#define BITS_START 0xcbf29ce484222325u

/* FNV-1a over `size` bytes. */
static inline uint64_t bits_add(uint64_t bits, const void *data, size_t size)
{
	const unsigned char *p = data;

	for (size_t k = 0; k < size; k++)
		bits = (bits ^ p[k]) * 0x100000001b3u;
	return bits;
}

static inline void bits_check(const char *what, uint64_t bits, uint64_t expected)
{
	CHECK(bits == expected, "%s: the bits of every machine: 0x%016" PRIx64, what, bits);
}

#endif
