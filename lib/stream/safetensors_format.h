/* safetensors_format: what the reader and the writer of safetensors share. */
#ifndef SAFETENSORS_FORMAT_H
#define SAFETENSORS_FORMAT_H

#include "stream/digest.h"
#include "stream/safetensors.h"

#include <stddef.h>
#include <stdint.h>

#define SAFETENSORS_ZEROS "00000000000000000000000000000000" /* DIGEST_HEX of them */

const char *safetensors_type_name(enum safetensors_type type);
uint64_t safetensors_count(const struct safetensors_tensor *t); /* of its values */

/*
 * The digits of the header's own checksum in its text, or NULL. Within a JSON string a quote is
 * escaped, so these bytes are a key and the beginning of its value.
 */
char *safetensors_own_checksum(char *text, size_t size);

/* The checksum of a header: 8 bytes of length, then `size` of text with its own digits at `own`. */
void safetensors_header_checksum(const unsigned char length[8], const char *text, size_t size,
	const char *own, char hex[DIGEST_HEX + 1]);

#endif
