/* crc: CRC-32 as in gzip and PNG, at the speed of memory where the processor can multiply polynomials. */
#ifndef CRC_H
#define CRC_H

#include <stddef.h>
#include <stdint.h>

/* Of one piece (crc 0), or continued from the pieces before. */
uint32_t crc32_of(uint32_t crc, const void *data, size_t size);

/* For crc.c: size bytes, a multiple of CRC_FOLD and not 0, on a processor with PCLMULQDQ. */
enum { CRC_FOLD = 64 };
uint32_t crc_fold(uint32_t crc, const void *data, size_t size);

#endif
