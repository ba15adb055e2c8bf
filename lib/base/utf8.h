/* utf8: what is text. */
#ifndef UTF8_H
#define UTF8_H

#include <stddef.h>
#include <stdint.h>

#define BYTE_ORDER_MARK "\xef\xbb\xbf" /* U+FEFF in UTF-8, which Windows puts before a text */

/* Bytes of the UTF-8 sequence at `s` (RFC 3629: shortest form, no surrogates, up to U+10FFFF), and
   its character in *c; 0 where the `left` bytes do not begin with one. */
size_t utf8_length(const char *s, size_t left, uint32_t *c);

#endif
