#include "crc.h"

#include <zlib.h>

uint32_t crc32_of(uint32_t crc, const void *data, size_t size)
{
	size_t folded = 0;

#ifdef __x86_64__
	if (size >= CRC_FOLD && __builtin_cpu_supports("pclmul")) {
		folded = size / CRC_FOLD * CRC_FOLD;
		crc = crc_fold(crc, data, folded);
	}
#endif
	return (uint32_t)crc32_z(crc, (const unsigned char *)data + folded, size - folded);
}
