/*
 * digest: size and XXH3-128 (Y. Collet, xxHash 0.8) of bytes that pass by, so that a header can say
 * which input its rows come from. Runs at the speed of memory.
 */
#ifndef DIGEST_H
#define DIGEST_H

#include "base/js.h"

#include <stddef.h>
#include <stdint.h>

enum { DIGEST_HEX = 32 }; /* digits of XXH3-128 */

struct digest;

struct digest *digest_new(void);
void digest_add(struct digest *d, const void *data, size_t size);

/* XXH3-128 of the bytes added so far as lower-case hex digits and a NUL; more may be added after. */
void digest_hex(const struct digest *d, char text[DIGEST_HEX + 1]);

/* {"bytes": N, "xxh3_128": "32 hex digits"} of the bytes added so far, in a new object. */
struct js *digest_json(const struct digest *d);
void digest_free(struct digest *d);

/* XXH3-64 of some bytes. */
uint64_t digest_of_bytes(const void *data, size_t size);

#endif
