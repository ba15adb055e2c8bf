#include "stream/crc.h"

#include "base/processor.h"

#include <libdeflate.h>

#ifdef __x86_64__
#include <immintrin.h>

/*
 * A product by x^D mod P moves 64 bits of a polynomial D bits ahead, where they are added to what is
 * there (Gopal et al. 2009, "Fast CRC computation for generic polynomials using PCLMULQDQ"); the
 * constants are that paper's, of D = 2048 and 512 bits. libdeflate folds 128 bits at a time, its
 * release 1.19 as here 512.
 */
enum { VECTOR = 64, STEP = 4 * VECTOR };

#define WIDE __attribute__((target("avx512f,vpclmulqdq,pclmul")))

WIDE static inline __m512i fold(__m512i x, __m512i ahead, __m512i by)
{
	const __m512i low = _mm512_clmulepi64_epi128(x, by, 0x00);
	const __m512i high = _mm512_clmulepi64_epi128(x, by, 0x11);

	return _mm512_ternarylogic_epi64(low, high, ahead, 0x96); // the sum of three
}

/* `size` >= STEP */
WIDE static uint32_t add_wide(uint32_t crc, const unsigned char *data, size_t size)
{
	const __m512i by_step = _mm512_set4_epi32(1, 0x322d1430, 1, 0x1542778a);
	const __m512i by_vector = _mm512_set4_epi32(1, (int)0xc6e41596, 1, 0x54442bd4);
	unsigned char sum[VECTOR];
	__m512i x[4];

	for (unsigned k = 0; k < 4; k++)
		x[k] = _mm512_loadu_si512(data + k * VECTOR);
	x[0] = _mm512_xor_si512(x[0], _mm512_zextsi128_si512(_mm_cvtsi32_si128((int)~crc)));
	for (data += STEP, size -= STEP; size >= STEP; data += STEP, size -= STEP)
		for (unsigned k = 0; k < 4; k++)
			x[k] = fold(x[k], _mm512_loadu_si512(data + k * VECTOR), by_step);
	for (unsigned k = 1; k < 4; k++)
		x[0] = fold(x[0], x[k], by_vector);
	_mm512_storeu_si512(sum, x[0]);
	/* ~0 is the CRC whose register is zero: what began the register is in the sum */
	return libdeflate_crc32(libdeflate_crc32(UINT32_MAX, sum, VECTOR), data, size);
}
#endif

uint32_t crc_add(uint32_t crc, const void *data, size_t size)
{
#ifdef __x86_64__
	const size_t before =
		-(uintptr_t)data % VECTOR; /* vectors that lie in two lines cost twice */

	if (size >= before + STEP && processor_multiplies_carryless()) {
		crc = libdeflate_crc32(crc, data, before);
		return add_wide(crc, (const unsigned char *)data + before, size - before);
	}
#endif
	return libdeflate_crc32(crc, data, size);
}
