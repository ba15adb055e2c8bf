/* utf8: what is text. */
#ifndef UTF8_H
#define UTF8_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Bytes of the UTF-8 sequence at `s` (RFC 3629: shortest form, no surrogates, up to U+10FFFF), and
   its character in *c; 0 where the `left` bytes do not begin with one. */
size_t utf8_length(const char *s, size_t left, uint32_t *c);

/* Bytes of the byte order mark at `s`, which Windows puts before a text; 0 where the `left` bytes do
   not begin with one. */
static inline size_t utf8_mark(const char *s, size_t left)
{
	static const char mark[] = { '\xef', '\xbb', '\xbf' };

	return left >= sizeof(mark) && memcmp(s, mark, sizeof(mark)) == 0 ? sizeof(mark) : 0;
}

#endif
