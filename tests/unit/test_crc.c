/* crc: the check value of CRC-32, and zlib's function at every length, alignment and cut. */
#include "crc.h"

#include "check.h"
#include "rng.h"

#include <string.h>
#include <zlib.h>

enum { SIZE = 700 };

int main(void)
{
	unsigned char data[SIZE];
	unsigned wrong = 0, tried = 0;
	struct rng r;

	CHECK(crc32_of(0, "123456789", 9) == 0xcbf43926, "check value");
	CHECK(crc32_of(0, "", 0) == 0, "nothing");
	rng_start(&r, 3, RNG_TEST, 0, 0);
	for (unsigned k = 0; k < SIZE; k++)
		data[k] = (unsigned char)rng_u32(&r);
	for (unsigned start = 0; start < 20; start++) {
		for (unsigned size = 0; start + size <= SIZE; size++, tried++) {
			unsigned cut = rng_below(&r, size + 1);
			uint32_t want = (uint32_t)crc32_z(0, data + start, size);
			uint32_t first = crc32_of(0, data + start, cut);

			wrong += crc32_of(0, data + start, size) != want;
			wrong += crc32_of(first, data + start + cut, size - cut) != want;
		}
	}
	CHECK(wrong == 0, "%u pieces, whole and cut in two: %u wrong", tried, wrong);
	memset(data, 0, SIZE);
	CHECK(crc32_of(0, data, SIZE) == (uint32_t)crc32_z(0, data, SIZE), "zeros");
	return CHECK_EXIT;
}
