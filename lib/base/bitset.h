/* bitset: a set of numbers 0..n-1, one bit each. */
#ifndef BITSET_H
#define BITSET_H

#include "base/mem.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* An empty set of numbers below n; free with free(). */
static inline unsigned char *bitset_new(uint32_t n)
{
	return xcalloc((size_t)n / 8 + 1, 1);
}

/* Remove everything from a set of numbers below n. */
static inline void bitset_clear(unsigned char *set, uint32_t n)
{
	memset(set, 0, (size_t)n / 8 + 1);
}

static inline bool bitset_has(const unsigned char *set, uint32_t k)
{
	return set[k / 8] >> k % 8 & 1;
}

static inline void bitset_add(unsigned char *set, uint32_t k)
{
	set[k / 8] |= (unsigned char)(1u << k % 8);
}

static inline void bitset_remove(unsigned char *set, uint32_t k)
{
	set[k / 8] &= (unsigned char)~(1u << k % 8);
}

/* Add k; was it missing? */
static inline bool bitset_insert(unsigned char *set, uint32_t k)
{
	bool missing = !bitset_has(set, k);

	bitset_add(set, k);
	return missing;
}

#endif
