/*
 * CRC-32 by folding (Gopal et al. 2009, "Fast CRC Computation for Generic Polynomials Using PCLMULQDQ"):
 * 16 bytes that stand d bits before others may be replaced by their product with x^d mod P, added
 * to those others. Four vectors fold 64 bytes at a time, then into one; zlib does its 16 bytes.
 */
#include "crc.h"

#ifdef __PCLMUL__
#include <wmmintrin.h>
#include <zlib.h>

/* x^(d + 32) and x^(d - 32) mod P, bits reversed and shifted by one, for the low and the high half. */
#define FOLD_BY_512_BITS _mm_set_epi64x(0x1c6e41596, 0x154442bd4)
#define FOLD_BY_128_BITS _mm_set_epi64x(0x0ccaa009e, 0x1751997d0)

static __m128i fold(__m128i x, __m128i by, __m128i onto)
{
	__m128i low = _mm_clmulepi64_si128(x, by, 0x00), high = _mm_clmulepi64_si128(x, by, 0x11);

	return _mm_xor_si128(_mm_xor_si128(low, high), onto);
}

uint32_t crc_fold(uint32_t crc, const void *data, size_t size)
{
	const __m128i *p = data, *end = p + size / sizeof(*p);
	__m128i x[4];

	for (int j = 0; j < 4; j++)
		x[j] = _mm_loadu_si128(p + j);
	x[0] = _mm_xor_si128(x[0], _mm_cvtsi32_si128((int)~crc));
	for (p += 4; p < end; p += 4)
		for (int j = 0; j < 4; j++)
			x[j] = fold(x[j], FOLD_BY_512_BITS, _mm_loadu_si128(p + j));
	for (int j = 0; j < 3; j++)
		x[j + 1] = fold(x[j], FOLD_BY_128_BITS, x[j + 1]);
	/* zlib inverts the register at both ends: this starts it at 0 */
	return (uint32_t)crc32_z(0xffffffff, (const unsigned char *)&x[3], sizeof(x[3]));
}
#endif
