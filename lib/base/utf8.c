#include "base/utf8.h"

size_t utf8_length(const char *s, size_t left, uint32_t *c)
{
	static const uint32_t lowest[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const unsigned char *byte = (const unsigned char *)s;
	size_t n;

	if (left == 0)
		return 0;
	n = byte[0] < 0x80	 ? 1
	    : byte[0] >> 5 == 6	 ? 2
	    : byte[0] >> 4 == 14 ? 3
	    : byte[0] >> 3 == 30 ? 4
				 : 0;
	if (n == 0 || n > left)
		return 0;
	*c = n == 1 ? byte[0] : byte[0] & (0x7Fu >> n);
	for (size_t k = 1; k < n; k++) {
		if (byte[k] >> 6 != 2)
			return 0;
		*c = *c << 6 | (byte[k] & 0x3F);
	}
	return *c < lowest[n] || *c > 0x10FFFF || *c >> 11 == 0xD800 >> 11 ? 0 : n;
}
