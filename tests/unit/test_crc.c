/* crc: against zlib's, of random bytes, all lengths at all places, in one piece and in two. */
#include "stream/crc.h"

#include "base/mem.h"
#include "base/rng.h"
#include "check.h"

#include <stdlib.h>
#include <zlib.h>

enum { LONGEST = 70000, SHORT = 1100, PLACES = 65 };

static unsigned char *random_bytes(size_t n)
{
	unsigned char *bytes = xmalloc(n, 1);
	struct rng r;

	rng_start(&r, 1, RNG_TEST, 0, 0);
	for (size_t k = 0; k < n; k++)
		bytes[k] = (unsigned char)rng_u32(&r);
	return bytes;
}

static uint32_t expected(uint32_t crc, const unsigned char *bytes, size_t n)
{
	return (uint32_t)crc32(crc, bytes, (uInt)n);
}

int main(void)
{
	unsigned char *bytes = random_bytes(LONGEST + PLACES);
	size_t wrong = 0, wrong_on = 0;
	struct rng r;

	for (size_t n = 0; n < SHORT; n++)
		wrong += crc_add(0, bytes, n) != expected(0, bytes, n);
	CHECK(wrong == 0, "lengths up to %d: %zu wrong", SHORT, wrong);
	rng_start(&r, 2, RNG_TEST, 0, 0);
	wrong = 0;
	for (unsigned k = 0; k < 2000; k++) {
		const size_t n = rng_below(&r, LONGEST), cut = rng_below(&r, (uint32_t)n + 1);
		const unsigned char *at = bytes + k % PLACES;
		const uint32_t first = crc_add(0, at, cut);

		wrong += crc_add(0, at, n) != expected(0, at, n);
		wrong_on += crc_add(first, at + cut, n - cut) != expected(0, at, n);
	}
	CHECK(wrong == 0, "2000 lengths up to %d at any place: %zu wrong", LONGEST, wrong);
	CHECK(wrong_on == 0, "the same in two pieces: %zu wrong", wrong_on);
	free(bytes);
	return CHECK_EXIT;
}
