/* crc: the CRC-32 of streams (that of gzip and zlib), at the speed of memory. */
#ifndef CRC_H
#define CRC_H

#include <stddef.h>
#include <stdint.h>

/* The CRC of what `crc` is the CRC of (0: nothing), followed by `size` bytes. */
uint32_t crc_add(uint32_t crc, const void *data, size_t size);

#endif
