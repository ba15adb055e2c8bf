/* digits: parses decimal digits, eight bytes at once. */
#ifndef DIGITS_H
#define DIGITS_H

#include "base/bytes.h"

#include <stdint.h>

/*
 * How many of the 8 bytes at `p` are digits, up to the first that is not, and the number they make:
 * all bytes at once (Lamport 1975), without a branch to mispredict. In `v` the byte of a digit is
 * its value; adding 0x76 carries any greater byte into its top bit. Then pairs, fours and all eight
 * are combined.
 */
static inline unsigned eight_digits(const char *p, uint64_t *number)
{
	const uint64_t ones = UINT64_C(0x0101010101010101);
	uint64_t v = get64((const unsigned char *)p) ^ 0x30 * ones;
	uint64_t others = (v | (v + 0x76 * ones)) & 0x80 * ones;
	uint64_t first = (others & (0 - others)) >> 7; /* 1 in the byte after the digits, or 0 */
	unsigned n = (unsigned)(((first - 1) & ones) * ones >> 56);

	v <<= (64 - 8 * n) & 63; /* leading zeros; nonsense for n = 0 */
	v = (v * (1 + (UINT64_C(10) << 8)) >> 8) & UINT64_C(0x00ff00ff00ff00ff);
	v = (v * (1 + (UINT64_C(100) << 16)) >> 16) & UINT64_C(0x0000ffff0000ffff);
	*number = v * (1 + (UINT64_C(10000) << 32)) >> 32;
	return n;
}

/* The number that up to 16 digits make; returns where they end, `p` itself where there is none.
   Always reads 16 bytes. */
static inline const char *scan_digits(const char *p, uint64_t *number)
{
	static const uint32_t power[] = { 1, 10, 100, 1000, 10000, 100000, 1000000, 10000000,
		100000000 };
	unsigned n = eight_digits(p, number);
	uint64_t low;

	if (n < 8)
		return p + n;
	n = eight_digits(p + 8, &low);
	if (n > 0)
		*number = *number * power[n] + low;
	return p + 8 + n;
}

#endif
